// Plays the file of a hit, converted where browsers do not play it.

import { inFile, isClip } from "./span.js";

const AHEAD_S = 12, KEPT_S = 60, SLACK_S = 0.15, AGAIN_MS = 1000;

// A player stops by itself where a clip ends.
export const source = (hit, second) => `media/${hit.key}/play#t=${inFile(hit, second).toFixed(1)}${isClip(hit) ? `,${inFile(hit, hit.duration_s).toFixed(3)}` : ""}`;

// Lets a player with the source above play what browsers do not; calls `lost` with the reason where that fails too.
export function playConverted(video, hit, second, lost) {
  video.addEventListener("error", () => {
    const going = !video.paused || video.autoplay;
    convert(video, hit, video.currentTime || inFile(hit, second)).then(() => going && video.play()).catch((error) => { if (error.name !== "AbortError") lost(error.message); });
  }, { once: true });
}

const once = (target, name) => new Promise((done) => target.addEventListener(name, done, { once: true }));

async function convert(video, hit, second) {
  const response = await fetch(`media/${hit.key}/playback`);
  if (!response.ok) throw new Error("The file is gone, or cannot be read");
  const told = await response.json();
  if (told.as_it_is || !window.MediaSource?.isTypeSupported(told.kind)) throw new Error("This browser cannot play the file");
  const media = new MediaSource();
  const address = URL.createObjectURL(media);
  video.src = address;
  await once(media, "sourceopen");
  URL.revokeObjectURL(address);
  media.duration = told.duration_s;
  const buffer = media.addSourceBuffer(told.kind);
  video.currentTime = second;
  const feeder = feed(video, hit, media, buffer, told);
  video.addEventListener("error", () => feeder.stop());
  await feeder.more();
}

// Keeps seconds ahead of where the player is: those that are there are not asked for again.
function feed(video, hit, media, buffer, { segment_s: length_s, duration_s }) {
  let busy = false, ended = false, asked = null;
  const tried = new Set();
  const has = (at) => { for (let i = 0; i < buffer.buffered.length; i++) if (buffer.buffered.start(i) <= at + SLACK_S && buffer.buffered.end(i) > at + SLACK_S) return buffer.buffered.end(i); return null; };
  // The next segment that is wanted; null where enough is there.
  function next() {
    let at = video.currentTime;
    const until = Math.min(at + AHEAD_S, duration_s - SLACK_S);
    while (at < until) {
      const there = has(at);
      const number = Math.floor((at + SLACK_S) / length_s);
      if (there === null && !tried.has(number)) return number;
      at = there ?? (number + 1) * length_s;
    }
    return null;
  }
  async function change(act) {
    const done = once(buffer, "updateend");
    act();
    await done;
  }
  async function one(number) {
    asked = new AbortController();
    const response = await fetch(`media/${hit.key}/segments/${number}`, { signal: asked.signal });
    if (response.status === 503) return void await new Promise((done) => setTimeout(done, AGAIN_MS));
    tried.add(number);
    if (!response.ok) return;
    const bytes = await response.arrayBuffer();
    await change(() => buffer.appendBuffer(bytes));
    const old = video.currentTime - KEPT_S;
    if (old > 0 && buffer.buffered.length && buffer.buffered.start(0) < old) { await change(() => buffer.remove(0, old)); tried.clear(); }
  }
  async function more() {
    if (busy || ended) return;
    busy = true;
    try {
      for (let number = next(); number !== null && !ended && video.isConnected; number = next()) await one(number).catch((error) => { if (error.name !== "AbortError") throw error; });
      if (!buffer.buffered.length) throw new Error("These seconds cannot be converted");
      if (media.readyState === "open" && has(duration_s - 3 * SLACK_S) !== null) media.endOfStream();
    } finally { busy = false; }
  }
  const quietly = () => more().catch(() => {});
  video.addEventListener("timeupdate", quietly);
  video.addEventListener("seeking", () => { tried.clear(); asked?.abort(); quietly(); });
  return { more, stop: () => { ended = true; asked?.abort(); } };
}
