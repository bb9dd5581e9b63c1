// The API page: lists the operations of /openapi.json with forms to try them. The usual page would load code from elsewhere.
import { $, make } from "./dom.js";

function field({ name, description, required, schema }) {
  const input = make("input", { name, ariaLabel: name, placeholder: String(schema.default ?? (required ? "required" : "")) });
  return { input, row: make("label", { class: "field" }, make("code", {}, name), input, make("span", { class: "dim" }, description ?? "")) };
}

function address(path, parameters, inputs) {
  const query = new URLSearchParams();
  parameters.forEach(({ name, in: where }, index) => {
    const value = inputs[index].value;
    if (where === "path") path = path.replace(`{${name}}`, encodeURIComponent(value));
    else if (value) query.append(name, value);
  });
  return query.size ? `${path}?${query}` : path;
}

function operation(path, method, { description, parameters = [] }) {
  const fields = parameters.map(field);
  const shown = make("pre", { hidden: true });
  const button = make("button", { type: "button", class: "quiet" }, "Try");
  button.onclick = async () => {
    const url = address(path.slice(1), parameters, fields.map(({ input }) => input));
    const response = await fetch(url);
    const json = (response.headers.get("content-type") ?? "").includes("json");
    const body = json ? JSON.stringify(await response.json(), null, 1) : response.headers.get("content-type");
    shown.textContent = `GET ${url}\n${response.status}\n${body}`;
    shown.hidden = false;
  };
  return make("section", { class: "operation" }, make("h3", {}, make("span", {}, method.toUpperCase()), path),
    make("p", {}, description ?? ""), ...fields.map(({ row }) => row), button, shown);
}

const { paths } = await (await fetch("openapi.json")).json();
$("operations").append(...Object.entries(paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, told]) => operation(path, method, told))));
