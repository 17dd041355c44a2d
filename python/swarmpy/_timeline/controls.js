// Hands: the pointer, the wheel, two fingers, the keyboard, and the checkboxes.

const tip = document.getElementById("tip");
const find = document.getElementById("find");

// ---- what is under the pointer

function distance(it, x, y) {
  if (!it.line) {
    const dx = Math.max(it.x0 - x, 0, x - it.x1);
    const dy = Math.max(it.y0 - y, 0, y - it.y1);
    return Math.hypot(dx, dy);
  }
  const [vx, vy] = [it.x1 - it.x0, it.y1 - it.y0];
  const part = Math.max(0, Math.min(1, ((x - it.x0) * vx + (y - it.y0) * vy) / Math.max(1e-9, vx * vx + vy * vy)));
  return Math.hypot(it.x0 + part * vx - x, it.y0 + part * vy - y);
}
// A box that holds the point wins over a line that is near; the smaller box over the larger; of lines the nearest.
function pick(x, y) {
  let best = null;
  let least = 6;
  let area = Infinity;
  for (const it of hits) {
    const d = distance(it, x, y);
    if (d > 6) continue;
    const size = it.line ? 1e6 : (it.x1 - it.x0 + 1) * (it.y1 - it.y0 + 1);
    if (d < least - 0.01 || (d <= least && size < area)) {
      best = it;
      least = d;
      area = size;
    }
  }
  return best && best.e;
}

function summary(e) {
  if (e.type === "lane") return `${name(e.node)}: click to ${shown.unfolded[e.node] ? "fold" : "unfold"} its lane`;
  if (e.type === "traffic") return "messages of this node: zoom in to see each";
  return `${exact(e.t)}  ${titleOf(e)}`;
}
function tipAt(at, e) {
  tip.hidden = !e;
  if (!e) return;
  tip.textContent = summary(e);
  const box = stage.getBoundingClientRect();
  const left = Math.min(at.clientX + 14, box.right - Math.min(360, tip.offsetWidth) - 6);
  tip.style.left = `${Math.max(4, left)}px`;
  tip.style.top = `${Math.min(at.clientY + 16, window.innerHeight - tip.offsetHeight - 4)}px`;
}

function clicked(x, y) {
  const e = pick(x, y);
  if (!e) return select(null);
  if (e.type === "lane") {
    shown.unfolded[e.node] = !shown.unfolded[e.node];
    layLanes();
    return redraw();
  }
  if (e.type === "traffic") return zoom(toT(x), 0.25);
  return select(e, false);
}

// ---- pointer: drag to move, two fingers to zoom, click for details

const fingers = new Map();
let held = null;

const at = (pointer) => {
  const box = stage.getBoundingClientRect();
  return { x: pointer.clientX - box.left, y: pointer.clientY - box.top };
};
function hold() {
  const points = [...fingers.values()].map((point) => ({ ...point }));
  const xs = points.map((point) => point.x);
  held = { t0: view.t0, t1: view.t1, scroll: stage.scrollTop, points, first: toT(Math.min(...xs)), last: toT(Math.max(...xs)) };
}
stage.addEventListener("pointerdown", (pointer) => {
  if (pointer.target === spacer && pointer.offsetX > stage.clientWidth) return;
  stage.focus({ preventScroll: true });
  fingers.set(pointer.pointerId, { ...at(pointer), moved: 0 });
  stage.setPointerCapture(pointer.pointerId);
  hold();
});
stage.addEventListener("pointermove", (pointer) => {
  const now = at(pointer);
  cursor = now.x;
  const finger = fingers.get(pointer.pointerId);
  if (!finger) {
    tipAt(pointer, pick(now.x, now.y));
    return redraw();
  }
  tip.hidden = true;
  finger.moved += Math.hypot(now.x - finger.x, now.y - finger.y);
  Object.assign(finger, now);
  return fingers.size === 1 ? dragOne(now) : pinch();
});
function dragOne(now) {
  const from = held.points[0];
  const by = ((from.x - now.x) / (width - gutter)) * (held.t1 - held.t0);
  stage.scrollTop = held.scroll + from.y - now.y;
  setView(held.t0 + by, held.t1 + by);
}
function pinch() {
  const xs = [...fingers.values()].map((point) => point.x);
  const [left, right] = [Math.min(...xs), Math.max(...xs)];
  if (right - left < 8) return;
  const perPixel = (held.last - held.first) / (right - left);
  if (!(perPixel > 0)) return;
  const t0 = held.first - (left - gutter) * perPixel;
  setView(t0, t0 + (width - gutter) * perPixel);
}
function letGo(pointer) {
  const finger = fingers.get(pointer.pointerId);
  fingers.delete(pointer.pointerId);
  if (fingers.size) return hold();
  if (finger && finger.moved < 5 && pointer.type === "pointerup") clicked(finger.x, finger.y);
}
stage.addEventListener("pointerup", letGo);
stage.addEventListener("pointercancel", letGo);
stage.addEventListener("pointerleave", () => {
  cursor = null;
  tip.hidden = true;
  redraw();
});
stage.addEventListener("dblclick", (pointer) => zoom(toT(at(pointer).x), 0.25));
// In a page around this one the wheel moves that page, until somebody has clicked in here.
const framed = window.parent !== window;
stage.addEventListener("wheel", (turn) => {
  if (framed && !document.hasFocus()) return;
  turn.preventDefault();
  const scale = turn.deltaMode === 1 ? 16 : 1;
  if (turn.shiftKey || Math.abs(turn.deltaX) > Math.abs(turn.deltaY)) return pan(((turn.deltaX || turn.deltaY) * scale) / 1000);
  return zoom(toT(Math.max(gutter, at(turn).x)), Math.exp(turn.deltaY * scale * 0.0016));
}, { passive: false });
stage.addEventListener("scroll", redraw);

// ---- keyboard

function walk(events, back) {
  const some = events.filter(isShown);
  if (!some.length) return (announce.textContent = "nothing to go to");
  const t = selected ? selected.t : back ? Infinity : -Infinity;
  const here = some.indexOf(selected);
  const next = here >= 0 ? here + (back ? -1 : 1) : back ? some.findLastIndex((e) => e.t < t) : some.findIndex((e) => e.t > t);
  return select(some[(next + some.length) % some.length]);
}
function foldAll() {
  const fold = shown.unfolded.some(Boolean);
  shown.unfolded = nodes.map(() => !fold);
  redraw();
}
// Where the keys zoom: at the pointer, else at what is chosen, else in the middle.
function centre() {
  if (cursor !== null && cursor > gutter) return toT(cursor);
  return selected && selected.t >= view.t0 && selected.t <= view.t1 ? selected.t : (view.t0 + view.t1) / 2;
}
const KEYS = {
  "+": () => zoom(centre(), 0.6),
  "=": () => zoom(centre(), 0.6),
  "-": () => zoom(centre(), 1 / 0.6),
  ArrowLeft: () => pan(-0.15),
  ArrowRight: () => pan(0.15),
  ArrowUp: () => (stage.scrollTop -= 60),
  ArrowDown: () => (stage.scrollTop += 60),
  PageUp: () => pan(-0.9),
  PageDown: () => pan(0.9),
  Home: () => setView(START, START + view.t1 - view.t0),
  End: () => setView(END - (view.t1 - view.t0), END),
  0: wholeRun,
  f: () => walk(failures, false),
  F: () => walk(failures, true),
  n: () => walk(story, false),
  p: () => walk(story, true),
  ".": () => walk(everything, false),
  ",": () => walk(everything, true),
  "/": () => find.focus(),
  t: () => switchTheme(),
  u: foldAll,
  Escape: () => select(null),
};
document.addEventListener("keydown", (key) => {
  if (key.ctrlKey || key.metaKey || key.altKey) return;
  const typing = /^(INPUT|TEXTAREA|SELECT)$/.test(key.target.tagName) && key.target.type !== "checkbox";
  if (typing) {
    if (key.key === "Escape" || key.key === "Enter") stage.focus();
    return;
  }
  const list = key.target.closest("#panel");
  if (list && /^(Arrow|Page|Home|End)/.test(key.key)) return; // the panel scrolls
  const act = KEYS[key.key];
  if (!act) return;
  key.preventDefault();
  act();
});

// ---- filters

function filtered() {
  layLanes();
  if (!selected) tellStory();
  redraw();
}
find.addEventListener("input", () => {
  shown.words = find.value.toLowerCase().split(/\s+/).filter(Boolean);
  filtered();
});
function box(parent, text, checked, change, count, swatch) {
  const line = element("label");
  const input = element("input", undefined, { type: "checkbox" });
  input.checked = checked;
  input.addEventListener("change", () => {
    change(input.checked);
    filtered();
  });
  line.append(input);
  if (swatch) line.append(swatch);
  line.append(element("span", text));
  if (count !== undefined) line.append(element("span", String(count), { class: "dim count" }));
  parent.append(line);
  return input;
}
function makeFilters() {
  const kinds = document.getElementById("kinds");
  const toggle = (set, key) => (on) => (on ? set.add(key) : set.delete(key));
  for (const family of FAMILIES) {
    const count = messages.filter((e) => e.family === family).length;
    if (count) box(kinds, `${family} messages`, true, toggle(shown.families, family), count, sample(family));
  }
  const rows = [["tasks", taskBars.length], ["requests", calls.length + fetches.length], ["faults", faults.length], ["notes", notes.length]];
  for (const [word, count] of rows) box(kinds, word === "notes" ? "nodes and services" : word, true, toggle(shown.rows, word), count);
  box(kinds, "failures and losses only", false, (on) => (shown.failuresOnly = on));
  const some = document.getElementById("nodes");
  const inputs = nodes.map((node) =>
    box(some, node.name, true, (on) => (shown.nodes[node.index] = on)),
  );
  document.getElementById("fold").addEventListener("click", foldAll);
  const all = document.getElementById("all-nodes");
  all.addEventListener("click", () => {
    const on = !shown.nodes.every(Boolean);
    inputs.forEach((input, i) => (input.checked = shown.nodes[i] = on));
    filtered();
  });
}
// A piece of the line that messages of this family have.
function sample(family) {
  const canvas = element("canvas", undefined, { class: "sample", "aria-hidden": "true" });
  const pen = sized(canvas, 26, 10);
  const look = FAMILY_LOOK[family];
  pen.strokeStyle = look.colour;
  pen.lineWidth = Math.max(1.6, look.width);
  pen.setLineDash(look.dash);
  pen.beginPath();
  pen.moveTo(0, 5);
  pen.lineTo(26, 5);
  pen.stroke();
  return canvas;
}
