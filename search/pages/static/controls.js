// The controls for filters and weights, and the request parameters that they set.
import { $, clock, make, modalityLabel } from "./dom.js";

const WAIT_MS = 150;

export function controls(facts, looks, changed) {
  const wide = matchMedia("(min-width: 46.01rem)");
  const unfold = () => { $("controls").open = wide.matches; };
  wide.addEventListener("change", unfold);
  unfold();
  let waiting = 0;
  const soon = () => { clearTimeout(waiting); waiting = setTimeout(changed, WAIT_MS); };
  const has = toggles(facts, soon);
  const longest = duration(facts.longest_s, soon);
  const weights = sliders(facts, looks, soon);
  suggest(soon);
  return {
    parameters() {
      const told = new URLSearchParams();
      for (const box of has) if (box.checked) told.append("has", box.value);
      for (const slider of weights) if (Number(slider.value) !== 1) told.append("weight", `${slider.name}:${slider.value}`);
      if ($("seen").value.trim()) told.append("seen", $("seen").value.trim());
      if (longest() !== null) told.append("longest_s", longest());
      return told;
    },
  };
}

function toggles(facts, soon) {
  const modalities = ["speech", "ocr", "face"].filter((one) => facts.experts.some((expert) => expert.modality === one));
  const boxes = modalities.map((modality) => make("input", { type: "checkbox", name: "has", value: modality, onchange: soon }));
  const labels = { speech: "Speech", ocr: "Text", face: "A face" };
  $("has").replaceChildren(...boxes.map((box) => make("label", {}, box, labels[box.value] ?? modalityLabel(box.value))));
  return boxes;
}

// Labels of classifiers to choose from; the field stays hidden where no expert keeps any.
async function suggest(soon) {
  const response = await fetch("/api/labels").catch(() => null);
  const labels = response?.ok ? await response.json() : [];
  $("labels").replaceChildren(...labels.map(({ label, num_videos }) => make("option", { value: label }, `${num_videos} videos`)));
  $("seen-only").hidden = !labels.length;
  $("seen").oninput = soon;
}

// The length of videos is spread over the slider by its square, so that short ones can be told apart.
function duration(longest_s, soon) {
  const seconds = () => Math.ceil(longest_s * (Number($("longest").value) / 100) ** 2);
  const open = () => $("longest").value === "100";
  const tell = () => { $("longest-told").textContent = open() ? "any length" : clock(seconds()); };
  $("longest").oninput = () => { tell(); soon(); };
  tell();
  return () => (open() ? null : seconds());
}

function sliders(facts, looks, soon) {
  const rows = facts.experts.filter((expert) => expert.weighable).map(({ name, num_videos }) => {
    const slider = make("input", { type: "range", min: "0", max: "3", step: "0.1", value: "1", name, id: `weight-${name}` });
    const told = make("output", {}, "1.0");
    const label = make("label", { htmlFor: slider.id, title: `${name}: something in ${num_videos} videos` }, make("span", { class: "dot", hue: looks.get(name).hue }), looks.get(name).label);
    const row = make("div", { class: "weight" }, label, told, slider);
    slider.oninput = () => {
      told.textContent = Number(slider.value).toFixed(1);
      row.classList.toggle("changed", slider.value !== "1");
      $("reset").hidden = !document.querySelector(".weight.changed");
      soon();
    };
    return { row, slider };
  });
  $("weights").replaceChildren(...rows.map(({ row }) => row));
  $("reset").onclick = () => rows.forEach(({ slider }) => { slider.value = "1"; slider.oninput(); });
  return rows.map(({ slider }) => slider);
}
