// All that is known of one video: its words, with those that were found marked, its labels, its captions.
import { clock, make } from "./dom.js";

// The name of a label without its synonyms.
export const shortName = (label) => label.split(",")[0];

// Of a word an answer tells the first 60 places: the constant MOST_OF_A_WORD of search/engines/fulltext.py.
const MOST_PLACES = 60;

// The texts that were found more often than the answer tells: all their places are marked.
function frequent(found) {
  const count = new Map();
  for (const { text } of found) count.set(text, (count.get(text) ?? 0) + 1);
  return new Set([...count.keys()].filter((text) => count.get(text) >= MOST_PLACES));
}

// Whether a word is what was found, or a character of it, where its script puts no blanks between words.
function isPart(word, found) {
  if (word.text === found.text && word.start_s === found.start_s) return true;
  return word.is_unspaced && found.text.includes(word.text) && word.start_s >= found.start_s && word.end_s <= found.end_s;
}

export async function everything(hit, looks) {
  const response = await fetch(`api/videos/${hit.key}`).catch(() => null);
  if (!response?.ok) return [make("p", { class: "dim" }, "The words could not be loaded.")];
  const { words, captions, seen } = await response.json();
  const parts = [];
  for (const expert of new Set(words.map((word) => word.expert))) {
    const text = make("p");
    const found = hit.words.filter((other) => other.expert === expert);
    const often = frequent(found);
    let before = null;
    for (const word of words.filter((other) => other.expert === expert)) {
      if (before && !(before.is_unspaced && word.is_unspaced)) text.append(" ");
      text.append(often.has(word.text) || found.some((one) => isPart(word, one)) ? make("mark", {}, word.text) : word.text);
      before = word;
    }
    parts.push(make("h3", {}, looks.get(expert)?.label ?? expert), text);
  }
  if (!words.length) parts.push(make("p", { class: "dim" }, "Nothing can be read or heard in this video."));
  if (seen.length) parts.push(make("h3", {}, "Seen by classifiers"), make("p", {}, seen.slice(0, 30).map((one) => `${shortName(one.label)} ${one.score.toFixed(2)} at ${clock(one.start_s)}`).join(", ")));
  if (captions.length) parts.push(make("h3", {}, "Captions"), ...captions.map((caption) => make("p", {}, caption)));
  return parts;
}
