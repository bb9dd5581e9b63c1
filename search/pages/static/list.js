// The list of hits: what was found, how much of it is shown, and which hit is chosen.
import { $, make } from "./dom.js";
import { hitCard, playFrom } from "./hit.js";
import { MOST, PAGE } from "./state.js";

// "240 videos fit; 1-24 shown"
function counted({ num_found: found, is_counted: isCounted, num_ranked: ranked }, shown) {
  const many = (number) => number.toLocaleString("en");
  const fit = `${isCounted ? "" : "at least "}${many(found)} ${found === 1 ? "video fits" : "videos fit"}`;
  const best = ranked < found || !isCounted ? ` (the best ${many(ranked)} can be shown)` : "";
  return `${fit[0].toUpperCase()}${fit.slice(1)}${best}; 1-${shown} shown.`;
}

export function answerList(looks, state, more) {
  let told = null;
  const cards = () => [...$("hits").children];
  const like = (hit) => state.ask({ similar: hit.key });
  const list = {
    chosen: -1,
    step: PAGE,
    get length() { return $("hits").childElementCount; },
    draw(answer, took) {
      list.clear();
      told = took;
      list.append(answer);
      if (state.get().similar) banner(answer.query);
    },
    append(answer) {
      const before = list.length;
      $("hits").append(...answer.hits.map((hit, index) => hitCard(hit, before + index + 1, looks, like)));
      const time = told === null ? "" : ` Found in ${Math.max(1, Math.round(told))} ms.`;
      $("status").textContent = [list.length ? counted(answer, list.length) + time : "", ...answer.notes].join(" ");
      $("more").hidden = list.length >= Math.min(answer.num_ranked, MOST) || !answer.hits.length;
    },
    clear() {
      $("hits").replaceChildren();
      $("hits").classList.remove("busy");
      $("banner").hidden = $("more").hidden = true;
      $("status").textContent = "";
      list.chosen = -1;
    },
    choose(index) {
      if (!list.length) return;
      list.chosen = Math.max(0, Math.min(index, list.length - 1));
      cards().forEach((card, at) => card.classList.toggle("chosen", at === list.chosen));
      cards()[list.chosen].focus({ preventScroll: true });
      cards()[list.chosen].scrollIntoView({ block: "center", behavior: "smooth" });
    },
    play: () => playFrom(cards()[list.chosen] ?? document, null),
    likeChosen: () => cards()[list.chosen]?.querySelector(".similar")?.click(),
  };
  $("more").onclick = more;
  return list;
}

function banner(name) {
  $("banner").replaceChildren("Like ", make("strong", {}, name), make("button", { class: "quiet", type: "button", onclick: () => history.back() }, "Back"));
  $("banner").hidden = false;
}
