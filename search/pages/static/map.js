// The map of a collection: a dot for each video, its still on hover and on focus.
import { $, make } from "./dom.js";

const MARGIN = 18, NEAR = 16, CARD = 208;
let dots = [], spans = null, hue = "", at = -1, open = () => {}, asked = 0;

// One scale for both directions, as large as the map allows.
function scaled(told) {
  const span = (values) => { const low = Math.min(...values), high = Math.max(...values); return { mid: (low + high) / 2, size: Math.max(high - low, 1e-6) }; };
  const [x, y] = [span(told.map((dot) => dot.x)), span(told.map((dot) => dot.y))];
  return { x, y };
}

function placed(dot) {
  const { clientWidth: width, clientHeight: height } = $("map");
  const scale = Math.min((width - 2 * MARGIN) / spans.x.size, (height - 2 * MARGIN) / spans.y.size);
  return [width / 2 + (dot.x - spans.x.mid) * scale, height / 2 + (dot.y - spans.y.mid) * scale];
}

function paint() {
  const canvas = $("dots"), scale = devicePixelRatio || 1, { clientWidth: width, clientHeight: height } = $("map");
  canvas.width = width * scale;
  canvas.height = height * scale;
  const pen = canvas.getContext("2d");
  pen.scale(scale, scale);
  pen.fillStyle = hue;
  const radius = dots.length > 1000 ? 2.5 : dots.length > 300 ? 4 : 5.5;
  for (const [index, dot] of dots.entries()) {
    const [left, top] = placed(dot);
    pen.globalAlpha = index === at ? 1 : 0.65;
    pen.beginPath();
    pen.arc(left, top, index === at ? radius + 3 : radius, 0, 2 * Math.PI);
    pen.fill();
  }
}

// The nearest dot that `fits`; -1 where there is none.
function nearest(left, top, most, fits = () => true) {
  let best = -1, least = most ** 2;
  for (const [index, dot] of dots.entries()) {
    const [x, y] = placed(dot);
    const far = (x - left) ** 2 + (y - top) ** 2;
    if (far < least && fits(x - left, y - top, index)) [best, least] = [index, far];
  }
  return best;
}

function choose(index) {
  if (index === at) return;
  at = index;
  paint();
  const card = $("card");
  card.hidden = index < 0;
  if (index < 0) return;
  const dot = dots[index], [left, top] = placed(dot), { clientWidth: width, clientHeight: height } = $("map");
  const image = make("img", { alt: "", src: `posters/${dot.key}?at_s=${dot.second}` });
  image.onerror = () => { image.hidden = true; };
  card.replaceChildren(image, make("figcaption", {}, dot.video_id));
  card.style.left = `${Math.max(4, Math.min(left + NEAR, width - CARD - 4))}px`;
  if (top < height / 2) { card.style.top = `${top + NEAR}px`; card.style.bottom = ""; } else { card.style.bottom = `${height - top + NEAR}px`; card.style.top = ""; }
  const spot = $("spot");
  spot.style.left = `${left}px`;
  spot.style.top = `${top}px`;
  spot.setAttribute("aria-label", `Play ${dot.video_id}`);
}

const WAYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

function onKey(event) {
  if (event.key === "Escape") return void choose(-1);
  const way = WAYS[event.key];
  if (!way) return;
  event.preventDefault();
  const from = Math.max(0, at), [left, top] = placed(dots[from]);
  // The nearest one in that quarter of the plane.
  const next = nearest(left, top, Infinity, (x, y, index) => index !== from && x * way[0] + y * way[1] > 0 && Math.abs(x * way[1] + y * way[0]) <= x * way[0] + y * way[1]);
  if (next >= 0) choose(next);
}

export async function drawMap(expert, look, get, onOpen) {
  const mine = ++asked;
  open = onOpen;
  choose(-1);
  $("map").classList.add("busy");
  $("how").textContent = "Making the map ...";
  try {
    const told = await get(`api/map/${encodeURIComponent(expert)}`);
    if (mine !== asked) return;
    [dots, spans, hue] = [told.dots, scaled(told.dots), look.hue];
    const some = told.dots.length < told.num_videos ? `${told.dots.length} of ${told.num_videos} videos` : `${told.num_videos} videos`;
    $("how").textContent = `${some}; ${told.how}.`;
  } catch (error) {
    if (mine !== asked) return;
    dots = [];
    $("how").textContent = error.message;
  }
  $("spot").hidden = !dots.length;
  $("map").classList.remove("busy");
  paint();
  // So that Tab finds it inside the map before a dot is chosen.
  if (dots.length) { const [left, top] = placed(dots[0]); $("spot").style.left = `${left}px`; $("spot").style.top = `${top}px`; $("spot").setAttribute("aria-label", `Play ${dots[0].video_id}`); }
}

const local = (event) => { const box = $("map").getBoundingClientRect(); return [event.clientX - box.left, event.clientY - box.top]; };
$("map").addEventListener("pointermove", (event) => { if (event.pointerType !== "touch") choose(nearest(...local(event), NEAR)); });
$("map").addEventListener("pointerleave", () => { if (document.activeElement !== $("spot")) choose(-1); });
$("dots").addEventListener("click", (event) => { const index = nearest(...local(event), NEAR); if (index >= 0) { choose(index); open(dots[index]); } });
$("spot").addEventListener("click", () => { if (dots.length) { choose(Math.max(0, at)); open(dots[at]); } });
$("spot").addEventListener("focus", () => choose(Math.max(0, at)));
$("spot").addEventListener("blur", () => choose(-1));
$("spot").addEventListener("keydown", onKey);
new ResizeObserver(paint).observe($("map"));
