// Bars of what each expert adds to the similarity.
import { make } from "./dom.js";

export const signed = (value, digits = 2) => (value < 0 ? "−" : "") + Math.abs(value).toFixed(digits);

// `given`: {expert: share, null where the video lacks it}; `name`: of the group, for who does not see it.
export function shares(given, looks, name = "What each expert adds to the similarity") {
  const most = Math.max(0.05, ...Object.values(given).map((share) => Math.abs(share ?? 0)));
  const rows = Object.entries(given).sort(([, a], [, b]) => (b ?? -9) - (a ?? -9)).map(([expert, share]) => {
    const { label, hue } = looks.get(expert) ?? { label: expert, hue: "gray" };
    const bar = make("div", { class: "bar" });
    bar.style.width = share === null ? "0" : `${100 * Math.abs(share) / most}%`;
    return make("div", { class: share === null ? "missing" : share < 0 ? "against" : "for", title: share === null ? `${expert}: saw nothing in this video` : expert, hue },
      make("span", {}, label), make("div", { class: "track" }, bar), make("span", { class: "amount" }, share === null ? "none" : signed(share)));
  });
  return make("div", { class: "shares", role: "group", ariaLabel: name }, ...rows);
}

// Expert -> mean share of several hits; null where none of them has it.
export function meanShares(several) {
  const mean = {};
  for (const expert of Object.keys(several[0] ?? {})) {
    const given = several.map((one) => one[expert]).filter((share) => share !== null && share !== undefined);
    mean[expert] = given.length ? given.reduce((sum, share) => sum + share, 0) / several.length : null;
  }
  return mean;
}

// The experts that add the most, e.g. "Look 0.21, Motion 0.18"; empty where none adds anything.
export function strongest(given, looks, count) {
  const best = Object.entries(given).filter(([, share]) => share > 0).sort(([, a], [, b]) => b - a).slice(0, count);
  return best.map(([expert, share]) => ({ expert, share, ...(looks.get(expert) ?? { label: expert, hue: "gray" }) }));
}
