// The state of the page is its address, so that reload, Back and a link that is passed on give the same list.

export const PAGE = 24, MOST_A_REQUEST = 100, MOST = 1000;
const EMPTY = { q: "", similar: "", example: "", k: PAGE, weight: {}, has: [], seen: "", longest_s: null, second_stage: "", view: "grid" };

// {q | similar: KEY | example: ID, k: hits shown, weight: {expert: factor}, has: [modality], seen, longest_s, second_stage, view}
export function read(search) {
  const told = new URLSearchParams(search);
  const text = (name) => told.get(name) ?? "";
  const number = (name, otherwise) => (Number.isFinite(parseFloat(text(name))) ? parseFloat(text(name)) : otherwise);
  const weight = {};
  for (const pair of told.getAll("weight")) {
    const at = pair.lastIndexOf(":");
    if (at > 0 && Number.isFinite(parseFloat(pair.slice(at + 1)))) weight[pair.slice(0, at)] = parseFloat(pair.slice(at + 1));
  }
  return {
    q: text("q"), similar: text("similar"), example: text("example"), weight, has: told.getAll("has"), seen: text("seen"),
    k: Math.max(1, Math.min(MOST, Math.floor(number("k", PAGE)))), longest_s: number("longest_s", null),
    second_stage: ["none", "late_interaction"].includes(text("second_stage")) ? text("second_stage") : "",
    view: text("view") === "list" ? "list" : "grid",
  };
}

// The filters, weights and second stage as parameters of a request.
function settings(value) {
  const told = new URLSearchParams();
  for (const [expert, factor] of Object.entries(value.weight)) if (factor !== 1) told.append("weight", `${expert}:${factor}`);
  for (const one of value.has) told.append("has", one);
  if (value.seen) told.append("seen", value.seen);
  if (value.longest_s !== null) told.append("longest_s", value.longest_s);
  if (value.second_stage) told.append("second_stage", value.second_stage);
  return told;
}

export function write(value) {
  const told = settings(value);
  for (const name of ["example", "similar", "q"]) if (value[name]) told.set(name, value[name]);
  if (value.k !== PAGE) told.set("k", value.k);
  if (value.view !== EMPTY.view) told.set("view", value.view);
  return `?${told}`;
}

export const asksNothing = (value) => !value.q.trim() && !value.similar && !value.example;

// The address of `k` hits from `offset` on.
export function request(value, offset, k) {
  const told = settings(value);
  if (value.example || value.similar) told.delete("second_stage");  // it looks for the tokens of a text
  told.set("k", k);
  told.set("offset", offset);
  if (value.example) return `api/example/${encodeURIComponent(value.example)}?${told}`;
  if (value.similar) return `api/similar/${encodeURIComponent(value.similar)}?${told}`;
  told.set("q", value.q);
  return `api/search?${told}`;
}

// `changed` is called after each change but those by `set`.
export function pageState(changed) {
  // Beside the address, an entry of the history keeps how far the page was scrolled.
  history.scrollRestoration = "manual";
  const keepScroll = () => history.replaceState({ ...history.state, y: scrollY }, "");
  let waiting = 0;
  addEventListener("scroll", () => { clearTimeout(waiting); waiting = setTimeout(keepScroll, 100); }, { passive: true });
  addEventListener("pagehide", keepScroll);
  const state = {
    get: () => read(location.search),
    // A new question: what is asked is replaced, filters, weights and view stay.
    ask: (what) => state.go({ q: "", similar: "", example: "", k: PAGE, ...what }),
    go(change) {
      keepScroll();
      clearTimeout(waiting);
      history.pushState({ isNext: true }, "", write({ ...state.get(), ...change }));
      return changed();
    },
    set(change) { history.replaceState(history.state, "", write({ ...state.get(), ...change })); },
    scroll: () => history.state?.y ?? 0,
    // Back to what was asked before; who came by a link has nothing before, and comes to the beginning.
    leave: () => (history.state?.isNext ? history.back() : state.ask({})),
  };
  addEventListener("popstate", () => { clearTimeout(waiting); changed(); });
  return state;
}
