// Asks by example: a picture, sound or clip that is dropped, pasted or chosen; a moment of a result; a face in it.
import { $, make } from "./dom.js";
import { hitParts, listParts } from "./parts.js";
import { ofFile } from "./span.js";

const MOST_BYTES = 64 * 2 ** 20, MOST_PREVIEWS = 20, LONGEST_NAME = 200;
const GUARD = { "X-Expert-Retrieval": "1" };
// Example -> {url, kind} of what was sent from this page, to show it again.
const previews = new Map();

export function mountAsk({ state, facts, failed }) {
  const input = make("input", { type: "file", accept: "image/*,audio/*,video/*", hidden: true, id: "ask-file" });
  const button = make("button", { type: "button", class: "ask", title: "Choose a picture, sound or clip; or drop or paste one anywhere", ariaLabel: "Search by a picture, sound or clip" }, icon());
  button.onclick = () => input.click();
  input.onchange = () => { if (input.files.length) send(input.files[0]); input.value = ""; };
  $("form").prepend(input, button); // before the field: the tabulator leads from there to the hits in three stops
  const send = sender(state, failed);
  acceptDrops(send);
  acceptPaste(send);
  const faces = facts.experts.filter((one) => one.modality === "face").map((one) => one.name);
  hitParts.push((hit, card) => momentButtons(hit, card, faces, state));
  listParts.push((value, answer) => (value.example ? banner(value.example, answer, faces, state) : null));
}

function icon() {
  const shape = (name, given) => {
    const one = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(given)) one.setAttribute(key, value);
    return one;
  };
  const picture = shape("svg", { viewBox: "0 0 24 24", "aria-hidden": "true" });
  picture.append(shape("path", { d: "M4 8h3l2-3h6l2 3h3v11H4z" }), shape("circle", { cx: "12", cy: "13", r: "3.6" }));
  return picture;
}

// A function that sends a file, and shows what was found.
function sender(state, failed) {
  let last = null;
  return async (file) => {
    if (!file.size) return failed(new Error("The file is empty."));
    if (file.size > MOST_BYTES) return failed(new Error(`An example may have ${MOST_BYTES / 2 ** 20} MB at most; cut the clip, or choose a frame of it.`));
    last?.abort();
    const mine = last = new AbortController();
    $("hits").classList.add("busy");
    $("status").textContent = `Reading ${file.name || "what was pasted"} ...`;
    try {
      const told = new URLSearchParams({ name: (file.name || "").slice(0, LONGEST_NAME), k: 1 });
      const headers = { ...GUARD, "Content-Type": file.type || "application/octet-stream" };
      const response = await fetch(`api/example?${told}`, { method: "POST", headers, body: file, signal: mine.signal });
      const answer = await response.json().catch(() => ({}));
      if (!response.ok) throw new Error(typeof answer.detail === "string" ? answer.detail : "The example could not be read.");
      keepPreview(answer.example, file);
      state.ask({ example: answer.example });
    } catch (error) {
      if (error.name !== "AbortError") failed(error);
    }
  };
}

function keepPreview(example, file) {
  const [kind] = file.type.split("/");
  previews.set(example, { kind, url: URL.createObjectURL(file) });
  for (const [oldest, { url }] of previews) {
    if (previews.size <= MOST_PREVIEWS) break;
    URL.revokeObjectURL(url);
    previews.delete(oldest);
  }
}

function acceptDrops(send) {
  const sheet = make("div", { class: "drop", hidden: true, ariaHidden: "true" }, make("p", {}, "Drop a picture, a sound or a clip to find videos like it"));
  document.body.append(sheet);
  const hasFile = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
  addEventListener("dragenter", (event) => { if (hasFile(event)) sheet.hidden = false; });
  addEventListener("dragover", (event) => { if (hasFile(event)) event.preventDefault(); });
  addEventListener("dragleave", (event) => { if (!event.relatedTarget) sheet.hidden = true; });
  addEventListener("drop", (event) => {
    sheet.hidden = true;
    if (!hasFile(event)) return;
    event.preventDefault();
    if (event.dataTransfer.files.length) send(event.dataTransfer.files[0]);
  });
}

function acceptPaste(send) {
  addEventListener("paste", (event) => {
    const file = [...(event.clipboardData?.files ?? [])].find((one) => /^(image|audio|video)\//.test(one.type));
    if (!file) return;
    event.preventDefault();
    send(file);
  });
}

// The second that is shown of a hit: where its player stands once it was started, or else the best one.
function shownSecond(hit, card) {
  const video = card.querySelector("video");
  return video && video.currentTime > 0 ? Math.max(0, ofFile(hit, video.currentTime)) : hit.best_s;
}

function momentButtons(hit, card, faces, state) {
  const ask = (tail) => state.ask({ example: `${hit.key}@${shownSecond(hit, card).toFixed(1)}${tail}` });
  const moment = make("button", { type: "button", class: "quiet this-moment", title: "Find videos like what is shown and heard at this second", onclick: () => ask("") }, "Like this moment");
  const hasFace = faces.some((one) => typeof hit.shares[one] === "number");
  const person = hasFace ? make("button", { type: "button", class: "quiet this-person", title: "Find faces like the one at this second", onclick: () => ask("@face") }, "This face") : null;
  return make("div", { class: "actions" }, moment, person);
}

// What is asked by, above the list: a preview, its name, and a face alone where one was seen.
function banner(example, answer, faces, state) {
  // KEY@SECOND, or the name of what was sent; both may end in @face.
  const [key, ...rest] = example.split("@");
  const second = rest.find((one) => /^\d/.test(one));
  const modality = rest.find((one) => !/^\d/.test(one));
  const whole = second ? `${key}@${second}` : key;
  const shown = second ? { kind: "image", url: `posters/${key}?at_s=${second}` } : previews.get(key);
  const told = make("div", { class: "asked" }, preview(shown), make("div", {}, make("strong", {}, answer.query), modality ? ", the face alone" : ""));
  const answered = Object.keys(answer.hits[0]?.shares ?? {});
  if (!modality && faces.some((one) => answered.includes(one))) {
    told.append(make("button", { type: "button", class: "quiet", onclick: () => state.ask({ example: `${whole}@face` }) }, "Only this face"));
  }
  if (modality) told.append(make("button", { type: "button", class: "quiet", onclick: () => state.ask({ example: whole }) }, "All of it"));
  told.append(make("button", { type: "button", class: "quiet", onclick: () => state.ask({ q: "" }) }, "Clear"));
  return told;
}

function preview(shown) {
  if (shown?.kind === "image") return make("img", { src: shown.url, alt: "" });
  const names = { audio: "♪", video: "▶" };
  return make("span", { class: "sign", ariaHidden: "true" }, names[shown?.kind] ?? "◻");
}
