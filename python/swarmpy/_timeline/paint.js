// Colours and patterns. The hues are the house's (Okabe and Ito); no meaning hangs on colour alone: each family
// of messages has a dash of its own, each state a shape or a hatch.

const HUES = ["#0072B2", "#E69F00", "#CC79A7", "#56B4E9", "#F0E442"]; // of terms
const VERSION_HUES = ["#009E73", "#0072B2", "#E69F00", "#CC79A7", "#56B4E9", "#F0E442"];
const FAMILY_LOOK = {
  election: { colour: "#E69F00", dash: [], width: 1.6 },
  log: { colour: "#0072B2", dash: [], width: 1 },
  heartbeat: { colour: "#999999", dash: [1.5, 2.5], width: 0.8 },
  dispatcher: { colour: "#009E73", dash: [6, 3], width: 1 },
  membership: { colour: "#CC79A7", dash: [2, 3], width: 1.2 },
  api: { colour: "#56B4E9", dash: [8, 3, 2, 3], width: 1.2 },
  output: { colour: "#CC79A7", dash: [1, 4], width: 1 },
};
const hueOfTerm = (term) => HUES[term % HUES.length];
const hueOfTask = (task) => VERSION_HUES[versionOf(task) % VERSION_HUES.length];

let ink = {};
function readTheme() {
  const style = getComputedStyle(document.documentElement);
  for (const role of ["bg", "fg", "dim", "card", "edge", "hair", "bad", "badbg", "fault", "faultbg", "select"])
    ink[role] = style.getPropertyValue(`--${role}`).trim();
  hatches.clear();
}

const hatches = new Map();
// Slanting lines in `colour`; `other`: they slant the other way.
function hatch(colour, step = 6, other = false) {
  const key = `${colour} ${step} ${other}`;
  if (hatches.has(key)) return hatches.get(key);
  const tile = document.createElement("canvas");
  tile.width = tile.height = step * 2;
  const pen = tile.getContext("2d");
  pen.strokeStyle = colour;
  pen.lineWidth = 1.4;
  for (let x = -step * 2; x <= step * 4; x += step) {
    pen.beginPath();
    pen.moveTo(x, other ? 0 : step * 2);
    pen.lineTo(x + step * 2, other ? step * 2 : 0);
    pen.stroke();
  }
  const pattern = pen.createPattern(tile, "repeat");
  hatches.set(key, pattern);
  return pattern;
}

const FONT = "11px system-ui, 'Segoe UI', 'DejaVu Sans', sans-serif";
const BOLD = `600 ${FONT}`;

// As much of the text as fits into `width`; "" when that would say nothing.
function fitted(pen, text, width) {
  if (pen.measureText(text).width <= width) return text;
  let length = Math.floor(text.length * (width / pen.measureText(text).width));
  while (length > 2 && pen.measureText(`${text.slice(0, length)}\u2026`).width > width) length -= 1;
  return length > 3 ? `${text.slice(0, length)}\u2026` : "";
}
function label(pen, text, x, y, width, colour, font = FONT) {
  pen.font = font;
  const words = fitted(pen, text, width);
  if (!words) return false;
  pen.fillStyle = colour;
  pen.fillText(words, x, y);
  return true;
}
function cross(pen, x, y, size, colour, width = 1.8) {
  pen.strokeStyle = colour;
  pen.lineWidth = width;
  pen.setLineDash([]);
  pen.beginPath();
  pen.moveTo(x - size, y - size);
  pen.lineTo(x + size, y + size);
  pen.moveTo(x - size, y + size);
  pen.lineTo(x + size, y - size);
  pen.stroke();
}
// White or black, whichever is read better on `colour`.
function inkOn(colour) {
  const [r, g, b] = [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));
  return r * 0.3 + g * 0.59 + b * 0.11 > 120 ? "#1b1f23" : "#ffffff";
}
