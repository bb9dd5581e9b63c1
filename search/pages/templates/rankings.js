"use strict";
// Draws the queries from the data in the page. Names and captions only ever become text.
const page = JSON.parse(document.getElementById("data").textContent);
const HUES = ["#4f7cff", "#10a37f", "#e8893b", "#a855f7", "#e0457b", "#0e9fb5", "#b8860b", "#64748b", "#7c6f64", "#2f9e44"];
const RANKS = { any: [0, Infinity], first: [1, 1], "2 to 5": [1.01, 5], "6 to 10": [5.01, 10], "above 10": [10.01, Infinity] };
const asked = { direction: "t2v", kind: "all", rank: "any", tag: "any", text: "" };

const $ = (id) => document.getElementById(id);

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
  box.append(poster ? make("img", { src: poster, alt: "", loading: "lazy" }) : make("span", {}, file ? "no still" : "no file"));
  box.onclick = () => {
    const video = make("video", { src: file, poster, controls: true, autoplay: true });
    const player = make("div", { className: "screen" }, video);
    video.onerror = () => player.replaceChildren(make("span", {}, "the file is gone, or this browser cannot play it"));
    box.replaceWith(player);
    video.focus();
  };
  return box;
}

function bars(shares) {
  const most = Math.max(0.1, ...shares.map((share) => Math.abs(share ?? 0)));
  const columns = shares.map((share, index) => {
    const name = page.experts[index].name;
    const kind = share === null ? "none" : share < 0 ? "against" : "for";
    const column = make("i", { className: kind, hue: HUES[index % HUES.length], title: `${name}: ${share === null ? "not in this video" : share.toFixed(3)}` });
    if (share !== null) column.style.height = `${(100 * Math.abs(share)) / most}%`;
    return column;
  });
  const row = make("div", { className: "bars" }, ...columns);
  row.setAttribute("role", "img");
  row.setAttribute("aria-label", shares.map((share, index) => `${page.experts[index].name} ${share === null ? "missing" : share.toFixed(2)}`).join(", "));
  return row;
}

function link(video) {
  const { file } = page.media[video];
  return file ? make("a", { href: file, title: video }, video) : make("span", { title: video }, video);
}

function item(pair, place) {
  const words = make("div", { className: "words" }, ...pair.words.map((word) => make("mark", { title: "can be read or heard in the video" }, word)));
  const told = make("div", { className: "told" }, place && make("span", {}, `${place}.`), pair.video && link(pair.video), make("span", { title: "similarity" }, pair.score.toFixed(3)));
  const right = pair.right ? " right" : "";
  const head = pair.video ? screen(pair.video) : make("p", {}, pair.caption);
  return make(place ? "li" : "div", { className: (pair.video ? "item" : "item said") + right }, head, told, bars(pair.shares), words);
}

function card(query) {
  const place = Number.isInteger(query.rank) ? query.rank : `${Math.floor(query.rank)} to ${Math.ceil(query.rank)}`;
  const tags = query.tags.length ? `speaks of ${query.tags.join(", ")}` : "";
  const numbers = make("div", { className: "numbers" }, make("b", { className: query.rank === 1 ? "first" : "" }, `rank ${place}`), make("span", {}, query.kind), make("span", {}, tags));
  const heading = make("h2", {}, query.caption ?? query.video);
  const own = query.video ? make("div", { className: "item" }, screen(query.video)) : null;
  return make("article", { className: "query" }, make("div", {}, heading, numbers, own, item(query.right, 0)), make("ol", { className: "found" }, ...query.found.map((pair, index) => item(pair, index + 1))));
}

function isWanted(query) {
  const [low, high] = RANKS[asked.rank];
  const text = [query.caption, query.video, query.right.video, query.right.caption, ...query.found.flatMap((pair) => [pair.video, pair.caption, ...pair.words])].join(" ").toLowerCase();
  return (asked.kind === "all" || query.kind === asked.kind) && query.rank >= low && query.rank <= high
    && (asked.tag === "any" || query.tags.includes(asked.tag)) && asked.text.toLowerCase().split(/\s+/).every((word) => text.includes(word));
}

function draw() {
  const wanted = page[asked.direction].filter(isWanted);
  $("queries").replaceChildren(...wanted.map(card));
  if (!wanted.length) $("queries").append(make("p", { className: "nothing" }, "No query is like that. Widen the filters."));
  $("count").textContent = `${wanted.length} of ${page[asked.direction].length} queries`;
}

function radios(name, choices) {
  $(name).append(...Object.entries(choices).map(([value, label]) => make("label", {}, make("input", { type: "radio", name, value, checked: asked[name] === value, onchange: () => { asked[name] = value; draw(); } }), label)));
}

function select(name, choices) {
  $(name).append(...choices.map((choice) => make("option", { value: choice }, choice)));
  $(name).onchange = () => { asked[name] = $(name).value; draw(); };
}

$("title").textContent = `${page.dataset}, ${page.split} split`;
$("lead").textContent = `${page.model}, seed ${page.seed}: ${page.num_captions} captions, ${page.num_videos} videos; the worst, the best and some between.`;
radios("direction", { t2v: "Caption finds video", v2t: "Video finds caption" });
radios("kind", { all: "All", worst: "Worst", best: "Best", sample: "Sample" });
select("rank", Object.keys(RANKS));
select("tag", ["any", ...new Set([...page.t2v, ...page.v2t].flatMap((query) => query.tags))]);
$("text").oninput = () => { asked.text = $("text").value; draw(); };
const named = page.experts.map(({ name }, index) => make("span", {}, make("i", { hue: HUES[index % HUES.length] }), name));
$("legend").append("What each expert adds to the similarity:", ...named, make("span", {}, make("i", { className: "none" }), "not in the video"), make("span", {}, "hatched: speaks against"));
draw();
