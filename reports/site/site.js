"use strict";
// The whole script of the site: theme, tables that sort, the plot, the blind test.
// Pages are opened from disk, where nothing can be fetched: data stand in the pages themselves.

const at = (selector) => document.querySelector(selector);
const data = (id) => JSON.parse(document.getElementById(id).textContent);

// Storage may be refused to files; the page works without it.
const stored = {
  get: (key) => { try { return localStorage.getItem(key); } catch { return null; } },
  set: (key, value) => { try { localStorage.setItem(key, value); } catch { /* not kept */ } },
};

function startTheme() {
  const button = at("#theme");
  const system = matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => (document.documentElement.dataset.theme || (system.matches ? "dark" : "light")) === "dark";
  const show = () => button.setAttribute("aria-pressed", String(isDark()));
  const kept = stored.get("theme");
  if (kept === "dark" || kept === "light") document.documentElement.dataset.theme = kept;
  button.addEventListener("click", () => {
    document.documentElement.dataset.theme = isDark() ? "light" : "dark";
    stored.set("theme", document.documentElement.dataset.theme);
    show();
  });
  system.addEventListener("change", show);
  show();
}

// Tables: a head sorts by its column, first the better way; cells without a value stay last.
function startTable(table) {
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => {
    head.querySelector("button")?.addEventListener("click", () => {
      const first = head.dataset.better === "high" ? "descending" : "ascending";
      const other = first === "descending" ? "ascending" : "descending";
      const order = head.getAttribute("aria-sort") === first ? other : first;
      heads.forEach((cell) => cell.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", order);
      sortRows(table.tBodies[0], column, order === "ascending" ? 1 : -1);
    });
  });
}

function sortRows(body, column, sign) {
  const keyed = [...body.rows].map((row) => ({ row, key: row.cells[column].dataset.value }));
  const compare = (a, b) => {
    const [x, y] = [Number(a), Number(b)];
    return Number.isNaN(x) || Number.isNaN(y) ? a.localeCompare(b) : x - y;
  };
  keyed.sort((a, b) => {
    if (a.key === undefined || b.key === undefined) return (a.key === undefined) - (b.key === undefined);
    return sign * compare(a.key, b.key);
  });
  body.append(...keyed.map(({ row }) => row));
}

// The plot: an SVG made anew whenever a switch changes.
const SVG = "http://www.w3.org/2000/svg";
const WIDE = { width: 900, height: 520, left: 60, right: 150, top: 15, bottom: 60 };
const NARROW = { width: 440, height: 460, left: 44, right: 105, top: 10, bottom: 56 };
const phone = matchMedia("(max-width: 40rem)");
let BOX = WIDE;
const PESQ = { low: 1, high: 4.75 };

function element(name, attributes, ...children) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

function startPlot() {
  const drawn = data("plot-data");
  const form = at("#plot-form");
  const draw = () => drawPlot(drawn, form.elements.axis.value, form.elements.source.value);
  form.addEventListener("change", draw);
  form.addEventListener("submit", (event) => event.preventDefault());
  phone.addEventListener("change", draw);
  draw();
}

function showFamilies(points) {
  const families = new Map(points.map((point) => [point.family, point]));
  const inOrder = [...families.values()].sort((a, b) => a.family.localeCompare(b.family));
  at("#plot-families").replaceChildren(...inOrder.map((point) => {
    const label = document.createElement("span");
    const swatch = document.createElement("i");
    swatch.className = "swatch";
    swatch.style.background = point.colour;
    if (points.every((one) => one.family !== point.family || one.dashed)) swatch.style.borderStyle = "dashed";
    label.append(swatch, point.family);
    return label;
  }));
}

function drawPlot(drawn, axis, source) {
  BOX = phone.matches ? NARROW : WIDE;
  const points = drawn.points.filter((point) => point.source === source);
  const circles = points.filter((point) => point[axis] !== null);
  const lines = points.filter((point) => !point.network);
  const missing = points.filter((point) => point.network && point[axis] === null);
  at("#plot-said").textContent = "";
  at("#plot-missing").textContent = missing.length
    ? `Not drawn, not measured: ${missing.map((point) => point.codec).join(", ")}.` : "";
  const values = circles.map((point) => point[axis]);
  const low = Math.min(...values, 1e9), high = Math.max(...values, 1e-9);
  const [from, to] = circles.length ? [low / 2, high * 2] : [1, 1000];
  const x = (value) => BOX.left + (BOX.width - BOX.left - BOX.right) * Math.log(value / from) / Math.log(to / from);
  const y = (pesq) => BOX.height - BOX.bottom - (BOX.height - BOX.top - BOX.bottom) * (pesq - PESQ.low) / (PESQ.high - PESQ.low);
  const svg = element("svg", { viewBox: `0 0 ${BOX.width} ${BOX.height}`, role: "group", "aria-label": `PESQ against ${drawn.axes[axis]}` });
  svg.dataset.axis = axis;
  svg.append(...frame(drawn.axes[axis], x, y, from, to));
  if (!circles.length && !lines.length) {
    svg.append(element("text", { x: BOX.width / 2, y: BOX.height / 2, "text-anchor": "middle" }, "nothing was measured"));
  }
  const labels = apart(lines.map((point) => y(point.pesq)), 18);
  lines.forEach((point, i) => svg.append(line(point, y(point.pesq), labels[i])));
  showFamilies([...circles, ...lines]);
  circles.sort((a, b) => b.bitrate - a.bitrate);
  const places = circles.map((point) => ({ x: x(point[axis]), y: y(point.pesq), r: radius(point), width: 8 * point.label.length + 4 }));
  const sides = labelSides(places);
  circles.forEach((point, i) => svg.append(circle(point, places[i], sides[i], drawn.axes[axis], axis)));
  at("#plot").replaceChildren(svg);
}

function frame(label, x, y, from, to) {
  const parts = [];
  const bottom = BOX.height - BOX.bottom, right = BOX.width - BOX.right;
  for (let pesq = 1; pesq <= 4.5; pesq += 0.5) {
    parts.push(element("line", { class: "grid", x1: BOX.left, x2: right, y1: y(pesq), y2: y(pesq) }));
    parts.push(element("text", { x: BOX.left - 8, y: y(pesq) + 4, "text-anchor": "end" }, pesq.toFixed(1)));
  }
  for (let power = Math.floor(Math.log10(from)); power <= Math.log10(to); power += 1) {
    for (const digit of [1, 2, 5]) {
      const value = digit * 10 ** power;
      if (value < from || value > to) continue;
      parts.push(element("line", { class: "grid", x1: x(value), x2: x(value), y1: BOX.top, y2: bottom }));
      parts.push(element("text", { x: x(value), y: bottom + 20, "text-anchor": "middle" }, String(Number(value.toPrecision(2)))));
    }
  }
  parts.push(element("text", { x: (BOX.left + right) / 2, y: BOX.height - 12, "text-anchor": "middle" }, label));
  parts.push(element("text", { transform: `translate(16 ${(BOX.top + bottom) / 2}) rotate(-90)`, "text-anchor": "middle" }, "PESQ ↑"));
  return parts;
}

// What a point says when it is pointed at or reached by keyboard; a codec with a page links to it.
function spoken(point, cost) {
  const interval = point.low === null ? "" : ` [${point.low.toFixed(2)}, ${point.high.toFixed(2)}]`;
  return `${point.codec}: PESQ ${point.pesq.toFixed(2)}${interval}, ${Math.round(point.bitrate).toLocaleString("en")} bit/s${cost}`;
}

function reachable(point, text, ...children) {
  const group = point.page
    ? element("a", { href: point.page, "aria-label": text }, ...children)
    : element("g", { tabindex: 0, role: "img", "aria-label": text }, ...children);
  group.dataset.codec = point.codec;
  for (const event of ["focus", "pointerenter"]) {
    group.addEventListener(event, () => { at("#plot-said").textContent = text; });
  }
  return group;
}

const radius = (point) => 1.4 * Math.sqrt((0.026 * point.bitrate + 12) / Math.PI); // as in Figure 1

// The side of its circle on which each label hides least, as bench/report/figures/labels.py has it.
const LABEL_HEIGHT = 14;
const SIDES = {
  right: ({ x, y, r, width }) => [x + r, y - LABEL_HEIGHT / 2, x + r + width, y + LABEL_HEIGHT / 2],
  left: ({ x, y, r, width }) => [x - r - width, y - LABEL_HEIGHT / 2, x - r, y + LABEL_HEIGHT / 2],
  below: ({ x, y, r, width }) => [x - width / 2, y + r, x + width / 2, y + r + LABEL_HEIGHT],
  above: ({ x, y, r, width }) => [x - width / 2, y - r - LABEL_HEIGHT, x + width / 2, y - r],
};

function labelSides(places) {
  const around = places.map(({ x, y, r }) => [x - r, y - r, x + r, y + r]);
  const overlap = (a, b) => Math.max(0, Math.min(a[2], b[2]) - Math.max(a[0], b[0])) * Math.max(0, Math.min(a[3], b[3]) - Math.max(a[1], b[1]));
  const labels = [];
  return places.map((place, i) => {
    const taken = [...around.filter((_, j) => j !== i), ...labels];
    const hidden = (side) => taken.reduce((sum, box) => sum + overlap(SIDES[side](place), box), 0);
    const best = Object.keys(SIDES).reduce((a, b) => (hidden(b) < hidden(a) ? b : a));
    labels.push(SIDES[best](place));
    return best;
  });
}

function circle(point, { x: cx, y: cy, r }, side, label, axis) {
  const shift = { right: [r + 4, 4], left: [-r - 4, 4], below: [0, r + 13], above: [0, -r - 4] }[side];
  const text = spoken(point, `, ${Number(point[axis].toPrecision(3))} ${label.replace(/ [←→]$/, "")}`);
  return reachable(point, text,
    element("circle", { cx, cy, r, fill: point.colour, class: point.dashed ? "dashed" : "" }),
    element("text", {
      x: cx + shift[0], y: cy + shift[1], "aria-hidden": "true",
      "text-anchor": { right: "start", left: "end" }[side] || "middle",
    }, point.label));
}

function line(point, height, labelHeight) {
  const right = BOX.width - BOX.right;
  return reachable(point, spoken(point, ", no network"),
    element("line", { x1: BOX.left, x2: right, y1: height, y2: height, stroke: point.colour === "#000000" ? "currentColor" : point.colour, "stroke-width": 3, "stroke-dasharray": "9 6" }),
    element("text", { x: right + 8, y: labelHeight + 4, "aria-hidden": "true" }, point.codec));
}

// Heights of labels, moved apart until neighbours have room.
function apart(heights, least) {
  const order = heights.map((_, i) => i).sort((a, b) => heights[a] - heights[b]);
  const moved = [...heights];
  for (let pass = 0; pass < 50; pass += 1) {
    for (let i = 1; i < order.length; i += 1) {
      const [upper, lower] = [order[i - 1], order[i]];
      const overlap = least - (moved[lower] - moved[upper]);
      if (overlap > 0.01) { moved[upper] -= overlap / 2; moved[lower] += overlap / 2; }
    }
  }
  return moved;
}

// The blind test. A trial hides which version is A, which is B and which of them X is.
function startBlindTest() {
  const clips = data("abx-data");
  const [clip, one, other] = ["clip", "one", "other"].map((name) => at(`#abx-${name}`));
  const player = new Audio();
  let trial = null, right = 0, total = 0;

  const chance = () => Math.random() < 0.5;
  const versions = () => clips.find((found) => found.clip === clip.value).versions;
  const say = (text) => { at("#abx-said").textContent = text; };

  function fill() {
    const names = versions().map((version) => version.codec);
    for (const [select, index] of [[one, 0], [other, 1]]) {
      const kept = names.includes(select.value) ? select.value : names[index];
      select.replaceChildren(...names.map((name) => new Option(name, name, false, name === kept)));
    }
  }
  function begin() {
    player.pause();
    at("#abx-playing").textContent = "";
    const pair = [one.value, other.value].map((name) => versions().find((version) => version.codec === name));
    if (chance()) pair.reverse();
    trial = { A: pair[0], B: pair[1], X: chance() ? "A" : "B" };
  }
  function play(which) {
    player.pause();
    at("#abx-playing").textContent = which ? `Playing ${which}.` : "";
    if (!which) return;
    player.src = (which === "X" ? trial[trial.X] : trial[which]).audio;
    player.play().catch(() => say("This browser cannot play FLAC."));
  }
  function answer(which) {
    if (trial.A === trial.B) { say("Choose two different versions."); return; }
    total += 1;
    const correct = which === trial.X;
    if (correct) right += 1;
    const told = `X was ${trial.X}; A was ${trial.A.codec}, B was ${trial.B.codec}.`;
    say(`${correct ? "Right" : "Wrong"}. ${told} ${right} of ${total} right; guessing does as well with p = ${tail(right, total).toFixed(3)}.`);
    begin();
  }

  player.addEventListener("ended", () => { at("#abx-playing").textContent = ""; });
  const restart = () => { right = 0; total = 0; begin(); say("A new comparison."); };
  clip.addEventListener("change", () => { fill(); restart(); });
  one.addEventListener("change", restart);
  other.addEventListener("change", restart);
  at("#abx-form").addEventListener("submit", (event) => event.preventDefault());
  at("#abx").addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (button?.dataset.play !== undefined) play(button.dataset.play);
    if (button?.dataset.answer) answer(button.dataset.answer);
  });
  const keys = { a: () => play("A"), b: () => play("B"), x: () => play("X"), s: () => play(""), 1: () => answer("A"), 2: () => answer("B") };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("select, input, audio")) return;
    const act = keys[event.key.toLowerCase()];
    if (act) { event.preventDefault(); act(); }
  });
  fill();
  begin();
}

// The probability that guessing gets at least so many of n right.
function tail(right, n) {
  let term = 0.5 ** n, sum = 0;
  for (let k = 0; k <= n; k += 1) {
    if (k >= right) sum += term;
    term = term * (n - k) / (k + 1);
  }
  return Math.min(1, sum);
}

// One excerpt at a time; and a link into folded clips unfolds them.
function startPlayers() {
  const players = [...document.querySelectorAll("audio")];
  players.forEach((player) => player.addEventListener("play", () => {
    players.filter((one) => one !== player).forEach((one) => one.pause());
  }));
}

function unfold() {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  const folded = target?.closest("details");
  if (folded) { folded.open = true; target.scrollIntoView(); }
}

startTheme();
document.querySelectorAll("table.sortable").forEach(startTable);
startPlayers();
if (at("#plot-data")) startPlot();
if (at("#abx-data")) startBlindTest();
addEventListener("hashchange", unfold);
unfold();
