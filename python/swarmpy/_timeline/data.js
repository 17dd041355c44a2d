// The run as the page needs it, made from the chronicle's tables. Times are nanoseconds since the world began.
// An event is {type, t, end, nodes, row, bad, lost}; `row` is what the chronicle says of it.

const page = JSON.parse(document.getElementById("run").textContent);
const told = page.chronicle;

function objects(table) {
  return table.rows.map((row) => {
    const one = {};
    for (let i = 0; i < table.columns.length; i++) one[table.columns[i]] = row[i];
    return one;
  });
}

function event(type, t, end, nodes, row, more) {
  return { type, t, end, nodes, row, bad: false, lost: false, ...more };
}

const END = Math.max(told.now, ...told.broken.rows.map((row) => row[0]));
const nodes = told.nodes.map((node, index) => ({ ...node, index, label: node.name }));

// ---- messages: by the time of sending

const taskNames = new Map(told.tasks.map((task) => [task.id, task.name]));
const named = (text) => text.replace(/\b[a-z0-9]{25}\b/g, (id) => taskNames.get(id) ?? id);
const NEVER_CAME = new Set(["lost", "cut", "nobody there"]);
const messages = objects(told.messages).map((row) => {
  const kind = told.kinds[row.kind];
  if (row.text) row.text = named(row.text);
  return event("message", row.sent, Math.max(row.sent, row.ended), [row.from, row.to], row, {
    family: kind.family,
    word: kind.word,
    lost: NEVER_CAME.has(row.fate),
  });
});
messages.sort((a, b) => a.t - b.t);
const longestFlight = messages.reduce((most, one) => Math.max(most, one.end - one.t), 0);
const FAMILIES = ["election", "log", "heartbeat", "dispatcher", "membership", "api", "output"];

// ---- spans: what a node is from one moment to the next

function spans(rows, lasts) {
  const out = nodes.map(() => []);
  const open = nodes.map(() => null);
  for (const row of rows) {
    const last = open[row.node];
    if (last) last.end = row.at;
    open[row.node] = lasts(row) ? { t: row.at, end: END, row } : null;
    if (open[row.node]) out[row.node].push(open[row.node]);
  }
  return out;
}
const roleRows = objects(told.roles);
const stateRows = objects(told.states);
const roles = spans(roleRows, (row) => row.role !== "").map((of) =>
  of.map((span) => event("role", span.t, span.end, [span.row.node], span.row)),
);
const states = spans(stateRows, () => true).map((of) =>
  of.map((span) => event("state", span.t, span.end, [span.row.node], span.row, { bad: false })),
);

// ---- elections: from the first vote that a node asks for until it leads, or gives up

function findElections() {
  const found = [];
  const open = nodes.map(() => null);
  for (const row of roleRows) {
    const asks = row.role === "candidate" || row.role === "pre-candidate";
    const now = open[row.node];
    if (asks && now) now.row.term = Math.max(now.row.term, row.term);
    if (asks && !now) {
      open[row.node] = event("election", row.at, END, [row.node], { term: row.term, outcome: "goes on" });
      found.push(open[row.node]);
    }
    if (asks || !now) continue;
    now.end = row.at;
    now.row.outcome = row.role === "leader" ? "won" : row.role === "follower" ? "not won" : "ended with the node";
    now.row.term = Math.max(now.row.term, row.term);
    open[row.node] = null;
  }
  return found;
}
const elections = findElections();
const leads = roleRows.filter((row) => row.role === "leader").map((row) =>
  event("leads", row.at, row.at, [row.node], row),
);

// ---- tasks: one bar per task and node, of pieces with one state each

const UNHAPPY = new Set(["failed", "rejected", "orphaned"]);
const OVER = new Set(["complete", "shutdown", "failed", "rejected", "orphaned"]);

function findTasks() {
  const bars = [];
  const moves = [];
  const lastState = new Map();
  const open = new Map();
  for (const row of objects(told.moves)) {
    const bar = open.get(row.task);
    const over = row.removed || OVER.has(row.state);
    const changed = lastState.get(row.task) !== row.state; // a failed one is written again: wished away, removed
    lastState.set(row.task, row.state);
    if (bar) {
      bar.pieces[bar.pieces.length - 1].end = row.at;
      bar.end = row.at;
      bar.row.state = row.state;
      bar.row.desired = row.desired;
      if (row.error) bar.row.error = row.error;
    }
    const task = told.tasks[row.task];
    const move = event("move", row.at, row.at, row.node < 0 ? [] : [row.node], { ...row, task }, {
      bad: changed && UNHAPPY.has(row.state),
    });
    moves.push(move);
    if (over) {
      open.delete(row.task);
      continue;
    }
    const piece = { t: row.at, end: END, state: row.state };
    if (bar && bar.nodes[0] === (row.node < 0 ? undefined : row.node)) {
      bar.end = END;
      bar.pieces.push(piece);
      continue;
    }
    const begun = event("task", row.at, END, row.node < 0 ? [] : [row.node], { ...row, task }, { pieces: [piece] });
    bars.push(begun);
    open.set(row.task, begun);
  }
  return { bars, moves };
}
const { bars: taskBars, moves } = findTasks();
for (const bar of taskBars) bar.bad = UNHAPPY.has(bar.row.state);

// Letters for the versions of services that have several.
const versionsOf = new Map();
for (const task of told.tasks) {
  const known = versionsOf.get(task.service) ?? [];
  if (!known.includes(task.version)) known.push(task.version);
  versionsOf.set(task.service, known.sort((a, b) => a - b));
}
const versionOf = (task) => versionsOf.get(task.service).indexOf(task.version);
function taskLabel(task) {
  const many = versionsOf.get(task.service).length > 1;
  return many ? `${task.name} ${String.fromCharCode(65 + (versionOf(task) % 26))}` : task.name;
}

// ---- the rest

const failedRequest = (row) => row.ended >= 0 && (row.status === 0 || row.status >= 400);
const requestOf = (type) => (row) =>
  event(type, row.at, row.ended < 0 ? END : row.ended, [row.node], row, { bad: failedRequest(row) });
const calls = objects(told.calls).map(requestOf("call"));
const fetches = objects(told.fetches).map(requestOf("fetch"));
const faults = objects(told.faults).map((row) =>
  event("fault", row.at, row.ended < 0 ? END : row.ended, row.nodes, row),
);
const broken = objects(told.broken).map((row) =>
  event("broken", row.at, row.at, row.node < 0 ? [] : [row.node], row, { bad: true }),
);
const notes = objects(told.notes).map((row) =>
  event("note", row.at, row.at, row.node < 0 ? [] : [row.node], row),
);
const changesOfState = stateRows.map((row) => event("state", row.at, row.at, [row.node], row));
const byTime = (a, b) => a.t - b.t;

// What a person would tell of the run, and what `f` goes through.
const story = [
  ...broken,
  ...faults,
  ...elections,
  ...leads,
  ...notes,
  ...changesOfState.filter((one) => one.row.why !== "added" && one.row.why !== "when the recording began"),
  ...moves.filter((one) => one.bad),
  ...[...calls, ...fetches].filter((one) => one.bad),
].sort(byTime);
const failures = story.filter((one) => one.bad);
const everything = [...messages, ...story.filter((one) => !one.bad || one.type === "broken"), ...moves, ...calls, ...fetches]
  .sort(byTime);
const dropped = told.messages.dropped;

// ---- what a part of the page says of an event

const name = (index) => (index >= 0 && index < nodes.length ? nodes[index].name : "nobody");

const TITLES = {
  message: (e) => `${e.word}  ${name(e.row.from)} \u2192 ${name(e.row.to)}`,
  role: (e) => `${name(e.nodes[0])} is ${e.row.role}, term ${e.row.term}`,
  leads: (e) => `${name(e.nodes[0])} leads, term ${e.row.term}`,
  election: (e) => `${name(e.nodes[0])} asks for votes, term ${e.row.term}: ${e.row.outcome}`,
  state: (e) => `${name(e.nodes[0])} is ${e.row.state}: ${e.row.why}`,
  task: (e) => `${taskLabel(e.row.task)} on ${name(e.nodes[0] ?? -1)}`,
  move: (e) => `${taskLabel(e.row.task)} is ${e.row.removed ? "removed" : e.row.state}` + (e.row.node >= 0 && !e.row.removed ? ` on ${name(e.row.node)}` : "") + (e.row.error ? `: ${e.row.error}` : ""),
  fault: (e) => e.row.text || e.row.kind,
  call: (e) => `${e.row.method} ${e.row.path} at ${name(e.row.node)}: ${answer(e.row)}`,
  fetch: (e) => `request at ${name(e.row.node)}:${e.row.port}: ${answer(e.row)}`,
  broken: (e) => `${e.row.name} is broken: ${e.row.what}`,
  note: (e) => `${e.row.kind} ${e.row.name} ${e.row.text}`,
};
function answer(row) {
  if (row.ended < 0) return "not answered yet";
  return row.status ? `status ${row.status}` : row.error || "no answer";
}
const titleOf = (e) => TITLES[e.type](e);

function searchOf(e) {
  if (e.search === undefined) {
    const error = e.row.error ?? e.row.why ?? e.row.text ?? "";
    e.search = `${e.type} ${e.family ?? ""} ${e.row.fate ?? ""} ${titleOf(e)} ${error}`.toLowerCase();
  }
  return e.search;
}
