// The card of the video that others are like: what it is, and what the likeness is made of.
import { clock, make } from "./dom.js";
import { meanShares, shares } from "./shares.js";
import { playOrPause, screen } from "./player.js";

// `leave`: called to ask for something else.
export async function sourceCard(key, name, hits, looks, leave) {
  const response = await fetch(`api/videos/${encodeURIComponent(key)}`).catch(() => null);
  const video = response?.ok ? await response.json() : { key, video_id: name, playable: false, duration_s: 0, captions: [], experts: Object.keys(hits[0]?.shares ?? {}) };
  const shown = screen({ ...video, best_s: 0 }, "source");
  const told = make("div", { class: "facts" },
    make("div", { class: "title" }, make("h2", {}, video.video_id), make("button", { class: "quiet leave", type: "button", onclick: leave }, "Close")),
    make("p", { class: "dim" }, [clock(video.duration_s), ...video.captions.slice(0, 1)].join(" · ")), likeness(hits, video.experts, looks));
  const card = make("section", { class: "source", ariaLabel: `The others are like ${video.video_id}` }, shown, told);
  card.play = () => playOrPause(shown, video);
  return card;
}

// By expert, the mean of what makes the hits that are shown alike; what the video itself lacks is compared in none.
function likeness(hits, has, looks) {
  if (!hits.length) return make("p", { class: "dim" }, "No video is like it by the experts that count.");
  const mean = meanShares(hits.map((hit) => hit.shares));
  for (const expert of Object.keys(mean)) if (!has.includes(expert)) mean[expert] = null;
  return make("div", {}, make("h3", {}, `What the likeness is made of: the mean of the ${hits.length === 1 ? "hit" : `${hits.length} hits`} shown`),
    shares(mean, looks, "What each expert adds to the likeness, on average"));
}
