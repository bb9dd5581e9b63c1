"use strict";
// Draws the queries from the data in the page. Names and captions only ever become text. What is asked is the address:
// a reload, a link and the way back show the same queries.
const page = JSON.parse(document.getElementById("data").textContent);
const HUES = ["#4f7cff", "#10a37f", "#e8893b", "#a855f7", "#e0457b", "#0e9fb5", "#b8860b", "#64748b", "#7c6f64", "#2f9e44"];
const PER_PAGE = 100;
const RANKS = { any: [0, Infinity], first: [1, 1], "2 to 5": [1.01, 5], "6 to 10": [5.01, 10], "above 10": [10.01, Infinity] };
const ORDERS = {
  worst: (a, b) => b.rank - a.rank,
  best: (a, b) => a.rank - b.rank,
  name: (a, b) => nameOf(a).localeCompare(nameOf(b)),
};
const same = (names) => Object.fromEntries(names.map((name) => [name, name]));
const CHOICES = {
  direction: { t2v: "Caption finds video", v2t: "Video finds caption" },
  kind: { all: "All", worst: "Worst", best: "Best", sample: "Sample" },
  order: { worst: "worst first", best: "best first", name: "A to Z" },
  rank: same(Object.keys(RANKS)),
  tag: same(["any", ...new Set([...page.t2v, ...page.v2t].flatMap((query) => query.tags))]),
};
let asked = {};

const $ = (id) => document.getElementById(id);
const nameOf = (query) => query.caption ?? query.video;
const number = (value) => value.toLocaleString("en");

function make(tag, properties = {}, ...children) {
  const { hue, ...rest } = properties;
  const element = Object.assign(document.createElement(tag), rest);
  if (hue) element.style.setProperty("--hue", hue);
  element.append(...children.filter(Boolean));
  return element;
}

function screen(video) {
  const { file, poster } = page.media[video];
  const box = make("button", { type: "button", className: file ? "screen can" : "screen", disabled: !file });
  box.setAttribute("aria-label", `Play ${video}`);
  box.append(poster ? make("img", { loading: "lazy", decoding: "async", src: poster, alt: "" }) : make("span", {}, file ? "no still" : "no file"));
  box.onclick = () => {
    const video = make("video", { src: file, poster, controls: true, autoplay: true });
    const player = make("div", { className: "screen" }, video);
    video.onerror = () => player.replaceChildren(make("span", {}, "the file is gone, or this browser cannot play it"));
    document.querySelectorAll("video").forEach((other) => other.pause());
    box.replaceWith(player);
    video.focus();
  };
  return box;
}

function bar(share, most, index) {
  const { name } = page.experts[index];
  const filled = make("i", { hue: HUES[index % HUES.length] });
  filled.style.width = share === null ? "0" : `${(100 * Math.abs(share)) / most}%`;
  const track = make("div", { className: "track" }, filled);
  const kind = share === null ? "none" : share < 0 ? "against" : "for";
  return make("li", { className: kind }, make("span", {}, name), track, make("b", {}, share === null ? "missing" : share.toFixed(3)));
}

function bars(shares) {
  const most = Math.max(0.1, ...shares.map((share) => Math.abs(share ?? 0)));
  return make("ul", { className: "bars" }, ...shares.map((share, index) => bar(share, most, index)));
}

function link(video) {
  const { file } = page.media[video];
  return file ? make("a", { href: file, title: video }, video) : make("span", { className: "name", title: video }, video);
}

function item(pair, place) {
  const words = make("div", { className: "words" }, ...pair.words.map((word) => make("mark", { title: "can be read or heard in the video" }, word)));
  const told = make("div", { className: "told" }, place && make("span", {}, `${place}.`), pair.video && link(pair.video), make("span", { className: "score", title: "similarity" }, pair.score.toFixed(3)));
  const right = pair.right ? " right" : "";
  const head = pair.video ? screen(pair.video) : make("p", {}, pair.caption);
  return make(place ? "li" : "div", { className: (pair.video ? "item" : "item said") + right }, head, told, bars(pair.shares), words);
}

function card(query) {
  const place = Number.isInteger(query.rank) ? query.rank : `${Math.floor(query.rank)} to ${Math.ceil(query.rank)}`;
  const tags = query.tags.length ? `speaks of ${query.tags.join(", ")}` : "";
  const numbers = make("div", { className: "numbers" }, make("b", { className: query.rank === 1 ? "first" : "" }, `rank ${place}`), make("span", {}, query.kind), make("span", {}, tags));
  const own = query.video ? make("div", { className: "item own" }, screen(query.video)) : null;
  const found = make("ol", { className: "found" }, ...query.found.map((pair, index) => item(pair, index + 1)));
  return make("article", { className: "query" }, make("div", {}, make("h2", {}, nameOf(query)), numbers, own, item({ ...query.right, right: true }, 0)), found);
}

// All that the text of the filter is looked for in, made once for each query.
function textOf(query) {
  query.text ??= [query.caption, query.video, query.right.video, query.right.caption, ...query.found.flatMap((pair) => [pair.video, pair.caption, ...pair.words])].join(" ").toLowerCase();
  return query.text;
}

function isWanted(query) {
  const [low, high] = RANKS[asked.rank];
  return (asked.kind === "all" || query.kind === asked.kind) && query.rank >= low && query.rank <= high
    && (asked.tag === "any" || query.tags.includes(asked.tag)) && asked.text.toLowerCase().split(/\s+/).every((word) => textOf(query).includes(word));
}

// The state that an address holds; what it does not name, or names wrongly, is as at the start.
function read() {
  const given = new URLSearchParams(location.hash.slice(1));
  const state = { text: given.get("text") ?? "", page: Math.max(1, Number.parseInt(given.get("page"), 10) || 1) };
  for (const [name, choices] of Object.entries(CHOICES)) {
    const value = given.get(name);
    state[name] = Object.hasOwn(choices, value) ? value : Object.keys(choices)[0];
  }
  return state;
}

function address(change) {
  const state = { ...asked, page: 1, ...change };
  const isKept = (name) => (name in CHOICES ? state[name] !== Object.keys(CHOICES[name])[0] : name === "page" ? state.page > 1 : state[name]);
  return `#${new URLSearchParams(Object.keys(state).filter(isKept).map((name) => [name, state[name]]))}`;
}

function show() {
  const before = asked;
  asked = read();
  const wanted = page[asked.direction].filter(isWanted).sort(ORDERS[asked.order]);
  const last = Math.max(1, Math.ceil(wanted.length / PER_PAGE));
  asked.page = Math.min(asked.page, last);
  const first = (asked.page - 1) * PER_PAGE;
  const shown = wanted.slice(first, first + PER_PAGE);
  $("queries").replaceChildren(...shown.map(card));
  if (!shown.length) $("queries").append(make("p", { className: "nothing" }, "No query is like that. Widen the filters."));
  const all = page[asked.direction].length;
  const among = wanted.length < all ? `${number(wanted.length)} of ${number(all)} queries` : `${number(all)} queries`;
  $("count").textContent = last > 1 ? `${number(first + 1)} to ${number(first + shown.length)} of ${among}` : among;
  for (const nav of document.querySelectorAll(".pages")) pager(nav, last);
  for (const name of Object.keys(CHOICES)) choose(name);
  if ($("text").value !== asked.text) $("text").value = asked.text;
  if (before.page && before.page !== asked.page) turned();
}

function turned() {
  scrollTo(0, 0);
  $("queries").focus({ preventScroll: true });
}

function pager(nav, last) {
  const step = (label, to) => (to < 1 || to > last ? make("span", {}, label) : make("a", { href: address({ page: to }) }, label));
  const numbers = Array.from({ length: last }, (_, index) => {
    const one = make("a", { href: address({ page: index + 1 }) }, `${index + 1}`);
    one.setAttribute("aria-label", `Page ${index + 1}`);
    if (index + 1 === asked.page) one.setAttribute("aria-current", "page");
    return one;
  });
  nav.hidden = last === 1;
  nav.replaceChildren(step("Previous", asked.page - 1), ...numbers, step("Next", asked.page + 1));
}

function choose(name) {
  const control = $(name);
  if (control.matches("select")) control.value = asked[name];
  else control.querySelector(`input[value="${asked[name]}"]`).checked = true;
}

function controls() {
  for (const [name, choices] of Object.entries(CHOICES)) {
    const control = $(name);
    const go = (value) => { location.hash = address({ [name]: value }); };
    const options = Object.entries(choices);
    if (control.matches("select")) {
      control.append(...options.map(([value, label]) => make("option", { value }, label)));
      control.onchange = () => go(control.value);
    } else control.append(...options.map(([value, label]) => make("label", {}, make("input", { type: "radio", name, value, onchange: () => go(value) }), label)));
  }
  // Letter by letter, and without a step of the way back for each.
  $("text").oninput = () => location.replace(address({ text: $("text").value }));
  document.querySelector("form").onsubmit = (event) => event.preventDefault();
}

$("title").textContent = `${page.dataset}, ${page.split} split`;
$("lead").textContent = `${page.model}, seed ${page.seed}: ${number(page.num_captions)} captions, ${number(page.num_videos)} videos; the worst, the best and some between.`;
controls();
addEventListener("hashchange", show);
show();
