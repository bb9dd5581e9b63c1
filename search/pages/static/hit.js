// The card of one hit: the player, the engines and words that found it, and the share of each expert.
import { clock, make } from "./dom.js";

const ENGINES = { ce: "experts", words: "words", labels: "labels", label_words: "like labels", frames: "frames", similar: "likeness" };

export function hitCard(hit, place, looks, onSimilar) {
  const screen = player(hit, place);
  const card = make("li", { class: "hit", tabIndex: -1 }, screen, make("div", { class: "facts" },
    title(hit), reasons(hit, screen), Object.keys(hit.shares).length ? shares(hit.shares, looks) : null,
    actions(hit, looks, onSimilar)));
  card.dataset.key = hit.key;
  return card;
}

function player(hit, place) {
  const badge = make("span", { class: "place" }, String(place));
  if (!hit.playable) return make("div", { class: "screen" }, make("div", { class: "lost" }, "No file of this video is here to be played"), badge);
  const second = hit.best_s.toFixed(1);
  const video = make("video", {
    src: `media/${hit.key}#t=${second}`, poster: `posters/${hit.key}?at_s=${second}`, preload: "none",
    playsInline: true, ariaLabel: `${hit.video_id} from ${clock(hit.best_s)}`,
  });
  // Without its head loaded a player may ignore the second in the address.
  video.addEventListener("loadedmetadata", () => { if (video.currentTime < hit.best_s) video.currentTime = hit.best_s; }, { once: true });
  const start = make("button", { type: "button", class: "start", ariaLabel: `Play ${hit.video_id} from ${clock(hit.best_s)}`, onclick: () => video.play().catch(() => {}) }, "▶");
  // The browser's own controls would hide the lower third of the picture until somebody plays it.
  video.addEventListener("play", () => { video.controls = true; start.hidden = true; }, { once: true });
  video.addEventListener("error", () => { start.hidden = true; video.replaceWith(make("div", { class: "lost" }, "The file is gone, or this browser cannot play it")); });
  return make("div", { class: "screen" }, video, start, badge);
}

export function playFrom(screen, second) {
  const video = screen.querySelector("video");
  if (!video) return;
  if (second !== null) video.currentTime = second;
  video.play().catch(() => {});
}

function title(hit) {
  const similarity = hit.similarity === null ? null
    : make("span", { class: "similarity", title: "Similarity by the trained experts, from -1 to 1" }, `similarity ${signed(hit.similarity)}`);
  return make("div", { class: "title" }, make("h3", {}, hit.video_id), similarity);
}

function reasons(hit, screen) {
  const line = make("div", { class: "line" }, make("button", { type: "button", class: "moment", title: "Play from the best second", onclick: () => playFrom(screen, hit.best_s) }, `▶ ${clock(hit.best_s)}`));
  const shown = new Set();
  for (const word of hit.words) {
    const name = `${word.text.toLowerCase()}/${word.expert}`;
    if (shown.has(name) || shown.size >= 8) continue;
    shown.add(name);
    line.append(make("button", { type: "button", class: "moment", title: `Read by ${word.expert}`, onclick: () => playFrom(screen, word.start_s) },
      make("mark", {}, word.text), ` ${clock(word.start_s)}`));
  }
  for (const one of hit.seen.slice(0, MOST_SEEN)) {
    line.append(make("button", { type: "button", class: "moment", title: `${one.label}: seen by ${one.expert}`, onclick: () => playFrom(screen, one.start_s) },
      "seen: ", make("mark", {}, shortName(one.label)), ` ${one.score.toFixed(2)} at ${clock(one.start_s)}`));
  }
  for (const [engine, found] of Object.entries(hit.found_by)) line.append(make("span", { class: "tag" }, `${ENGINES[engine] ?? engine} #${found.rank}`));
  line.append(make("span", { class: "tag" }, clock(hit.duration_s)));
  return line;
}

const MOST_SEEN = 3;

// The name of a label without its synonyms.
const shortName = (label) => label.split(",")[0];

const signed = (value) => (value < 0 ? "−" : "") + Math.abs(value).toFixed(2);

function shares(given, looks) {
  const most = Math.max(0.05, ...Object.values(given).map((share) => Math.abs(share ?? 0)));
  const rows = Object.entries(given).sort(([, a], [, b]) => (b ?? -9) - (a ?? -9)).map(([expert, share]) => {
    const { label, hue } = looks.get(expert) ?? { label: expert, hue: "gray" };
    const bar = make("div", { class: "bar" });
    bar.style.width = share === null ? "0" : `${100 * Math.abs(share) / most}%`;
    const amount = share === null ? "none" : signed(share);
    return make("div", { class: share === null ? "missing" : share < 0 ? "against" : "for", title: share === null ? `${expert}: saw nothing in this video` : expert, hue },
      make("span", {}, label), make("div", { class: "track" }, bar), make("span", { class: "amount" }, amount));
  });
  return make("div", { class: "shares", role: "group", ariaLabel: "What each expert adds to the similarity" }, ...rows);
}

function actions(hit, looks, onSimilar) {
  const more = make("div", { class: "more", hidden: true });
  const details = make("button", { type: "button", class: "quiet", ariaExpanded: "false" }, "All words");
  details.onclick = async () => {
    more.hidden = !more.hidden;
    details.setAttribute("aria-expanded", String(!more.hidden));
    if (!more.childElementCount) more.append(...await everything(hit, looks));
  };
  const similar = make("button", { type: "button", class: "quiet similar", onclick: () => onSimilar(hit) }, "More like this");
  return make("div", {}, more, make("div", { class: "actions" }, Object.keys(hit.shares).length ? similar : null, details));
}

// Whether a word is what was found, or a character of it, where its script puts no blanks between words.
function isPart(word, found) {
  if (word.text === found.text && word.start_s === found.start_s) return true;
  return word.is_unspaced && found.text.includes(word.text) && word.start_s >= found.start_s && word.end_s <= found.end_s;
}

async function everything(hit, looks) {
  const response = await fetch(`api/videos/${hit.key}`);
  if (!response.ok) return [make("p", { class: "dim" }, "The words could not be loaded.")];
  const { words, captions, seen } = await response.json();
  const parts = [];
  for (const expert of new Set(words.map((word) => word.expert))) {
    const text = make("p");
    const found = hit.words.filter((other) => other.expert === expert);
    let before = null;
    for (const word of words.filter((other) => other.expert === expert)) {
      if (before && !(before.is_unspaced && word.is_unspaced)) text.append(" ");
      text.append(found.some((one) => isPart(word, one)) ? make("mark", {}, word.text) : word.text);
      before = word;
    }
    parts.push(make("h4", {}, looks.get(expert)?.label ?? expert), text);
  }
  if (!words.length) parts.push(make("p", { class: "dim" }, "Nothing can be read or heard in this video."));
  if (seen.length) parts.push(make("h4", {}, "Seen by classifiers"), make("p", {}, seen.slice(0, 30).map((one) => `${shortName(one.label)} ${one.score.toFixed(2)} at ${clock(one.start_s)}`).join(", ")));
  if (captions.length) parts.push(make("h4", {}, "Captions"), ...captions.map((caption) => make("p", {}, caption)));
  return parts;
}
