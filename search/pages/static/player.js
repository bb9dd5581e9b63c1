// Plays hits. Of all players on the page one plays at a time.
import { clock, make } from "./dom.js";
import { playConverted, source } from "./play.js";
import { inFile, keepWithin } from "./span.js";

const LOST = "No file of this video is here to be played";

// The picture of a hit at its moment, with a button that plays from there.
export function screen(hit, place) {
  const second = hit.best_s.toFixed(1);
  const badges = [make("span", { class: "place" }, place), make("span", { class: "when", ariaHidden: "true" }, `${clock(hit.best_s)} / ${clock(hit.duration_s)}`)];
  if (!hit.playable) return make("div", { class: "screen" }, make("div", { class: "lost" }, LOST), ...badges);
  const picture = make("img", { src: `posters/${hit.key}?at_s=${second}`, alt: "", loading: "lazy", decoding: "async" });
  picture.addEventListener("error", () => { picture.hidden = true; });
  const start = make("button", { type: "button", class: "start", ariaLabel: `Play ${hit.video_id} from ${clock(hit.best_s)}` }, make("span", { ariaHidden: "true" }, "▶"));
  const shown = make("div", { class: "screen" }, picture, start, ...badges);
  start.onclick = () => playFrom(shown, hit, hit.best_s);
  return shown;
}

// Plays from a second; null: where it was, or the moment of the hit.
export function playFrom(shown, hit, second) {
  if (!hit.playable) return;
  const video = shown.querySelector("video") ?? player(shown, hit, second ?? hit.best_s);
  if (!video) return;
  if (second !== null) seek(video, inFile(hit, second));
  video.play().catch(() => {});
}

export function playOrPause(shown, hit) {
  const video = shown.querySelector("video");
  if (video && !video.paused) video.pause();
  else playFrom(shown, hit, null);
}

function player(shown, hit, second) {
  if (shown.querySelector(".lost")) return null;
  const video = make("video", { src: source(hit, second), poster: `posters/${hit.key}?at_s=${hit.best_s.toFixed(1)}`,
    preload: "auto", playsInline: true, controls: true, ariaLabel: `${hit.video_id} from ${clock(second)}` });
  playConverted(video, hit, second, (why) => { video.replaceWith(make("div", { class: "lost" }, why)); });
  keepWithin(video, hit);
  shown.classList.add("playing");
  shown.querySelector("img")?.remove();
  const start = shown.querySelector(".start");
  const hadFocus = document.activeElement === start;
  start?.remove();
  shown.prepend(video);
  if (hadFocus) video.focus({ preventScroll: true });
  return video;
}

// Before its head is loaded a player forgets a second that it is told.
function seek(video, second) {
  if (video.readyState >= HTMLMediaElement.HAVE_METADATA) video.currentTime = second;
  else video.addEventListener("loadedmetadata", () => { video.currentTime = second; }, { once: true });
}

document.addEventListener("play", ({ target }) => {
  for (const other of document.querySelectorAll("video, audio")) if (other !== target) other.pause();
}, true);
