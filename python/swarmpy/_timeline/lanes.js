// What is shown and where it lies: the filters, and one lane per node, from top to bottom.

const MANY_NODES = 12; // more: lanes begin folded
const MOST_ROWS = 6;

const shown = {
  nodes: nodes.map(() => true),
  families: new Set(FAMILIES),
  rows: new Set(["tasks", "requests", "faults", "notes"]),
  failuresOnly: false,
  words: [],
  unfolded: nodes.map(() => nodes.length <= MANY_NODES),
};

function matches(e) {
  if (shown.failuresOnly && !e.bad && !e.lost) return false;
  if (!shown.words.length) return true;
  const text = searchOf(e);
  return shown.words.every((word) => text.includes(word));
}
function isShown(e) {
  if (e.type === "message" && !shown.families.has(e.family)) return false;
  if ((e.type === "task" || e.type === "move") && !shown.rows.has("tasks")) return false;
  if ((e.type === "call" || e.type === "fetch") && !shown.rows.has("requests")) return false;
  if (e.type === "fault" && !shown.rows.has("faults")) return false;
  if (e.type === "note" && !shown.rows.has("notes")) return false;
  if (e.nodes.length && e.nodes.some((node) => !shown.nodes[node]) && (e.type !== "fault" || !e.nodes.some((node) => shown.nodes[node])))
    return false;
  return matches(e);
}

// ---- tasks in rows that do not overlap

function pack(bars) {
  const ends = [];
  return bars.map((bar) => {
    let row = ends.findIndex((end) => end <= bar.t);
    if (row < 0) row = ends.push(0) - 1;
    ends[row] = bar.end;
    return row;
  });
}
const tasksOf = nodes.map((_, node) => taskBars.filter((bar) => bar.nodes[0] === node));
const unplaced = taskBars.filter((bar) => !bar.nodes.length && bar.end - bar.t > 100e6);
const packed = [...tasksOf, unplaced].map((bars) => {
  const rows = pack(bars);
  return { bars, rows, count: rows.reduce((most, row) => Math.max(most, row + 1), 0) };
});
const requestsOf = nodes.map((_, node) => [...calls, ...fetches].filter((one) => one.row.node === node).sort(byTime));

// ---- lanes

let lanes = [];
let laneOf = [];
let lanesHeight = 0;
let scale = 1; // of the heights: more where there is room
let ROW = 11;

// `room`: how high the part of the page is in which they lie.
function layLanes(room = 0) {
  scale = 1;
  layAll();
  scale = Math.max(1, Math.min(1.8, room / lanesHeight));
  if (scale > 1) layAll();
}

function layAll() {
  ROW = Math.round(11 * Math.min(scale, 1.35));
  const managersFirst = [...nodes].sort((a, b) => b.manages - a.manages || a.index - b.index);
  lanes = [];
  laneOf = nodes.map(() => null);
  let y = 6;
  for (const node of managersFirst) {
    if (!shown.nodes[node.index]) continue;
    const lane = layLane(node.index, y);
    laneOf[node.index] = lane;
    lanes.push(lane);
    y += lane.height;
  }
  if (unplaced.length && shown.rows.has("tasks")) {
    const lane = { node: -1, y, band: y, bandHeight: 4, requests: 0, tasks: y + 6, folded: false };
    lane.rows = Math.min(packed[nodes.length].count, MOST_ROWS);
    lane.height = 6 + lane.rows * ROW + 8;
    lanes.push(lane);
    y += lane.height;
  }
  lanesHeight = y + 8;
}

function layLane(node, top) {
  const folded = !shown.unfolded[node];
  const lane = { node, y: top, folded, band: top + 3, bandHeight: (folded ? 10 : 15) * Math.min(scale, 1.3) };
  let y = lane.band + lane.bandHeight + 2;
  lane.traffic = y;
  lane.trafficHeight = folded ? 0 : 10 * scale;
  y += lane.trafficHeight;
  lane.requests = 0;
  if (shown.rows.has("requests") && requestsOf[node].length) {
    lane.requests = y + 1;
    y += folded ? 5 : 9;
  }
  const count = shown.rows.has("tasks") ? packed[node].count : 0;
  lane.rows = folded ? (count ? 1 : 0) : Math.min(count, MOST_ROWS);
  lane.more = folded ? 0 : Math.max(0, count - MOST_ROWS);
  lane.tasks = y + 1;
  y += lane.rows * (folded ? 6 : ROW) + (lane.more ? 11 : 0);
  lane.height = y - top + (folded ? 4 : 8 + 14 * (scale - 1) * 2);
  return lane;
}
