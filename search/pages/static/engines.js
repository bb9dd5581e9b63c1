// What the search engines are called, and how much each of them counts in an answer.
import { make } from "./dom.js";
import { listParts } from "./parts.js";

export const ENGINES = { ce: "experts", words: "words", labels: "labels", label_words: "like labels", frames: "frames", late_interaction: "tokens", similar: "likeness", example: "likeness", people: "who it is" };

// "Weighed for this query: words 67 %, experts 33 %"; null where a single engine found all.
function weights(value, { engine_weights: given, is_by_query: isByQuery, hits }) {
  const total = Object.values(given).reduce((sum, one) => sum + one, 0);
  if (Object.keys(given).length < 2 || !total || !hits.length) return null;
  const told = Object.entries(given).sort(([, a], [, b]) => b - a).map(([engine, one]) => `${ENGINES[engine] ?? engine} ${Math.round(100 * one / total)} %`);
  const why = isByQuery ? "Read from what each kind of search found for this query" : "The fixed weights of configs/search.yaml";
  return make("p", { class: "weighed", title: why }, `${isByQuery ? "Weighed for this query" : "Weighed"}: ${told.join(", ")}`);
}

listParts.push(weights);
