// The page comes to life.

const COLOURS = ["auto", "light", "dark"];
function switchTheme() {
  const root = document.documentElement;
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  const now = root.dataset.theme === "auto" ? (dark ? "dark" : "light") : root.dataset.theme;
  setTheme(now === "dark" ? "light" : "dark");
}
function setTheme(theme) {
  document.documentElement.dataset.theme = COLOURS.includes(theme) ? theme : "auto";
  readTheme();
  redraw();
}

function onButton(id, act) {
  document.getElementById(id).addEventListener("click", act);
}
function head() {
  const failure = document.getElementById("failure");
  if (broken.length) {
    failure.hidden = false;
    const e = broken[0];
    const button = element("button", `\u2717 ${e.row.name} is broken at ${timeText(e.t, 1e6)}: ${e.row.what}`, { type: "button" });
    button.addEventListener("click", () => select(e));
    failure.append(button);
  }
  if (!page.replay) return;
  const line = document.getElementById("replay");
  line.hidden = false;
  line.querySelector("code").textContent = page.replay;
  line.querySelector("button").addEventListener("click", async (click) => {
    click.target.textContent = (await copied(page.replay)) ? "copied" : "mark it and copy";
  });
}

// In a frame of a notebook nobody may write to the clipboard.
async function copied(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}

readTheme();
layLanes();
head();
makeFilters();
onButton("zoom-in", () => KEYS["+"]());
onButton("zoom-out", () => KEYS["-"]());
onButton("whole", wholeRun);
onButton("next-failure", () => KEYS.f());
onButton("theme", switchTheme);
document.getElementById("next-failure").disabled = !failures.length;
width = stage.clientWidth;
firstView();
tellStory();
draw();
drawOverview();
document.documentElement.dataset.drawn = performance.now().toFixed(1);

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => setTheme(document.documentElement.dataset.theme));
new ResizeObserver(redraw).observe(stage);

// For the console, and for tests.
window.timeline = {
  data: page, messages, faults, story, failures, everything, broken, view, shown, titleOf, select, setView, pick, toX, toT,
  get hits() { return hits; },
  get dense() { return dense; },
  get selected() { return selected; },
};
