// The time line of a hit: a lane for each expert with the moments at which it matches; each plays from there.
import { clock, make } from "./dom.js";
import { signed } from "./shares.js";
import { ofFile } from "./span.js";

const ENGINES = { ce: "matches", similar: "is alike", words: "", labels: "seen", label_words: "like", frames: "the picture matches", example: "is alike", people: "" };

// `play`: (second) => plays from there. One stop of the tabulator; the arrow keys go on from moment to moment.
export function timeLine(hit, looks, play) {
  if (!hit.moments.length) return make("p", { class: "dim" }, "No moment of this video stands out.");
  const length = Math.max(hit.duration_s, ...hit.moments.map((one) => one.end_s), 0.1);
  const told = make("p", { class: "told" }, `0:00 to ${clock(length)}. Click a moment to play from there.`);
  const marks = [];
  const tell = (moment) => { told.textContent = said(moment, looks); };
  const experts = [...new Set(hit.moments.map((one) => one.expert))];
  const lanes = experts.map((expert) => {
    const moments = hit.moments.filter((one) => one.expert === expert);
    const { label, hue } = looks.get(expert) ?? { label: expert, hue: "gray" };
    const best = Math.max(...moments.map((one) => one.score ?? 0), 0.001);
    const track = make("div", { class: "track" }, ...moments.map((moment) => {
      const mark = make("button", { type: "button", class: `mark of-${moment.engine}`, tabIndex: -1, ariaLabel: `${said(moment, looks)}. Play`,
        onclick: () => play(moment.start_s), onfocus: () => tell(moment), onmouseenter: () => tell(moment) });
      mark.style.left = `${100 * Math.min(moment.start_s / length, 0.99)}%`;
      mark.style.width = `${100 * Math.min(moment.end_s - moment.start_s, length) / length}%`;
      if (moment.score !== null) mark.style.setProperty("--strength", `${Math.round(45 + 55 * Math.max(0, moment.score) / best)}%`);
      marks.push(mark);
      return mark;
    }));
    return make("div", { class: "lane", hue }, make("span", { class: "name" }, label), track);
  });
  marks[0].tabIndex = 0;
  return make("div", { class: "timeline", role: "group", ariaLabel: `Moments of ${hit.video_id}`, onkeydown: (event) => step(event, marks) },
    ...lanes, told);
}

function said({ engine, expert, start_s, end_s, score, text }, looks) {
  const what = text ? `${ENGINES[engine] ?? engine} “${text}”` : ENGINES[engine] ?? engine;
  const until = clock(end_s) === clock(start_s) ? "" : ` to ${clock(end_s)}`;
  return `${looks.get(expert)?.label ?? expert}: ${what.trim()}${score === null ? "" : ` ${signed(score)}`} at ${clock(start_s)}${until}`;
}

const STEPS = { ArrowRight: 1, ArrowLeft: -1 };

function step(event, marks) {
  const at = marks.indexOf(event.target);
  if (event.key in STEPS) event.stopPropagation();
  const to = event.key === "Home" ? 0 : event.key === "End" ? marks.length - 1 : at + (STEPS[event.key] ?? 0);
  if (at < 0 || to === at || !marks[to]) return;
  event.preventDefault();
  marks[at].tabIndex = -1;
  marks[to].tabIndex = 0;
  marks[to].focus();
}

// Shows where a player is, on the time line beside it.
export function follow(card, video, hit) {
  const line = card.querySelector(".timeline");
  if (line) line.style.setProperty("--at", String(Math.min(1, Math.max(0, ofFile(hit, video.currentTime)) / Math.max(hit.duration_s, 0.1))));
}
