// Builds elements from data. Text from files and captions is only ever set as textContent.

export const $ = (id) => document.getElementById(id);

export function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name === "class") element.className = value;
    else if (name === "hue") element.style.setProperty("--hue", value);
    else if (name.startsWith("aria")) element.setAttribute(name.replace("aria", "aria-").toLowerCase(), value);
    else element[name] = value;
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

export function clock(seconds) {
  const whole = Math.floor(seconds);
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  const tail = String(whole % 60).padStart(2, "0");
  return hours ? `${hours}:${String(minutes).padStart(2, "0")}:${tail}` : `${minutes}:${tail}`;
}

const LABELS = { rgb: "Look", scene: "Place", flow: "Motion", audio: "Sound", face: "Faces", ocr: "Words on screen", speech: "Words spoken", captions: "Described" };
const HUES = ["#4f7cff", "#10a37f", "#e8893b", "#a855f7", "#e0457b", "#0e9fb5", "#b8860b", "#64748b", "#7c6f64", "#2f9e44"];

// Expert -> {label, hue}: its modality in words, and its own name where several experts share a modality.
export function describe(experts) {
  const shared = (modality) => experts.filter((other) => other.modality === modality).length > 1;
  return new Map(experts.map(({ name, modality }, index) => {
    const label = LABELS[modality] ?? modality;
    return [name, { label: shared(modality) ? `${label}: ${name}` : label, hue: HUES[index % HUES.length] }];
  }));
}

export const modalityLabel = (modality) => LABELS[modality] ?? modality;
