// The search page: asks what the address says, and shows the answer.
import { mountAsk } from "./ask.js";
import { controls } from "./controls.js";
import { $, describe, make } from "./dom.js";
import { answerList } from "./list.js";
import { mountPeople } from "./people.js";
import { MOST, MOST_A_REQUEST, PAGE, asksNothing, pageState, request } from "./state.js";

let facts = null;
let running = null;
let panel = null;
let list = null;

async function get(path) {
  const response = await fetch(path, { signal: running?.signal });
  const told = await response.json().catch(() => ({}));
  if (!response.ok) throw Object.assign(new Error(typeof told.detail === "string" ? told.detail : "The question could not be understood."), { status: response.status });
  return told;
}

// The hits from `offset` up to `until`, in as many requests as the server wants.
async function hitsOf(value, offset, until) {
  let answer = null;
  for (let at = offset; at < until; at += MOST_A_REQUEST) {
    const page = await get(request(value, at, Math.min(MOST_A_REQUEST, until - at)));
    answer = answer ? { ...answer, hits: [...answer.hits, ...page.hits] } : page;
    if (page.hits.length < Math.min(MOST_A_REQUEST, until - at)) break;
  }
  return answer;
}

// Asks what the address says, shows the answer, and scrolls to `y`.
async function refresh(y = state.scroll()) {
  running?.abort();
  running = new AbortController();
  const mine = running;
  const value = state.get();
  $("query").value = value.q;
  panel.show(value);
  list.lay(value.view);
  if (asksNothing(value)) return welcome();
  $("hits").classList.add("busy");
  const started = performance.now();
  try {
    const answer = await hitsOf(value, 0, value.k);
    if (mine !== running) return;
    show(answer, performance.now() - started);
    scrollTo({ top: y, behavior: "instant" });
  } catch (error) {
    if (error.name !== "AbortError") failed(error);
  }
}

const state = pageState(() => refresh());

// Draws any answer of the API that holds hits (FoundVideos), whichever request gave it.
function show(answer, took = null) {
  document.title = `${answer.query} · ${facts.dataset}`;
  blank();
  list.draw(answer, took);
  if (!answer.hits.length) empty("Nothing found", answer.reason);
}

// Appends the next hits; the first of them gets the focus that the button loses.
async function more() {
  const [value, first] = [state.get(), list.length];
  $("more").disabled = true;
  try {
    const answer = await hitsOf(value, first, first + PAGE);
    state.set({ k: Math.min(MOST, first + PAGE) });
    list.append(answer);
    list.choose(first);
  } catch (error) {
    if (error.name !== "AbortError") $("status").textContent = error.message;
  } finally {
    $("more").disabled = false;
  }
}

function blank() {
  list.clear();
  $("empty").hidden = true;
  $("empty").classList.remove("error");
}

function empty(heading, text) {
  const examples = facts.examples.map((one) => make("button", { class: "quiet", type: "button", onclick: () => state.ask({ q: one }) }, one));
  $("empty").replaceChildren(make("h1", {}, heading), make("p", {}, text), make("div", { class: "examples" }, ...examples));
  $("empty").hidden = false;
}

// Whether names of what is seen, or a network that knows language, answer without training.
function seesThings() {
  return facts.experts.some((one) => one.weighable && !["ocr", "speech", "captions"].includes(one.modality));
}

function welcome() {
  document.title = `Search ${facts.dataset}`;
  blank();
  empty("Find the moment", facts.trained ? "Describe what happens, or type a word that is said or written. Try one of these:"
    : `Type a word that is said or written in a video${seesThings() ? ", or name what can be seen" : ""}. `
      + "Once a model is trained, you can also describe what happens.");
}

function failed(error) {
  list?.clear();
  $("empty").classList.add("error");
  const again = make("button", { type: "button", class: "quiet", onclick: () => (facts ? refresh() : start()) }, "Try again");
  const without = error.status === 422 && unknown() ? make("button", { type: "button", class: "quiet", onclick: () => state.go(known()) }, "Leave it out") : "";
  const gone = error instanceof TypeError;
  $("empty").replaceChildren(make("h1", {}, "That did not work"), make("p", {}, gone ? "The search server does not answer. Is it still running?" : error.message), without, again);
  $("empty").hidden = false;
}

// What of the address this collection has: a link may come from another one, or from before.
function known() {
  const { weight, has, second_stage: stage } = state.get();
  const isKnown = (name) => facts.experts.some((one) => one.name === name);
  return { weight: Object.fromEntries(Object.entries(weight).filter(([name]) => isKnown(name))), has: has.filter((one) => facts.experts.some(({ modality }) => modality === one)),
    second_stage: facts.second_stages.includes(stage) ? stage : "" };
}

const unknown = () => facts !== null && JSON.stringify(known()) !== JSON.stringify({ weight: state.get().weight, has: state.get().has, second_stage: state.get().second_stage });

const KEYS = {
  "/": () => { $("query").focus(); $("query").select(); },
  ArrowDown: () => list.chooseRow(1),
  ArrowUp: () => list.chooseRow(-1),
  ArrowRight: () => list.choose(list.chosen + 1),
  ArrowLeft: () => list.choose(list.chosen - 1),
  Enter: () => list.play(),
  e: () => list.open(),
  m: () => list.like(),
};

function onKey(event) {
  const at = event.target;
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (at === $("query")) {
    if (event.key === "Escape") at.blur();
    if (event.key === "ArrowDown") { event.preventDefault(); list.choose(0); }
    return;
  }
  if (!list || !KEYS[event.key] || at.matches("input, select, textarea, video, audio") || (event.key === "Enter" && at.matches("button, summary, a"))) return;
  event.preventDefault();
  KEYS[event.key]();
}

async function start() {
  try {
    facts = await get("api/collection");
  } catch (error) {
    return failed(error);
  }
  const looks = describe(facts.experts);
  $("dataset").textContent = facts.dataset;
  $("size").textContent = `${facts.num_videos} videos`;
  list = answerList(looks, state, more);
  panel = controls(facts, looks, state, () => refresh(scrollY));
  mountAsk({ state, facts, failed });
  mountPeople({ state, facts });
  await refresh();
}

$("form").addEventListener("submit", (event) => {
  event.preventDefault();
  $("query").blur();
  state.ask({ q: $("query").value.trim() ? $("query").value : "" });
});
addEventListener("keydown", onKey);
start();
