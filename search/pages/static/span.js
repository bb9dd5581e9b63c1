// The piece of its file that a clip is: players run on the clock of the file, all else on that of the clip.
import { clock } from "./dom.js";

const EDGE_S = 0.05;

export const isClip = (hit) => Boolean(hit.clip_of) || (hit.file !== undefined && hit.file !== hit.video_id);

// Where a second of a hit is in its file, and back.
export const inFile = (hit, second) => second + (isClip(hit) ? hit.start_s : 0);
export const ofFile = (hit, second) => second - (isClip(hit) ? hit.start_s : 0);

// The seconds of a clip in its file, for people.
export const spanText = (hit) => `${hit.file ?? hit.clip_of}, ${clock(hit.start_s)} to ${clock(hit.start_s + hit.duration_s)}`;

// Stops a player where its clip ends, and lets it play nothing else of the file.
export function keepWithin(video, hit) {
  if (!isClip(hit)) return;
  const start = hit.start_s, end = hit.start_s + hit.duration_s;
  const isOver = () => video.currentTime >= end - EDGE_S;
  video.addEventListener("timeupdate", () => { if (isOver() && !video.paused) video.pause(); });
  video.addEventListener("play", () => { if (isOver()) video.currentTime = start; });
  video.addEventListener("seeking", () => {
    if (video.currentTime < start - EDGE_S) video.currentTime = start;
    else if (video.currentTime > end + EDGE_S) video.currentTime = end;
  });
}
