// What can be done with files: copy where a hit lies, open its folder, keep a clip; save the list.
import { $, clock, make } from "./dom.js";
import { hitParts, listParts } from "./parts.js";

const WRITING = { "X-Expert-Retrieval": "1" };

let rights = null;
const ownRights = () => (rights ??= fetch("api/rights").then((response) => response.json()).catch(() => ({})));

const CLIP_BEFORE_S = 1, CLIP_S = 10;

// What can be done with the file of a hit: copy where it lies, open its folder, keep a clip around the moment.
export function actions(hit) {
  const said = make("span", { class: "dim", role: "status" });
  const copy = make("button", { type: "button", class: "quiet copy", onclick: () => copyPath(hit, said) }, "Copy path");
  const open = make("button", { type: "button", class: "quiet open", hidden: true, onclick: () => openFolder(hit, said) }, "Open folder");
  ownRights().then(({ may_open: may }) => { open.hidden = !may || !hit.playable; });
  return make("div", { class: "actions files" }, copy, open, hit.playable ? clipLink(hit) : null, said);
}

function clipLink(hit) {
  const from = Math.max(0, Math.min(hit.best_s - CLIP_BEFORE_S, hit.duration_s - 1));
  const to = Math.min(hit.duration_s, from + CLIP_S);
  return make("a", { class: "button quiet", href: `media/${hit.key}/clip?from_s=${from.toFixed(1)}&to_s=${to.toFixed(1)}`, download: "",
    title: "The seconds around the moment, as a file" }, `Clip ${clock(from)}–${clock(Math.ceil(to))}`);
}

async function copyPath(hit, said) {
  const response = await fetch(`api/videos/${hit.key}/place`).catch(() => null);
  if (!response?.ok) { said.textContent = "The server does not say where it lies."; return; }
  const { path } = await response.json();
  try {
    await navigator.clipboard.writeText(path);
    said.textContent = "Copied.";
  } catch {
    said.textContent = path; // where the browser does not let a page copy: on plain http from another machine
  }
}

async function openFolder(hit, said) {
  const response = await fetch(`api/videos/${hit.key}/open`, { method: "POST", headers: WRITING }).catch(() => null);
  const told = response?.ok ? null : await response?.json().catch(() => null);
  said.textContent = response?.ok ? "Opened." : told?.detail ?? "The server does not answer.";
}

// Links that save the list as a file, below it; none where it was asked for by an example, which only the page holds.
function exportLinks(value, answer) {
  const wanted = new URLSearchParams(location.search);
  for (const name of ["k", "view"]) wanted.delete(name);
  const link = (format) => make("a", { href: `api/export?${wanted}&format=${format}`, download: "" }, format.toUpperCase());
  const there = !value.example && answer.hits.length > 0;
  $("export").replaceChildren(...(there ? ["Save the list: ", link("csv"), " ", link("json")] : []));
  return null;
}

hitParts.push(actions);
listParts.push(exportLinks);
