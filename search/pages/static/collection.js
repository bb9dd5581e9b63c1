// The page of a collection: what is in it, what each expert has and lacks, and a map that plays its videos.
import { $, clock, describe, make } from "./dom.js";
import { actions } from "./files.js";
import { drawMap } from "./map.js";
import { playConverted, source } from "./play.js";
import { keepWithin } from "./span.js";

const many = (number, what) => `${number.toLocaleString("en")} ${what}${number === 1 ? "" : "s"}`;

async function get(path) {
  const response = await fetch(path);
  const told = await response.json().catch(() => ({}));
  if (!response.ok) throw new Error(typeof told.detail === "string" ? told.detail : "The server does not say why.");
  return told;
}

function summary(told) {
  const splits = Object.entries(told.splits).map(([name, count]) => `${name} ${count.toLocaleString("en")}`).join(", ");
  const parts = [many(told.num_videos, "video"), `${clock(told.total_s)} in all`, `the longest ${clock(told.longest_s)}`];
  if (splits) parts.push(splits);
  return `${parts.join("; ")}. ${told.trained ? `A model is trained; it reads queries with ${told.text}.` : "No model is trained yet."}`;
}

// "160 of 217 videos; nothing there in 55; 2 failed"
function counted(expert, total) {
  const parts = [`${expert.present.toLocaleString("en")} of ${many(total, "video")}`];
  if (expert.absent) parts.push(`nothing there in ${expert.absent.toLocaleString("en")}`);
  if (expert.failed) parts.push(`${expert.failed.toLocaleString("en")} failed`);
  return parts.join("; ");
}

function row(expert, { label, hue }, total) {
  const part = (kind, count) => { const one = make("div", { class: kind }); one.style.width = `${100 * (count ?? 0) / Math.max(1, total)}%`; return one; };
  const bar = make("div", { class: "parts", ariaHidden: "true" }, part("present", expert.present), part("absent", expert.absent), part("failed", expert.failed));
  return make("li", { class: "expert", hue }, make("span", {}, label === expert.name || label.includes(expert.name) ? label : `${label}: ${expert.name}`), bar,
    make("span", { class: "count" }, counted(expert, total)), expert.reasons.length ? reasons(expert.reasons) : null);
}

function reasons(list) {
  return make("ul", { class: "why" }, ...list.map(({ text, num_videos: count, videos }) => make("li", {}, make("strong", {}, many(count, "video")), `: ${text} `,
    make("span", {}, `(${videos.join(", ")}${count > videos.length ? " ..." : ""})`))));
}

function troubles({ left_out: leftOut, missing, tells_why: tells }) {
  const parts = [];
  if (leftOut.length) parts.push(make("p", {}, "Not in the collection, as they cannot be read:"), reasons(leftOut));
  if (missing.length) parts.push(make("p", {}, "In the collection without a file:"), reasons(missing));
  if (!tells) parts.push(make("p", {}, "This index was built by an earlier version, which did not keep what failed and why. BuildIndex makes it anew."));
  $("reasons").replaceChildren(...parts);
  $("troubles").hidden = !parts.length;
}

function play(dot, trained) {
  const dialog = $("player");
  const close = make("button", { type: "button", class: "quiet", onclick: () => dialog.close() }, "Close");
  const hit = { key: dot.key, clip_of: dot.clip_of, start_s: dot.start_s, duration_s: 2 * dot.second, best_s: 0, playable: true };
  const video = make("video", { src: source(hit, 0), controls: true, autoplay: true, playsInline: true, poster: `posters/${dot.key}?at_s=${dot.second}` });
  keepWithin(video, hit);
  playConverted(video, hit, 0, (why) => video.replaceWith(make("div", { class: "lost" }, why)));
  const alike = trained ? make("a", { class: "button", href: `./?similar=${dot.key}` }, "More like this") : null;
  dialog.replaceChildren(make("h2", { id: "playing" }, dot.video_id), video, actions(hit), make("div", { class: "actions" }, alike, close));
  dialog.onclose = () => { video.pause(); dialog.replaceChildren(); };
  dialog.showModal();
}

async function start() {
  let told;
  try {
    told = await get("api/overview");
  } catch (error) {
    $("summary").textContent = error instanceof TypeError ? "The search server does not answer. Is it still running?" : error.message;
    return;
  }
  const looks = describe(told.experts);
  document.title = `${told.dataset} · collection`;
  $("name").textContent = $("dataset").textContent = told.dataset;
  $("size").textContent = many(told.num_videos, "video");
  $("summary").textContent = summary(told);
  $("experts").replaceChildren(...told.experts.map((one) => row(one, looks.get(one.name), told.num_videos)));
  troubles(told);
  const mapped = told.experts.filter((one) => one.has_map);
  $("map-section").hidden = !mapped.length;
  $("by").replaceChildren(...mapped.map(({ name }) => make("option", { value: name }, looks.get(name).label)));
  // What it looks like tells the most at a glance.
  $("by").value = (mapped.filter((one) => one.modality === "rgb").at(-1) ?? mapped[0])?.name;
  const draw = () => drawMap($("by").value, looks.get($("by").value), get, (dot) => play(dot, told.trained));
  $("by").onchange = draw;
  if (mapped.length) await draw();
}

start();
