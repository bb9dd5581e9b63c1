// The search page: keeps the query in the address, so that Back works, and shows the answer.
import { hitCard, playFrom } from "./hit.js";
import { controls } from "./controls.js";
import { $, describe, make } from "./dom.js";

let facts = null;
let looks = new Map();
let chosen = -1;
let running = null;
let panel = null;

async function ask(path) {
  const response = await fetch(path, { signal: running?.signal });
  const told = await response.json().catch(() => ({}));
  if (!response.ok) throw new Error(typeof told.detail === "string" ? told.detail : "The question could not be understood.");
  return told;
}

const wanted = () => new URLSearchParams(location.search);

function go(change) {
  history.pushState(null, "", `?${new URLSearchParams(change)}`);
  show();
}

async function show() {
  running?.abort();
  running = new AbortController();
  const mine = running;
  const query = wanted().get("q") ?? "";
  const similar = wanted().get("similar");
  $("query").value = query;
  if (!query.trim() && !similar) return welcome();
  $("hits").classList.add("busy");
  const started = performance.now();
  try {
    const settings = panel.parameters();
    const answer = await ask(similar ? `/api/similar/${encodeURIComponent(similar)}?${settings}`
      : `/api/search?${new URLSearchParams({ q: query })}&${settings}`);
    if (mine === running) draw(answer, similar, performance.now() - started);
  } catch (error) {
    if (error.name !== "AbortError") failed(error);
  }
}

function draw(answer, similar, took) {
  document.title = `${answer.query} · ${facts.dataset}`;
  blank();
  chosen = -1;
  $("hits").append(...answer.hits.map((hit, index) => hitCard(hit, index + 1, looks, (of) => go({ similar: of.key }))));
  const told = answer.notes.join(" ");
  $("status").textContent = answer.hits.length ? `${answer.hits.length} found among ${facts.num_videos} videos in ${Math.max(1, Math.round(took))} ms. ${told}` : told;
  if (similar) banner(answer.query);
  if (!answer.hits.length) empty("Nothing found", answer.reason);
}

function banner(name) {
  $("banner").replaceChildren("Like ", make("strong", {}, name), make("button", { class: "quiet", type: "button", onclick: () => history.back() }, "Back"));
  $("banner").hidden = false;
}

function blank() {
  $("hits").replaceChildren();
  $("hits").classList.remove("busy");
  $("banner").hidden = $("empty").hidden = true;
  $("empty").classList.remove("error");
  $("status").textContent = "";
}

function empty(heading, text) {
  const examples = facts.examples.map((one) => make("button", { class: "quiet", type: "button", onclick: () => go({ q: one }) }, one));
  $("empty").replaceChildren(make("h1", {}, heading), make("p", {}, text), make("div", { class: "examples" }, ...examples));
  $("empty").hidden = false;
}

// Whether names of what is seen, or a network that knows language, answer without training.
function seesThings() {
  return facts.experts.some((one) => one.weighable && !["ocr", "speech"].includes(one.modality));
}

function welcome() {
  document.title = `Search ${facts.dataset}`;
  blank();
  empty("Find the moment", facts.trained ? "Describe what happens, or type a word that is said or written. Try one of these:"
    : `Type a word that is said or written in a video${seesThings() ? ", or name what can be seen" : ""}. `
      + "Once a model is trained, you can also describe what happens.");
}

function failed(error) {
  blank();
  $("empty").classList.add("error");
  const again = make("button", { type: "button", class: "quiet", onclick: () => (facts ? show() : start()) }, "Try again");
  const gone = error instanceof TypeError;
  $("empty").replaceChildren(make("h1", {}, "That did not work"), make("p", {}, gone ? "The search server does not answer. Is it still running?" : error.message), again);
  $("empty").hidden = false;
}

function choose(index) {
  const cards = [...$("hits").children];
  if (!cards.length) return;
  chosen = Math.max(0, Math.min(index, cards.length - 1));
  cards.forEach((card, at) => card.classList.toggle("chosen", at === chosen));
  cards[chosen].focus({ preventScroll: true });
  cards[chosen].scrollIntoView({ block: "center", behavior: "smooth" });
}

const KEYS = {
  "/": () => { $("query").focus(); $("query").select(); },
  ArrowDown: () => choose(chosen + 1),
  ArrowUp: () => choose(chosen - 1),
  Enter: () => playFrom($("hits").children[chosen] ?? document, null),
  m: () => $("hits").children[chosen]?.querySelector(".similar")?.click(),
};

function onKey(event) {
  const at = event.target;
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (at === $("query")) {
    if (event.key === "Escape") at.blur();
    if (event.key === "ArrowDown") { event.preventDefault(); choose(0); }
    return;
  }
  if (at.matches("input, button, video, summary, a") || !KEYS[event.key]) return;
  event.preventDefault();
  KEYS[event.key]();
}

async function start() {
  try {
    facts = await ask("/api/collection");
  } catch (error) {
    return failed(error);
  }
  looks = describe(facts.experts);
  $("dataset").textContent = facts.dataset;
  $("size").textContent = `${facts.num_videos} videos`;
  panel = controls(facts, looks, show);
  await show();
}

$("form").addEventListener("submit", (event) => {
  event.preventDefault();
  $("query").blur();
  go($("query").value.trim() ? { q: $("query").value } : {});
});
addEventListener("popstate", show);
addEventListener("keydown", onKey);
start();
