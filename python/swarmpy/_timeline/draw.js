// The picture: lanes of nodes under an axis of time. Only what is in the window is drawn; where there are more
// messages than could be told apart, each lane shows how many there are instead.

const stage = document.getElementById("stage");
const sheet = document.getElementById("sheet");
const spacer = document.getElementById("spacer");
const AXIS = 22;
const FAULT_ROW = 16;

let width = 0;
let height = 0;
let gutter = 96;
let top0 = AXIS; // where the lanes begin
let hits = []; // what was drawn: {e, x0, y0, x1, y1, line}
let selected = null;
let cursor = null; // {x} of the pointer
let dense = false;
let wanted = false;
let words = []; // what is written on bands, once the messages are drawn

const toX = (t) => gutter + ((t - view.t0) / (view.t1 - view.t0)) * (width - gutter);
const toT = (x) => view.t0 + ((x - gutter) / (width - gutter)) * (view.t1 - view.t0);

function redraw() {
  if (wanted) return;
  wanted = true;
  requestAnimationFrame(() => {
    wanted = false;
    draw();
    drawOverview();
  });
}

function sized(canvas, w, h) {
  const ratio = window.devicePixelRatio || 1;
  if (canvas.width !== Math.round(w * ratio) || canvas.height !== Math.round(h * ratio)) {
    canvas.width = Math.round(w * ratio);
    canvas.height = Math.round(h * ratio);
  }
  const pen = canvas.getContext("2d");
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  return pen;
}

function draw() {
  width = stage.clientWidth;
  height = stage.clientHeight;
  gutter = width < 560 ? 58 : 96;
  const seenFaults = faults.filter((e) => isShown(e) && e.end >= view.t0 && e.t <= view.t1);
  const faultRows = pack(seenFaults);
  const rows = faultRows.reduce((most, row) => Math.max(most, row + 1), 0);
  top0 = AXIS + Math.min(rows, 5) * FAULT_ROW + (rows ? 4 : 0) + (broken.length ? FAULT_ROW : 0);
  layLanes(height - top0);
  spacer.style.height = `${top0 + lanesHeight}px`;
  sheet.style.width = `${width}px`;
  sheet.style.height = `${height}px`;
  const pen = sized(sheet, width, height);
  hits = [];
  pen.clearRect(0, 0, width, height);
  drawGrid(pen);
  pen.save();
  pen.beginPath();
  pen.rect(0, top0, width, height - top0);
  pen.clip();
  pen.translate(0, top0 - stage.scrollTop);
  drawLanes(pen, seenFaults);
  pen.restore();
  drawTop(pen, seenFaults, faultRows);
  drawBroken(pen);
  drawCursor(pen);
}

// ---- lanes; y from the top of the first lane

const screenY = (y) => y + top0 - stage.scrollTop;
function hit(e, x0, y0, x1, y1, line = false) {
  hits.push({ e, x0, y0: screenY(y0), x1, y1: screenY(y1), line });
}
const inWindow = (e) => e.end >= view.t0 && e.t <= view.t1;
const onScreen = (lane) => screenY(lane.y + lane.height) > top0 && screenY(lane.y) < height;

function drawLanes(pen, seenFaults) {
  const seen = lanes.filter(onScreen);
  pen.textBaseline = "middle";
  for (const lane of seen) {
    pen.fillStyle = ink.hair;
    pen.fillRect(0, lane.y + lane.height - 1, width, 1);
  }
  for (const e of seenFaults) tint(pen, e);
  const some = messagesInWindow();
  dense = some.length > Math.max(600, (width - gutter) * 1.1);
  words = [];
  for (const lane of seen) if (lane.node >= 0) drawBand(pen, lane);
  if (dense) drawTraffic(pen, some);
  drawMessages(pen, dense ? some.filter((e) => e.family === "election" || e.lost).slice(0, 400) : some);
  for (const write of words) write();
  for (const lane of seen) {
    if (lane.requests) drawRequests(pen, lane);
    if (lane.rows) (lane.folded ? drawFolded : drawTasks)(pen, lane);
  }
  for (const lane of seen) drawName(pen, lane);
}

function drawName(pen, lane) {
  pen.fillStyle = ink.bg;
  pen.fillRect(0, lane.y, gutter - 1, lane.height - 1);
  pen.fillStyle = ink.hair;
  pen.fillRect(gutter - 1, lane.y, 1, lane.height);
  const node = nodes[lane.node];
  const middle = lane.band + lane.bandHeight / 2;
  if (!node) return label(pen, "no node yet", 10, lane.y + 10, gutter - 14, ink.dim);
  pen.fillStyle = ink.dim;
  pen.beginPath();
  if (lane.folded) {
    pen.moveTo(4, middle - 3.5), pen.lineTo(9, middle), pen.lineTo(4, middle + 3.5);
  } else {
    pen.moveTo(3, middle - 2.5), pen.lineTo(10, middle - 2.5), pen.lineTo(6.5, middle + 2.5);
  }
  pen.fill();
  label(pen, node.name, 14, middle, gutter - 18, ink.fg, node.manages ? BOLD : FONT);
  if (!lane.folded && lane.height > 32 && gutter > 80)
    label(pen, node.manages ? "manager" : "worker", 14, middle + 14, gutter - 18, ink.dim);
  hit({ type: "lane", node: lane.node }, 0, lane.y, gutter - 2, lane.y + lane.height - 1);
  return true;
}

// A node's life: whether it is there, what it is in Raft, and whose term it believes in.
function drawBand(pen, lane) {
  const middle = lane.band + lane.bandHeight / 2;
  const life = states[lane.node].filter(inWindow);
  for (const e of life) if (e.row.state !== "frozen") drawState(pen, lane, e, middle);
  for (const e of roles[lane.node]) if (inWindow(e)) drawRole(pen, lane, e, middle);
  for (const e of life) if (e.row.state === "frozen") drawState(pen, lane, e, middle);
}

function drawState(pen, lane, e, middle) {
  const [x0, x1] = clampX(e.t, e.end);
  if (e.row.state === "up" || e.row.state === "stopping") {
    pen.fillStyle = ink.edge;
    pen.fillRect(x0, middle - 0.5, x1 - x0, 1);
    if (e.row.state === "up") return;
  }
  if (e.row.state === "down") {
    pen.fillStyle = hatch(ink.edge, 5);
    pen.fillRect(x0, lane.band, x1 - x0, lane.bandHeight);
  } else if (e.row.state === "frozen") {
    pen.globalAlpha = 0.72;
    pen.fillStyle = ink.bg;
    pen.fillRect(x0, lane.band, x1 - x0, lane.bandHeight);
    pen.globalAlpha = 1;
    pen.fillStyle = hatch(ink.select, 5, true);
    pen.fillRect(x0, lane.band, x1 - x0, lane.bandHeight);
  }
  pen.strokeStyle = e.row.state === "frozen" ? ink.select : ink.edge;
  pen.setLineDash([]);
  pen.lineWidth = 1;
  pen.strokeRect(x0 + 0.5, lane.band + 0.5, Math.max(0, x1 - x0 - 1), lane.bandHeight - 1);
  words.push(() => boxed(pen, e.row.state, x0 + 5, middle, x1 - x0 - 10, lane.folded));
  hit(e, x0, lane.band, x1, lane.band + lane.bandHeight);
}

// Words on a hatch, with their own ground.
function boxed(pen, text, x, y, room, small) {
  pen.font = FONT;
  const wide = pen.measureText(text).width;
  if (wide > room || small) return;
  pen.fillStyle = ink.bg;
  pen.fillRect(x - 2, y - 6, wide + 4, 12);
  pen.fillStyle = ink.fg;
  pen.fillText(text, x, y);
}

// ... on a colour.
function onGround(pen, text, x, y, room, hue) {
  pen.font = BOLD;
  const wide = pen.measureText(text).width;
  if (wide > room) return;
  pen.fillStyle = hue;
  pen.fillRect(x - 2, y - 6, wide + 4, 12);
  pen.fillStyle = inkOn(hue);
  pen.fillText(text, x, y);
}

function drawRole(pen, lane, e, middle) {
  const [x0, x1] = clampX(e.t, e.end);
  const hue = hueOfTerm(e.row.term);
  const wide = Math.max(1, x1 - x0);
  if (e.row.role === "leader") {
    pen.fillStyle = hue;
    pen.fillRect(x0, lane.band, wide, lane.bandHeight);
    const text = wide < 92 ? `t${e.row.term}` : `leader \u00b7 term ${e.row.term}`;
    if (!lane.folded) words.push(() => onGround(pen, text, x0 + 5, middle + 0.5, wide - 8, hue));
  } else if (e.row.role === "follower") {
    pen.fillStyle = hue;
    pen.globalAlpha = 0.55;
    pen.fillRect(x0, middle - 1.5, wide, 3);
    pen.globalAlpha = 1;
  } else {
    pen.fillStyle = hatch(hue, 4);
    pen.fillRect(x0, lane.band, wide, lane.bandHeight);
    pen.strokeStyle = hue;
    pen.setLineDash([]);
    pen.strokeRect(x0 + 0.5, lane.band + 0.5, Math.max(0.5, wide - 1), lane.bandHeight - 1);
    words.push(() => boxed(pen, `asks for votes, term ${e.row.term}`, x0 + 5, middle, wide - 10, lane.folded));
  }
  pen.globalAlpha = 1;
  hit(e, x0, lane.band, x0 + wide, lane.band + lane.bandHeight);
}

const clampX = (t, end) => [Math.max(gutter, toX(t)), Math.min(width + 2, Math.max(toX(end), toX(t) + 0.5))];

function tint(pen, e) {
  const [x0, x1] = clampX(e.t, e.end);
  for (const node of e.nodes) {
    const lane = laneOf[node];
    if (!lane || !onScreen(lane)) continue;
    pen.fillStyle = ink.faultbg;
    pen.fillRect(x0, lane.y, Math.max(1, x1 - x0), lane.height - 1);
  }
}

// ---- messages

function messagesInWindow() {
  const from = view.t0 - longestFlight;
  let low = 0;
  let high = messages.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (messages[middle].t < from) low = middle + 1;
    else high = middle;
  }
  const out = [];
  for (let i = low; i < messages.length && messages[i].t <= view.t1; i++)
    if (messages[i].end >= view.t0 && isShown(messages[i])) out.push(messages[i]);
  return out;
}

function drawMessages(pen, some) {
  const heads = some.length < 500;
  for (const family of FAMILIES) {
    const look = FAMILY_LOOK[family];
    pen.strokeStyle = pen.fillStyle = look.colour;
    pen.lineWidth = look.width;
    for (const e of some) {
      if (e.family !== family) continue;
      const from = laneOf[e.row.from];
      const to = laneOf[e.row.to];
      if (!from || !to) continue;
      drawMessage(pen, e, from, to, look, heads);
    }
  }
  pen.setLineDash([]);
}

function drawMessage(pen, e, from, to, look, heads) {
  const x0 = toX(e.t);
  let x1 = toX(e.end);
  const y0 = from.band + from.bandHeight / 2;
  let y1 = to.band + to.bandHeight / 2;
  if (e.lost && e.row.fate !== "nobody there") {
    // It ends on its way: where, nobody knows.
    y1 = y0 + (y1 - y0) * 0.45;
    x1 = x0 + Math.min(14, (width - gutter) / 40);
  }
  if (from === to) y1 = y0 + from.bandHeight;
  pen.strokeStyle = look.colour;
  pen.lineWidth = look.width;
  pen.setLineDash(e.lost ? [3, 3] : look.dash);
  pen.beginPath();
  pen.moveTo(x0, y0);
  pen.lineTo(x1, y1);
  pen.stroke();
  if (e.lost) cross(pen, x1, y1, e.family === "heartbeat" ? 2.2 : 3.4, ink.bad, e.family === "heartbeat" ? 1.1 : 1.8);
  else if (heads && e.row.fate === "arrived") arrow(pen, x0, y0, x1, y1, look.colour);
  hit(e, x0, y0, x1, y1, true);
}

function arrow(pen, x0, y0, x1, y1, colour) {
  const angle = Math.atan2(y1 - y0, x1 - x0);
  pen.fillStyle = colour;
  pen.beginPath();
  pen.moveTo(x1, y1);
  pen.lineTo(x1 - 6 * Math.cos(angle - 0.38), y1 - 6 * Math.sin(angle - 0.38));
  pen.lineTo(x1 - 6 * Math.cos(angle + 0.38), y1 - 6 * Math.sin(angle + 0.38));
  pen.fill();
}

// How many messages each node sent or got, in columns of four pixels; lost ones at the bottom, in red.
const COLUMN = 4;
function drawTraffic(pen, some) {
  const columns = Math.ceil((width - gutter) / COLUMN) + 1;
  const counts = nodes.map(() => new Uint32Array(columns));
  const losses = nodes.map(() => new Uint32Array(columns));
  for (const e of some)
    for (const [node, t] of [[e.row.from, e.t], [e.row.to, e.end]]) {
      const column = Math.floor((toX(t) - gutter) / COLUMN);
      if (column < 0 || column >= columns) continue;
      counts[node][column] += 1;
      if (e.lost) losses[node][column] += 1;
    }
  const most = Math.max(1, ...counts.map((of) => of.reduce((a, b) => Math.max(a, b), 0)));
  for (const lane of lanes.filter(onScreen)) {
    if (lane.node < 0) continue;
    const tall = lane.folded ? lane.bandHeight : lane.trafficHeight;
    const bottom = lane.folded ? lane.band + tall : lane.traffic + tall;
    drawColumns(pen, counts[lane.node], most, bottom, tall, ink.edge);
    drawColumns(pen, losses[lane.node], most, bottom, tall, ink.bad);
    hit({ type: "traffic", node: lane.node, some }, gutter, bottom - tall, width, bottom);
  }
}
function drawColumns(pen, counts, most, bottom, tall, colour) {
  pen.fillStyle = colour;
  counts.forEach((count, column) => {
    if (!count) return;
    const h = Math.max(1.2, tall * Math.sqrt(count / most));
    pen.fillRect(gutter + column * COLUMN, bottom - h, COLUMN - 1, h);
  });
}
