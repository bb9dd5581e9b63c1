// The card of one hit: small in a grid; open it also has its time line, the reasons, and the share of each expert.
import { clock, make } from "./dom.js";
import { ENGINES } from "./engines.js";
import { built, hitParts } from "./parts.js";
import { playFrom, playOrPause, screen } from "./player.js";
import { shares, signed, strongest } from "./shares.js";
import { isClip, spanText } from "./span.js";
import { follow, timeLine } from "./timeline.js";
import { everything, shortName } from "./words.js";

const MOST_WORDS = 8, MOST_SEEN = 3;

// An element with the methods play(), open(), isOpen(); `onSimilar(hit)` asks for videos like it.
export function hitCard(hit, place, looks, onSimilar) {
  const shown = screen(hit, String(place));
  const toggle = make("button", { type: "button", class: "quiet toggle", ariaExpanded: "false", ariaLabel: `Details of ${hit.video_id}` }, "Details");
  const similar = make("button", { type: "button", class: "quiet similar", ariaLabel: `More like ${hit.video_id}`, onclick: () => onSimilar(hit) }, "More like this");
  const facts = make("div", { class: "facts" }, title(hit), reason(hit, looks),
    make("div", { class: "actions" }, toggle, Object.keys(hit.shares).length ? similar : null));
  const card = make("li", { class: "hit", tabIndex: -1, ariaLabel: `${place}: ${hit.video_id}` }, shown, facts);
  card.dataset.key = hit.key;
  card.isOpen = () => card.classList.contains("open");
  card.play = () => playOrPause(shown, hit);
  card.open = (isOpen) => {
    if (isOpen === card.isOpen()) return;
    card.classList.toggle("open", isOpen);
    toggle.setAttribute("aria-expanded", String(isOpen));
    if (isOpen && !card.querySelector(".details")) facts.append(details(hit, card, shown, looks));
  };
  toggle.onclick = () => card.open(!card.isOpen());
  shown.addEventListener("timeupdate", ({ target }) => follow(card, target, hit), true);
  return card;
}

function title(hit) {
  // Where the trained experts did not find it, their similarity has no part in its place.
  const counts = hit.found_by.ce || hit.found_by.similar;
  const similarity = hit.similarity === null ? null
    : make("span", { class: counts ? "similarity" : "similarity idle", title: "Similarity by the trained experts, from −1 to 1" }, signed(hit.similarity));
  return make("div", { class: "title" }, make("h2", { title: hit.video_id }, hit.video_id), similarity);
}

const named = (looks, expert) => looks.get(expert) ?? { label: expert, hue: "gray" };

// The strongest reason why it was found, in a line.
function reason(hit, looks) {
  const line = (expert, ...told) => make("p", { class: "reason", title: expert, hue: named(looks, expert).hue }, make("span", { class: "dot" }), ...told);
  if (hit.words.length) {
    const [first] = hit.words;
    const texts = [...new Set(hit.words.map((word) => word.text.toLowerCase()))].slice(0, 3);
    // The word stands first: on a phone the line is cut behind it.
    return line(first.expert, make("mark", {}, hit.words.find((word) => word.text.toLowerCase() === texts[0]).text), texts.length > 1 ? ` and ${texts.length - 1} more` : "", ` · ${named(looks, first.expert).label}`);
  }
  // The second stage finds nothing by itself.
  const [best] = Object.entries(hit.found_by).filter(([engine]) => engine !== "late_interaction").sort(([, a], [, b]) => a.rank - b.rank)[0] ?? [];
  if (hit.seen.length && ["labels", "label_words"].includes(best)) return line(hit.seen[0].expert, "seen: ", make("mark", {}, shortName(hit.seen[0].label)), ` ${hit.seen[0].score.toFixed(2)}`);
  const most = strongest(hit.shares, looks, 2);
  if (most.length) return line(most[0].expert, most.map(({ label, share }) => `${label} ${signed(share)}`).join(", "));
  return make("p", { class: "reason" }, `Found by ${ENGINES[best] ?? best ?? "nothing"}`);
}

function details(hit, card, shown, looks) {
  const play = (second) => playFrom(shown, hit, second);
  return make("div", { class: "details" }, timeLine(hit, looks, play), reasons(hit, play),
    Object.keys(hit.shares).length ? shares(hit.shares, looks) : null, allWords(hit, looks), ...built(hitParts, hit, card));
}

function reasons(hit, play) {
  const line = make("div", { class: "line" });
  const moment = (name, second, ...told) => line.append(make("button", { type: "button", class: "moment", title: name, onclick: () => play(second) }, ...told));
  moment("Play from the best second", hit.best_s, `▶ ${clock(hit.best_s)}`);
  const once = new Map();
  for (const word of hit.words) if (!once.has(`${word.text.toLowerCase()}/${word.expert}`)) once.set(`${word.text.toLowerCase()}/${word.expert}`, word);
  for (const word of [...once.values()].slice(0, MOST_WORDS)) moment(`Read by ${word.expert}`, word.start_s, make("mark", {}, word.text), ` ${clock(word.start_s)}`);
  for (const one of hit.seen.slice(0, MOST_SEEN)) moment(`${one.label}: seen by ${one.expert}`, one.start_s, "seen: ", make("mark", {}, shortName(one.label)), ` ${one.score.toFixed(2)} at ${clock(one.start_s)}`);
  for (const [engine, found] of Object.entries(hit.found_by)) line.append(make("span", { class: "tag" }, `${ENGINES[engine] ?? engine} #${found.rank}`));
  line.append(make("span", { class: "tag" }, clock(hit.duration_s)));
  if (isClip(hit)) line.append(make("span", { class: "tag clip" }, spanText(hit)));
  return line;
}

function allWords(hit, looks) {
  const more = make("div", { class: "more", hidden: true });
  const button = make("button", { type: "button", class: "quiet words", ariaExpanded: "false" }, "All words");
  button.onclick = async () => {
    more.hidden = !more.hidden;
    button.setAttribute("aria-expanded", String(!more.hidden));
    if (!more.childElementCount) more.append(...await everything(hit, looks));
  };
  return make("div", {}, button, more);
}
