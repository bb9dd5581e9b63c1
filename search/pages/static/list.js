// The list of hits: what was found, how much of it is shown, as a grid or a list, and which hit is chosen.
import { $ } from "./dom.js";
import { hitCard } from "./hit.js";
import { built, listParts } from "./parts.js";
import { sourceCard } from "./source.js";
import { PAGE } from "./state.js";

const many = (number) => number.toLocaleString("en");

// "240 videos fit; 1-24 shown."
function counted({ num_found: found, is_counted: isCounted, num_ranked: ranked }, shown) {
  const fit = `${isCounted ? "" : "At least "}${many(found)} ${found === 1 ? "video fits" : "videos fit"}`;
  const best = ranked < found || !isCounted ? `, of which the best ${many(ranked)} can be shown` : "";
  return `${fit}${best}; ${shown === 1 ? "1" : `1-${many(shown)}`} shown.`;
}

// `more`: asks for the next hits, and appends them.
export function answerList(looks, state, more) {
  const cards = () => [...$("hits").children];
  const chosen = () => cards()[list.chosen];
  const list = {
    chosen: -1,
    hits: [],
    get length() { return list.hits.length; },
    // Shows an answer in place of the one before; `took`: milliseconds, null where nobody measured.
    draw(answer, took = null) {
      list.clear();
      $("bar").hidden = !answer.hits.length && !state.get().similar;
      $("asked").textContent = state.get().similar || state.get().example ? `Like ${answer.query}` : `Results for “${answer.query}”`;
      list.append(answer, took);
      $("list-parts").replaceChildren(...built(listParts, state.get(), answer));
      if (state.get().similar) source(answer.query);
    },
    append(answer, took = null) {
      const isList = state.get().view === "list";
      const added = answer.hits.map((hit, index) => hitCard(hit, list.length + index + 1, looks, (of) => state.ask({ similar: of.key })));
      added.forEach((card) => card.open(isList));
      $("hits").append(...added);
      list.hits.push(...answer.hits);
      const time = took === null ? "" : ` Found in ${Math.max(1, Math.round(took))} ms.`;
      $("status").textContent = [list.length ? counted(answer, list.length) + time : "", ...answer.notes].join(" ").trim();
      const left = answer.num_ranked - list.length;
      $("more").hidden = left <= 0 || !answer.hits.length;
      $("more").textContent = `Show ${Math.min(left, PAGE)} more`;
    },
    clear() {
      $("hits").replaceChildren();
      $("hits").classList.remove("busy");
      $("source").replaceChildren();
      $("list-parts").replaceChildren();
      $("bar").hidden = $("more").hidden = true;
      $("status").textContent = "";
      list.chosen = -1;
      list.hits = [];
    },
    // Lays the hits out as a grid, or as a list in which all are open.
    lay(view) {
      for (const radio of document.getElementsByName("view")) radio.checked = radio.value === view;
      $("hits").className = view;
      cards().forEach((card) => card.open(view === "list"));
    },
    choose(index) {
      if (!list.length) return;
      mark(Math.max(0, Math.min(index, list.length - 1)));
      chosen().focus({ preventScroll: true });
      chosen().scrollIntoView({ block: "nearest" });
    },
    // Up and down go to the same place of the next row.
    chooseRow(by) {
      const columns = getComputedStyle($("hits")).gridTemplateColumns.split(" ").length;
      list.choose(list.chosen < 0 ? 0 : list.chosen + by * columns);
    },
    play() { (chosen() ?? cards()[0])?.play(); },
    like() { chosen()?.querySelector(".similar")?.click(); },
    open() {
      const card = chosen() ?? cards()[0];
      if (!card) return;
      list.choose(cards().indexOf(card));
      card.open(!card.isOpen());
      card.scrollIntoView({ block: "nearest" });
    },
  };
  function mark(index) {
    list.chosen = index;
    cards().forEach((card, at) => card.classList.toggle("chosen", at === index));
  }
  async function source(name) {
    const hits = list.hits;
    const card = await sourceCard(state.get().similar, name, hits, looks, state.leave);
    if (list.hits === hits) $("source").replaceChildren(card);
  }
  $("more").onclick = more;
  $("hits").addEventListener("focusin", ({ target }) => mark(cards().indexOf(target.closest(".hit"))));
  for (const radio of document.getElementsByName("view")) radio.onchange = () => { state.set({ view: radio.value }); list.lay(radio.value); };
  return list;
}
