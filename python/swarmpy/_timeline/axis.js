// The window of time that is looked at, and how times are written.

const START = Math.min(told.since, END);
const LEAST_SPAN = 20_000; // 20 us

const view = { t0: START, t1: END };

function setView(t0, t1) {
  const whole = Math.max(END - START, LEAST_SPAN);
  const margin = whole * 0.02;
  const span = Math.min(Math.max(t1 - t0, LEAST_SPAN), whole + 2 * margin);
  let from = (t0 + t1 - span) / 2;
  from = Math.max(START - margin, Math.min(from, END + margin - span));
  view.t0 = from;
  view.t1 = from + span;
  redraw();
}
const wholeRun = () => setView(START - (END - START) * 0.02, END + (END - START) * 0.02);
function zoom(at, factor) {
  setView(at - (at - view.t0) * factor, at + (view.t1 - at) * factor);
}
function pan(part) {
  const by = (view.t1 - view.t0) * part;
  setView(view.t0 + by, view.t1 + by);
}
// So that `t` is seen, and some of what was before it.
function show(t, end = t) {
  const span = view.t1 - view.t0;
  if (t >= view.t0 + span * 0.05 && Math.min(end, t + span * 0.9) <= view.t1 - span * 0.05) return redraw();
  setView(t - span / 2, t + span / 2);
}

// The first look: where the run went wrong, with the faults that led there; else all of it.
function firstView() {
  if (!broken.length) return wholeRun();
  const at = broken[0].t;
  const before = faults.filter((one) => one.t <= at).slice(-2);
  const changed = stateRows.filter((row) => row.at <= at && row.state !== "up").slice(-1);
  const from = Math.min(at - 50e6, ...before.map((one) => one.t), ...changed.map((row) => row.at));
  const span = Math.min(Math.max(at - from, 200e6), Math.max(END - START, LEAST_SPAN));
  setView(at - span * 1.12, at + span * 0.12);
}

const STEPS = [1, 2, 5];
function tickStep(span, count) {
  const rough = span / Math.max(1, count);
  const power = 10 ** Math.floor(Math.log10(rough));
  for (const step of STEPS) if (step * power >= rough) return step * power;
  return 10 * power;
}
// Seconds, with as many digits as `grain` nanoseconds need.
function timeText(t, grain = 1e6) {
  const digits = Math.max(0, Math.min(9, Math.ceil(9 - Math.log10(Math.max(grain, 1)) - 1e-9)));
  return `${(t / 1e9).toFixed(digits)} s`;
}
const exact = (t) => timeText(t, (view.t1 - view.t0) / 2000);
function spanText(ns) {
  if (ns < 1e3) return `${ns} ns`;
  if (ns < 1e6) return `${(ns / 1e3).toFixed(ns < 1e4 ? 1 : 0)} us`;
  if (ns < 1e9) return `${(ns / 1e6).toFixed(ns < 1e7 ? 2 : 0)} ms`;
  return `${(ns / 1e9).toFixed(2)} s`;
}
