// The strip above: the whole run, and which part of it is looked at. Drag the part, or click elsewhere.

const strip = document.getElementById("strip");
let ground = null; // what does not change with the window
let groundKey = "";

const stripX = (t) => ((t - START) / Math.max(1, END - START)) * (strip.clientWidth - 2) + 1;
const stripT = (x) => START + ((x - 1) / Math.max(1, strip.clientWidth - 2)) * (END - START);

function drawOverview() {
  const wide = strip.clientWidth;
  const tall = strip.clientHeight;
  const pen = sized(strip, wide, tall);
  const key = `${wide} ${tall} ${ink.bg} ${window.devicePixelRatio}`;
  if (key !== groundKey) {
    ground = document.createElement("canvas");
    drawGround(sized(ground, wide, tall), wide, tall);
    groundKey = key;
  }
  pen.clearRect(0, 0, wide, tall);
  pen.drawImage(ground, 0, 0, wide, tall);
  const x0 = Math.max(0, stripX(view.t0));
  const x1 = Math.min(wide, Math.max(stripX(view.t1), x0 + 4));
  pen.globalAlpha = 0.62;
  pen.fillStyle = ink.bg;
  pen.fillRect(0, 0, x0, tall);
  pen.fillRect(x1, 0, wide - x1, tall);
  pen.globalAlpha = 1;
  pen.strokeStyle = ink.select;
  pen.lineWidth = 2;
  pen.strokeRect(x0 + 1, 1, Math.max(2, x1 - x0 - 2), tall - 2);
}

function drawGround(pen, wide, tall) {
  const counts = new Uint32Array(Math.ceil(wide / 2) + 1);
  for (const e of messages) counts[Math.floor(stripX(e.t) / 2)] += 1;
  const most = counts.reduce((a, b) => Math.max(a, b), 1);
  pen.fillStyle = ink.edge;
  counts.forEach((count, i) => {
    if (count) pen.fillRect(i * 2, tall - (tall - 14) * Math.sqrt(count / most), 2, tall);
  });
  for (const e of faults) {
    pen.fillStyle = ink.faultbg;
    pen.fillRect(stripX(e.t), 0, Math.max(2, stripX(e.end) - stripX(e.t)), tall);
    pen.fillStyle = ink.fault;
    pen.fillRect(stripX(e.t), 0, Math.max(2, stripX(e.end) - stripX(e.t)), 3);
  }
  for (const e of leads) {
    const x = stripX(e.t);
    pen.fillStyle = hueOfTerm(e.row.term);
    pen.beginPath();
    pen.moveTo(x, 12), pen.lineTo(x - 4, 5), pen.lineTo(x + 4, 5);
    pen.fill();
  }
  for (const e of failures) {
    pen.fillStyle = ink.bad;
    pen.fillRect(stripX(e.t), e.type === "broken" ? 0 : tall - 9, e.type === "broken" ? 2 : 1.5, tall);
  }
}

let dragged = null;
strip.addEventListener("pointerdown", (at) => {
  const x = at.offsetX;
  const span = view.t1 - view.t0;
  const inside = x >= stripX(view.t0) - 3 && x <= stripX(view.t1) + 3;
  if (!inside) setView(stripT(x) - span / 2, stripT(x) + span / 2);
  dragged = { t: stripT(x), t0: view.t0, t1: view.t1 };
  strip.setPointerCapture(at.pointerId);
});
strip.addEventListener("pointermove", (at) => {
  if (!dragged) return;
  const by = stripT(at.offsetX) - dragged.t;
  setView(dragged.t0 + by, dragged.t1 + by);
});
for (const end of ["pointerup", "pointercancel"]) strip.addEventListener(end, () => (dragged = null));
