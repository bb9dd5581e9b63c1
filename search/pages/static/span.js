// The piece of its file that a clip is: players run on the clock of the file, all else on that of the clip.
import { clock } from "./dom.js";

const EDGE_S = 0.05, LAST_S = 0.04, CLOSE_S = 0.01;

export const isClip = (hit) => Boolean(hit.clip_of) || (hit.file !== undefined && hit.file !== hit.video_id);

// Where a second of a hit is in its file, and back.
export const inFile = (hit, second) => second + (isClip(hit) ? hit.start_s : 0);
export const ofFile = (hit, second) => second - (isClip(hit) ? hit.start_s : 0);

// The seconds of a clip in its file, for people.
export const spanText = (hit) => `${hit.file ?? hit.clip_of}, ${clock(hit.start_s)} to ${clock(hit.start_s + hit.duration_s)}`;

// Stops a player with the last picture of its clip, and lets it play nothing else of the file.
export function keepWithin(video, hit) {
  if (!isClip(hit)) return;
  const start = hit.start_s, end = hit.start_s + hit.duration_s, last = Math.max(start, end - LAST_S);
  const isOver = () => video.currentTime >= end - EDGE_S;
  const stop = () => {
    if (isOver() && !video.paused) video.pause();
    if (video.currentTime > last + CLOSE_S) video.currentTime = last;
    else if (video.currentTime < start - EDGE_S && video.readyState >= HTMLMediaElement.HAVE_METADATA) video.currentTime = start;
  };
  for (const name of ["timeupdate", "pause", "seeking"]) video.addEventListener(name, stop);
  video.addEventListener("play", () => { if (isOver()) video.currentTime = start; });
}
