// The panel: what happened, as a list that can be read aloud; or, of what was clicked, all that is known.

const panel = document.getElementById("panel");
const announce = document.getElementById("announce");
const MOST_TOLD = 400;

const MARKS = {
  broken: "\u2717", fault: "\u26a1", election: "\u2691", leads: "\u2605", state: "\u25a0", move: "\u25cf",
  note: "\u00b7", call: "\u2192", fetch: "\u2192", message: "\u2197", task: "\u25ac", role: "\u25ac",
};

function element(tag, text, attributes = {}) {
  const made = document.createElement(tag);
  if (text !== undefined) made.textContent = text;
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

function row(e) {
  const button = element("button", undefined, { class: e.bad || e.lost ? "event bad" : "event", type: "button" });
  button.append(element("span", timeText(e.t, 1e6), { class: "when" }));
  button.append(element("span", MARKS[e.type], { class: "mark", "aria-hidden": "true" }));
  button.append(element("span", titleOf(e), { class: "what" }));
  button.addEventListener("click", () => select(e));
  return button;
}
function list(events, most = MOST_TOLD) {
  const items = element("ol");
  for (const e of events.slice(0, most)) {
    const item = element("li");
    item.append(row(e));
    items.append(item);
  }
  if (events.length > most) items.append(element("li", `and ${events.length - most} more: filter, or zoom in`, { class: "dim" }));
  return items;
}

function tellStory() {
  panel.replaceChildren();
  const told = story.filter(isShown);
  const wrong = broken.filter(isShown);
  if (wrong.length) panel.append(element("h2", "What broke"), list(wrong));
  panel.append(element("h2", "What happened"));
  if (dropped) panel.append(element("p", `The ${dropped} oldest messages are not shown: only the last ${messages.length} were kept.`, { class: "dim" }));
  if (!told.length) panel.append(element("p", story.length ? "Nothing that the filters let through." : "No fault, no election, no failure.", { class: "dim" }));
  panel.append(folded(told));
}

// A crowd of members that come at once is one line, to be opened.
const CROWD = 4;
function folded(told) {
  const items = element("ol");
  let i = 0;
  while (i < told.length && items.childElementCount < MOST_TOLD) {
    let next = i;
    while (next < told.length && told[next].type === "note") next += 1;
    const item = element("li");
    if (next - i >= CROWD) {
      const more = element("details", undefined, { class: "crowd" });
      const what = element("summary");
      what.append(element("span", timeText(told[i].t, 1e6), { class: "when" }), element("span", "\u00b7", { class: "mark" }));
      what.append(element("span", `${next - i} changes of nodes and services`, { class: "what" }));
      more.append(what, list(told.slice(i, next)));
      item.append(more);
      i = next;
    } else {
      item.append(row(told[i]));
      i += 1;
    }
    items.append(item);
  }
  if (i < told.length) items.append(element("li", "and more: filter, or press n to walk through all", { class: "dim" }));
  return items;
}

// ---- one event

const WORDS = {
  message: (e) => ({
    "sent": timeText(e.t, 1e3),
    [e.row.fate === "arrived" ? "arrived" : "what became of it"]:
      e.row.fate === "arrived" ? `${timeText(e.end, 1e3)}, after ${spanText(e.end - e.t)}` : e.row.fate,
    "from": name(e.row.from),
    "to": name(e.row.to),
    "kind": `${e.word} (${e.family})`,
    "term": e.row.term || undefined,
    "index": e.row.index || undefined,
    "commit": e.row.commit || undefined,
    "carries": carries(e),
    "answer": e.row.refused ? "refused" : undefined,
    "copy": e.row.copy ? "the network made this copy" : undefined,
    "held": e.row.held ? "held back by a fault" : undefined,
    "says": e.row.text || undefined,
  }),
  role: (e) => ({ ...during(e), role: e.row.role, term: e.row.term, "its leader": name(e.row.leader) }),
  leads: (e) => ({ at: timeText(e.t, 1e3), node: name(e.nodes[0]), term: e.row.term }),
  election: (e) => ({ ...during(e), term: e.row.term, outcome: e.row.outcome }),
  state: (e) => ({ ...during(e), state: e.row.state, why: e.row.why }),
  task: (e) => ({
    ...during(e), task: e.row.task.name, id: e.row.task.id, service: e.row.task.service, image: e.row.task.image,
    slot: e.row.task.slot || undefined, state: e.row.state, "desired state": e.row.desired, error: e.row.error || undefined,
    ...Object.fromEntries(e.pieces.map((piece) => [`${piece.state} since`, timeText(piece.t, 1e3)])),
  }),
  move: (e) => ({
    at: timeText(e.t, 1e3), task: e.row.task.name, id: e.row.task.id, image: e.row.task.image, node: name(e.row.node),
    state: e.row.state, "desired state": e.row.desired, error: e.row.error || undefined,
  }),
  fault: (e) => ({ kind: e.row.kind, fault: e.row.text, ...during(e), until: e.row.ended < 0 ? "it was never healed" : timeText(e.end, 1e3) }),
  call: (e) => ({ ...during(e), request: `${e.row.method} ${e.row.path}`, status: e.row.status || undefined, error: e.row.error || undefined }),
  fetch: (e) => ({ ...during(e), port: e.row.port, status: e.row.status || undefined, task: e.row.task || undefined, error: e.row.error || undefined }),
  broken: (e) => ({ invariant: e.row.name, what: e.row.what, at: timeText(e.t, 1e3) }),
  note: (e) => ({ at: timeText(e.t, 1e3), [e.row.kind]: e.row.name, what: e.row.text }),
};
function during(e) {
  const open = e.end >= END && e.type !== "state";
  const out = { from: timeText(e.t, 1e3) };
  if (e.end > e.t) out.until = open ? "the end" : `${timeText(e.end, 1e3)}, after ${spanText(e.end - e.t)}`;
  if (e.nodes.length) out[e.nodes.length > 1 ? "nodes" : "node"] = e.nodes.map(name).join(", ");
  return out;
}
function carries(e) {
  const parts = [];
  if (e.row.count) parts.push(`${e.row.count} ${e.word === "append" ? "entries" : "things"}`);
  if (e.row.bytes) parts.push(sizeText(e.row.bytes));
  return parts.join(", ") || undefined;
}
function sizeText(bytes) {
  if (bytes < 1024) return `${bytes} bytes`;
  return bytes < 1 << 20 ? `${(bytes / 1024).toFixed(1)} KiB` : `${(bytes / (1 << 20)).toFixed(1)} MiB`;
}

function tellEvent(e) {
  panel.replaceChildren();
  const head = element("div", undefined, { class: "head" });
  const back = element("button", "\u2190 what happened", { class: "plain", type: "button" });
  back.addEventListener("click", () => select(null));
  head.append(back);
  panel.append(head, element("h2", titleOf(e), e.bad || e.lost ? { class: "bad" } : {}));
  const facts = element("dl");
  for (const [term, value] of Object.entries(WORDS[e.type](e))) {
    if (value === undefined) continue;
    facts.append(element("dt", term), element("dd", String(value)));
  }
  panel.append(facts);
  for (const [title, events] of around(e)) {
    if (!events.length) continue;
    panel.append(element("h3", title), list(events, 6));
  }
}

// What came before at the node that it comes from, and what came after at the node that it goes to.
function around(e) {
  const first = e.type === "message" ? e.row.from : e.nodes[0];
  const last = e.type === "message" ? e.row.to : e.nodes[0];
  const near = (node) => (one) => one !== e && (node === undefined || one.nodes.includes(node)) && isShown(one);
  const before = [];
  const after = [];
  const at = lowerBound(everything, e.t);
  for (let i = at; i >= 0 && before.length < 6; i--) {
    const one = everything[i];
    if (one && (one.type === "message" ? momentAt(one, first) : one.t) <= e.t && near(first)(one)) before.push(one);
  }
  for (let i = at; i < everything.length && after.length < 6; i++)
    if (everything[i].t >= (e.type === "message" ? e.end : e.t) && near(last)(everything[i])) after.push(everything[i]);
  const of = (node) => (node === undefined ? "" : ` at ${name(node)}`);
  return [[`Before${of(first)}`, before.reverse()], [`After${of(last)}`, after]];
}
const momentAt = (e, node) => (e.row.to === node ? e.end : e.t);
function lowerBound(events, t) {
  let low = 0;
  let high = events.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (events[middle].t < t) low = middle + 1;
    else high = middle;
  }
  return low;
}

function select(e, scroll = true) {
  selected = e;
  document.body.classList.toggle("has-selection", Boolean(e));
  if (!e) {
    tellStory();
    return redraw();
  }
  tellEvent(e);
  announce.textContent = `${timeText(e.t, 1e3)}: ${titleOf(e)}`;
  if (scroll) reveal(e);
  return redraw();
}
function reveal(e) {
  show(e.t, e.end);
  const lane = laneOf[e.nodes[0]];
  if (!lane) return;
  const y = lane.y - stage.scrollTop;
  if (y < 0 || y + lane.height > height - top0) stage.scrollTop = Math.max(0, lane.y - 40);
}
