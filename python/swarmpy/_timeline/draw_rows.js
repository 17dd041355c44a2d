// The rows under a node's band: requests and tasks; and what lies over all lanes: the axis, faults, the moment
// at which an invariant broke, the cursor.

function drawRequests(pen, lane) {
  const y = lane.requests;
  const tall = lane.folded ? 4 : 7;
  for (const e of requestsOf[lane.node]) {
    if (!inWindow(e) || !isShown(e)) continue;
    const x = Math.max(gutter, toX(e.t));
    const wide = Math.max(1.5, Math.min(width, toX(e.end)) - x);
    pen.fillStyle = e.bad ? ink.bad : ink.dim;
    pen.globalAlpha = e.bad ? 1 : 0.55;
    pen.fillRect(x, e.type === "call" ? y : y + tall / 2 - 1, wide, e.type === "call" ? tall : 2.5);
    pen.globalAlpha = 1;
    if (e.bad) cross(pen, x + 1, y + tall / 2, 3, ink.bad);
    hit(e, x - 2, y - 1, x + Math.max(3, wide), y + tall + 1);
  }
}

const EARLY = new Set(["new", "pending", "assigned", "accepted"]);
function drawPiece(pen, piece, hue, y, tall) {
  const [x0, x1] = clampX(piece.t, piece.end);
  const wide = Math.max(0.8, x1 - x0);
  if (piece.state === "running") {
    pen.fillStyle = hue;
    pen.globalAlpha = 0.85;
    pen.fillRect(x0, y, wide, tall);
    pen.globalAlpha = 1;
  } else if (EARLY.has(piece.state)) {
    pen.strokeStyle = ink.dim;
    pen.lineWidth = 1;
    pen.setLineDash([2, 2]);
    pen.strokeRect(x0 + 0.5, y + 0.5, Math.max(0.1, wide - 1), tall - 1);
    pen.setLineDash([]);
  } else {
    pen.fillStyle = hatch(hue, 3);
    pen.fillRect(x0, y, wide, tall);
  }
}

function drawTasks(pen, lane) {
  const of = packed[lane.node < 0 ? nodes.length : lane.node];
  let hidden = 0;
  of.bars.forEach((e, i) => {
    if (!inWindow(e) || !isShown(e)) return;
    if (of.rows[i] >= lane.rows) return (hidden += 1);
    const y = lane.tasks + of.rows[i] * ROW;
    const hue = hueOfTask(e.row.task);
    for (const piece of e.pieces) if (piece.end >= view.t0 && piece.t <= view.t1) drawPiece(pen, piece, hue, y, ROW - 2);
    const [x0, x1] = clampX(e.t, e.end);
    if (e.bad && e.end <= view.t1) cross(pen, Math.min(x1, width - 4), y + ROW / 2 - 1, 3.2, ink.bad);
    const runs = e.pieces.find((piece) => piece.state === "running");
    const from = runs ? Math.max(x0, toX(runs.t)) : x0;
    if (runs) label(pen, taskLabel(e.row.task), from + 4, y + ROW / 2 - 0.5, x1 - from - 8, inkOn(hue));
    else labelOfWaiting(pen, e, x0 + 4, y + ROW / 2 - 0.5, x1 - x0 - 8);
    hit(e, x0, y, Math.max(x1, x0 + 3), y + ROW - 1);
    return hidden;
  });
  fadeDead(pen, lane, lane.rows * ROW);
  if (lane.more && hidden) label(pen, `and ${hidden} more`, gutter + 6, lane.tasks + lane.rows * ROW + 5, 200, ink.dim);
}

// What a task that does not run is waiting in, where there is room for it.
function labelOfWaiting(pen, e, x, y, room) {
  const name = taskLabel(e.row.task);
  const whole = `${name} \u00b7 ${e.pieces.at(-1)?.state ?? ""}`;
  pen.font = FONT;
  boxed(pen, pen.measureText(whole).width <= room ? whole : name, x, y, room, false);
}

// Of a folded lane: where something runs, and what failed.
function drawFolded(pen, lane) {
  for (const e of packed[lane.node].bars) {
    if (!inWindow(e) || !isShown(e)) continue;
    const hue = hueOfTask(e.row.task);
    for (const piece of e.pieces) {
      if (piece.state !== "running" || piece.end < view.t0 || piece.t > view.t1) continue;
      const [x0, x1] = clampX(piece.t, piece.end);
      pen.fillStyle = hue;
      pen.fillRect(x0, lane.tasks, Math.max(0.8, x1 - x0), 4);
    }
    const [x0, x1] = clampX(e.t, e.end);
    if (e.bad && e.end <= view.t1) cross(pen, Math.min(x1, width - 4), lane.tasks + 2, 2.5, ink.bad);
    hit(e, x0, lane.tasks - 1, Math.max(x1, x0 + 3), lane.tasks + 5);
  }
  fadeDead(pen, lane, 5);
}

// What the swarm believes of a node that is down is only what it knew last.
function fadeDead(pen, lane, tall) {
  if (lane.node < 0) return;
  for (const e of states[lane.node]) {
    if (e.row.state !== "down" || !inWindow(e)) continue;
    const [x0, x1] = clampX(e.t, e.end);
    pen.globalAlpha = 0.68;
    pen.fillStyle = ink.bg;
    pen.fillRect(x0, lane.tasks - 1, x1 - x0, tall + 1);
    pen.globalAlpha = 1;
  }
}

// ---- under and over all lanes

function ticks() {
  const step = tickStep(view.t1 - view.t0, (width - gutter) / 100);
  const out = [];
  for (let t = Math.ceil(Math.max(view.t0, 0) / step) * step; t <= view.t1; t += step) out.push([t, timeText(t, step)]);
  return out;
}
function drawGrid(pen) {
  pen.fillStyle = ink.hair;
  for (const [t] of ticks()) pen.fillRect(toX(t), top0, 1, height - top0);
}

function drawTop(pen, seenFaults, faultRows) {
  pen.fillStyle = ink.bg;
  pen.fillRect(0, 0, width, top0);
  pen.textBaseline = "middle";
  for (const [t, text] of ticks()) {
    pen.fillStyle = ink.hair;
    pen.fillRect(toX(t), AXIS - 6, 1, top0 - AXIS + 6);
    pen.font = FONT;
    const x = Math.min(toX(t) + 3, width - pen.measureText(text).width - 3);
    label(pen, text, x, 9, 120, ink.dim);
  }
  seenFaults.forEach((e, i) => {
    if (faultRows[i] >= 5) return;
    const y = AXIS + faultRows[i] * FAULT_ROW;
    const [x0, x1] = clampX(e.t, e.end);
    const wide = Math.max(3, x1 - x0);
    pen.fillStyle = ink.faultbg;
    pen.fillRect(x0, y, wide, FAULT_ROW - 3);
    pen.strokeStyle = ink.fault;
    pen.lineWidth = 1;
    pen.setLineDash([]);
    pen.strokeRect(x0 + 0.5, y + 0.5, wide - 1, FAULT_ROW - 4);
    const text = `\u26a1 ${titleOf(e)}`;
    if (!label(pen, text, x0 + 4, y + FAULT_ROW / 2 - 1, wide - 8, ink.fg))
      label(pen, text, x0 + wide + 3, y + FAULT_ROW / 2 - 1, nextFault(seenFaults, faultRows, i) - x0 - wide - 8, ink.fg);
    hits.push({ e, x0, y0: y, x1: x0 + wide, y1: y + FAULT_ROW - 2, line: false });
  });
  pen.fillStyle = ink.bg;
  pen.fillRect(0, 0, gutter - 1, top0);
  label(pen, "time", 14, 9, gutter - 18, ink.dim);
  if (seenFaults.length) label(pen, "faults", 14, AXIS + 6, gutter - 18, ink.dim);
  pen.fillStyle = ink.edge;
  pen.fillRect(0, top0 - 1, width, 1);
}
function nextFault(seenFaults, rows, i) {
  const next = seenFaults.find((_, j) => j > i && rows[j] === rows[i]);
  return next ? toX(next.t) : width;
}

function drawBroken(pen) {
  for (const e of broken) {
    const x = toX(e.t);
    if (x < gutter || x > width) continue;
    pen.strokeStyle = ink.bad;
    pen.lineWidth = 2;
    pen.setLineDash([7, 3]);
    pen.beginPath();
    pen.moveTo(x, AXIS - 8);
    pen.lineTo(x, height);
    pen.stroke();
    pen.setLineDash([]);
    drawFlag(pen, e, x, top0 - FAULT_ROW - 1);
  }
}
// The sentence, on the side of the line that has more room.
function drawFlag(pen, e, x, y) {
  const text = `\u2717 ${e.row.name}: ${e.row.what}`;
  pen.font = BOLD;
  const left = x - gutter > width - x;
  const room = (left ? x - gutter : width - x) - 14;
  const words = fitted(pen, text, room);
  const wide = pen.measureText(words).width + 10;
  const x0 = left ? x - wide : x;
  pen.fillStyle = ink.bad;
  pen.fillRect(x0, y, wide, FAULT_ROW - 1);
  pen.fillStyle = ink.bg;
  pen.fillText(words, x0 + 5, y + FAULT_ROW / 2 - 0.5);
  hits.push({ e, x0, y0: y, x1: x0 + wide, y1: y + FAULT_ROW, line: false });
  hits.push({ e, x0: x - 3, y0: AXIS, x1: x + 3, y1: top0, line: false });
}

function drawCursor(pen) {
  if (selected) drawSelected(pen);
  if (cursor === null || cursor < gutter) return;
  pen.fillStyle = ink.dim;
  pen.fillRect(cursor, AXIS - 6, 1, height);
  pen.font = FONT;
  const apart = selected ? toT(cursor) - selected.t : 0;
  const since = selected ? `  (${apart < 0 ? "-" : "+"}${spanText(Math.round(Math.abs(apart)))})` : "";
  const text = exact(toT(cursor)) + since;
  const wide = pen.measureText(text).width + 8;
  const x = Math.min(cursor - wide / 2, width - wide - 2);
  pen.fillStyle = ink.fg;
  pen.fillRect(Math.max(gutter, x), 1, wide, 15);
  pen.fillStyle = ink.bg;
  pen.fillText(text, Math.max(gutter, x) + 4, 9);
}

function drawSelected(pen) {
  const it = hits.find((one) => one.e === selected);
  pen.strokeStyle = ink.select;
  pen.lineWidth = 2;
  pen.setLineDash([]);
  if (!it) {
    const x = toX(selected.t);
    if (x < gutter || x > width) return;
    pen.strokeRect(x - 3, AXIS - 8, 6, 8);
    return;
  }
  if (!it.line) return pen.strokeRect(it.x0 - 2, it.y0 - 2, Math.max(6, it.x1 - it.x0 + 4), it.y1 - it.y0 + 4);
  pen.lineWidth = 3;
  pen.beginPath();
  pen.moveTo(it.x0, it.y0);
  pen.lineTo(it.x1, it.y1);
  pen.stroke();
  for (const [x, y] of [[it.x0, it.y0], [it.x1, it.y1]]) {
    pen.beginPath();
    pen.arc(x, y, 5, 0, 7);
    pen.stroke();
  }
}
