// The people of a collection: switched on by the user, named, searched, deleted.
import { $, make } from "./dom.js";

const GUARD = { "X-Expert-Retrieval": "1" };
const PLAIN = "Faces that are alike are put together on this machine, so that you can name them and search “who: Ann”. "
  + "Nothing of it leaves the machine: names are kept in one file beside the index, and “Delete” removes it. "
  + "Faces are data about people: have their consent, or a reason that the law knows.";
const LIGHT = "This expert (faces) tells faces, poses and lights apart, and people only roughly; the expert “face” tells people apart.";

// A button in the head, and the dialog that it opens.
export function mountPeople({ state, facts }) {
  if (!facts.experts.some((one) => one.modality === "face")) return;
  const dialog = make("dialog", { id: "people", ariaLabelledby: "people-title" });
  dialog.addEventListener("keydown", (event) => event.stopPropagation()); // else its letters are keys of the list below
  document.body.append(dialog);
  const button = make("button", { type: "button", class: "quiet people-open", ariaHaspopup: "dialog" }, "People");
  button.onclick = async () => { dialog.replaceChildren(make("p", {}, "Looking for faces ...")); dialog.showModal(); await draw(dialog, state); };
  $("form").before(button);
}

async function call(path, method = "GET", body = undefined) {
  const response = await fetch(path, { method, body, headers: method === "GET" ? {} : { ...GUARD, "Content-Type": "text/plain" } });
  const told = response.status === 204 ? {} : await response.json().catch(() => ({}));
  if (!response.ok) throw new Error(typeof told.detail === "string" ? told.detail : "That did not work.");
  return told;
}

async function draw(dialog, state, path = "api/people", method = "GET") {
  const head = make("div", { class: "people-head" }, make("h2", { id: "people-title" }, "People"),
    make("button", { type: "button", class: "quiet", onclick: () => dialog.close() }, "Close"));
  const again = (...given) => draw(dialog, state, ...given);
  try {
    const told = await call(path, method);
    dialog.replaceChildren(head, ...(told.is_on ? shown(told, again, dialog, state) : off(told, again)));
  } catch (error) {
    dialog.replaceChildren(head, make("p", { role: "alert" }, error.message));
  }
}

function off(told, again) {
  if (!told.is_possible) return [make("p", {}, "No expert of this collection sees faces, or its index is older: build it again.")];
  return [make("p", {}, PLAIN), make("button", { type: "button", class: "switch-on", onclick: () => again("api/people?on=true", "PUT") }, "Switch people on")];
}

function shown(told, again, dialog, state) {
  const cards = told.people.map((one) => card(one, again, dialog, state));
  const deleteAll = make("button", { type: "button", class: "quiet", onclick: () => { if (confirm("Delete all names, and switch people off?")) again("api/people", "DELETE"); } }, "Delete all names");
  return [
    make("p", { class: "dim" }, told.num_people ? `${told.num_people} ${told.num_people === 1 ? "group" : "groups"} of like faces, by ${told.expert}. ` : "No face was found in this collection. ", told.expert.includes("light") ? LIGHT : ""),
    make("ul", { class: "people" }, ...cards),
    make("div", { class: "actions" }, make("button", { type: "button", class: "quiet", onclick: () => again("api/people?on=false", "PUT") }, "Switch off, keep the names"), deleteAll),
  ];
}

function card(one, again, dialog, state) {
  const field = make("input", { type: "text", value: one.name, maxLength: 80, placeholder: "Name", autocomplete: "off", ariaLabel: `Name of person ${one.number + 1}` });
  const told = make("span", { class: "dim" }, `${one.num_videos} ${one.num_videos === 1 ? "video" : "videos"}`);
  const save = async () => {
    try {
      await call(`api/people/${one.number}`, "PUT", field.value);
      again();
    } catch (error) {
      told.textContent = error.message;
    }
  };
  const find = () => {
    dialog.close();
    state.ask(one.name ? { q: `who: ${one.name}` } : { example: `${one.key}@${one.at_s.toFixed(1)}@face` });
  };
  const form = make("form", {}, field, make("button", { type: "submit", class: "quiet" }, "Save"));
  form.onsubmit = (event) => { event.preventDefault(); save(); };
  const label = one.name ? `Find ${one.name}` : `Find videos with person ${one.number + 1}`;
  const face = make("img", { src: `api/people/${one.number}/face`, alt: "", loading: "lazy", width: 96, height: 96 });
  face.onerror = () => face.classList.add("lost");
  return make("li", {}, make("button", { type: "button", class: "face", ariaLabel: label, title: label, onclick: find }, face), form, told);
}
