// The controls for filters and weights; what they are set to is in the state of the page.
import { $, clock, make, modalityLabel } from "./dom.js";
import { PAGE } from "./state.js";

const WAIT_MS = 150;

// `changed` is called after a control was moved and the state holds it; `show(value)` sets the controls to a state.
export function controls(facts, looks, state, changed) {
  const wide = matchMedia("(min-width: 46.01rem)");
  const unfold = () => { $("controls").open = wide.matches; };
  wide.addEventListener("change", unfold);
  unfold();
  let waiting = 0;
  const put = (change) => {
    state.set({ ...change, k: PAGE });
    clearTimeout(waiting);
    waiting = setTimeout(changed, WAIT_MS);
  };
  const parts = [toggles(facts, put), label(put), duration(facts.longest_s, put), secondStage(facts.second_stages, put), sliders(facts, looks, state, put)];
  return { show: (value) => parts.forEach((part) => part(value)) };
}

function toggles(facts, put) {
  const modalities = ["speech", "ocr", "face"].filter((one) => facts.experts.some((expert) => expert.modality === one));
  const chosen = () => boxes.filter((box) => box.checked).map((box) => box.value);
  const boxes = modalities.map((modality) => make("input", { type: "checkbox", name: "has", value: modality, onchange: () => put({ has: chosen() }) }));
  const labels = { speech: "Speech", ocr: "Text", face: "A face" };
  $("has").replaceChildren(...boxes.map((box) => make("label", {}, box, labels[box.value] ?? modalityLabel(box.value))));
  return ({ has }) => boxes.forEach((box) => { box.checked = has.includes(box.value); });
}

// Labels of classifiers to choose from; the field stays hidden where no expert keeps any.
function label(put) {
  suggest();
  $("seen").oninput = () => put({ seen: $("seen").value.trim() });
  return ({ seen }) => { if ($("seen").value.trim() !== seen) $("seen").value = seen; };
}

async function suggest() {
  const response = await fetch("api/labels").catch(() => null);
  const labels = response?.ok ? await response.json() : [];
  $("labels").replaceChildren(...labels.map(({ label, num_videos }) => make("option", { value: label }, `${num_videos} videos`)));
  $("seen-only").hidden = !labels.length;
}

// The length of videos is spread over the slider by its square, so that short ones can be told apart.
function duration(longest_s, put) {
  const slider = $("longest");
  const seconds = () => (slider.value === "100" ? null : Math.ceil(longest_s * (Number(slider.value) / 100) ** 2));
  const tell = (chosen) => { $("longest-told").textContent = chosen === null ? "any length" : clock(chosen); };
  slider.oninput = () => { tell(seconds()); put({ longest_s: seconds() }); };
  return ({ longest_s: chosen }) => {
    if (chosen !== seconds()) slider.value = chosen === null ? "100" : String(Math.min(99, Math.floor(100 * Math.sqrt(chosen / longest_s))));
    tell(chosen);
  };
}

// Whether the best are put in order by the tokens of the query too; hidden where there is no choice.
function secondStage([usual, ...others], put) {
  const box = $("late");
  $("second-stage").hidden = !others.length;
  box.onchange = () => {
    const chosen = box.checked ? "late_interaction" : "none";
    put({ second_stage: chosen === usual ? "" : chosen });
  };
  return ({ second_stage: chosen }) => { box.checked = (chosen || usual) === "late_interaction"; };
}

function sliders(facts, looks, state, put) {
  const rows = facts.experts.filter((expert) => expert.weighable).map(({ name, num_videos }) => {
    const slider = make("input", { type: "range", min: "0", max: "3", step: "0.1", value: "1", name, id: `weight-${name}` });
    const told = make("output", {});
    const text = make("label", { htmlFor: slider.id, title: `${name}: something in ${num_videos} videos` }, make("span", { class: "dot", hue: looks.get(name).hue }), looks.get(name).label);
    const row = make("div", { class: "weight" }, text, told, slider);
    const tell = (factor) => {
      told.textContent = factor.toFixed(1);
      row.classList.toggle("changed", factor !== 1);
      $("reset").hidden = !document.querySelector(".weight.changed");
    };
    slider.oninput = () => { tell(Number(slider.value)); put({ weight: { ...state.get().weight, [name]: Number(slider.value) } }); };
    return { row, show({ weight }) { slider.value = String(weight[name] ?? 1); tell(weight[name] ?? 1); } };
  });
  $("weights").replaceChildren(...rows.map(({ row }) => row));
  $("reset").onclick = () => { rows.forEach(({ show }) => show({ weight: {} })); put({ weight: {} }); };
  return (value) => rows.forEach(({ show }) => show(value));
}
