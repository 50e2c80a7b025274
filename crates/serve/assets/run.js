// A run: scores, curves (live while it trains), its report; two runs side by side.

import { events, getBlob, getJson, token } from "./api.js";
import { chart, colours } from "./chart.js";
import { download, h } from "./dom.js";
import { metricName, shown } from "./runs.js";

const path = (name) => `/v1/runs/${encodeURIComponent(name)}`;
const number = (v) => (v === null || v === undefined ? NaN : v);

/** The curves of a history: losses, learning rate, and each score of the validation set. */
function series(history, { label = "", colour = 0, dashed = false } = {}) {
  const name = (text) => (label ? `${text}, ${label}` : text);
  const of = (f) => history.epochs.map((e) => [e.epoch, number(f(e))]).filter(([, v]) => Number.isFinite(v));
  const [c0, c1] = [colours[colour % 8], colours[(colour + 1) % 8]];
  const metrics = [...new Set(history.epochs.flatMap((e) => Object.keys(e.validation ?? {})))];
  return {
    Loss: [
      { name: name("steps"), points: history.steps.map((e) => [e.epoch, number(e.loss)]), colour: c0, faint: true },
      { name: name("training"), points: of((e) => e.train_loss), colour: c0, dashed },
      { name: name("validation"), points: of((e) => e.validation_loss), colour: c1, dashed },
    ],
    "Scores on the validation set": [
      ...metrics.slice(0, 5).map((metric, i) => ({ name: name(metricName(metric)), points: of((e) => e.validation?.[metric]), colour: colours[(i + (label ? colour : 1)) % 8], dashed })),
      { name: name("accuracy, training"), points: of((e) => e.train_accuracy), colour: colours[label ? (colour + 5) % 8 : 0], dashed: true },
    ],
    "Learning rate": [{ name: name("learning rate"), points: history.steps.map((e) => [e.epoch, number(e.lr)]), colour: c0, dashed }],
  };
}

function charts(all) {
  return Object.keys(all[0]).map((title) => chart(title, "epoch", all.flatMap((one) => one[title]).filter((one) => one.points.length > 0)));
}

function scores(sets) {
  const names = Object.keys(sets);
  if (names.length === 0) return h("p", { class: "quiet" }, "Not scored yet.");
  const metrics = [...new Set(names.flatMap((set) => Object.keys(sets[set])))];
  const cell = (score, metric) => [shown(metric, score?.value), score?.low != null && h("span", { class: "quiet" }, ` [${shown(metric, score.low)}, ${shown(metric, score.high)}]`)];
  return h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Scores" }, h("table", { class: "list" },
    h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "Score"), names.map((set) => h("th", { scope: "col", class: "number" }, set)))),
    h("tbody", {}, metrics.map((metric) => h("tr", {}, h("th", { scope: "row" }, metricName(metric)), names.map((set) => h("td", { class: "number" }, cell(sets[set][metric], metric))))))));
}

/** A link where the browser may follow it alone; with a token the file is fetched. */
export function reportLink(address, name) {
  if (!token()) return h("a", { href: address, target: "_blank", rel: "noopener" }, "Report");
  return h("button", { type: "button", onclick: async () => download(`${name.replaceAll("/", "-")}-report.html`, await getBlob(address)) }, "Download the report");
}

export async function showRun(place, name, signal) {
  const run = await getJson(path(name), { signal });
  const curves = h("div", { class: "charts" });
  const paint = () => curves.replaceChildren(...charts([series(run.history)]).filter(Boolean));
  const state = h("dd", { class: run.finished ? undefined : "state-live" }, run.state);
  paint();
  place.replaceChildren(h("p", { class: "crumb" }, h("a", { href: "#runs" }, "All runs")), h("h1", { id: "runs-title" }, run.name),
    h("dl", { class: "facts" }, h("dt", {}, "System"), h("dd", {}, run.system), h("dt", {}, "Model"), h("dd", {}, run.model), h("dt", {}, "State"), state,
      run.report && [h("dt", {}, "Report"), h("dd", {}, reportLink(`${path(name)}/report`, name))]),
    curves, h("h2", {}, "Scores"), scores(run.scores),
    h("details", {}, h("summary", {}, h("h2", { style: { display: "inline-block" } }, "Experiment file")), h("pre", { tabindex: 0 }, run.config)));
  if (run.finished) return;
  await events(`${path(name)}/events?from=${run.history.next}`, (event, data) => {
    if (event === "restart") Object.assign(run.history, { steps: [], epochs: [] });
    if (data.event === "step") run.history.steps.push(data);
    if (data.event === "epoch") run.history.epochs.push(data);
    state.textContent = event === "end" ? "finished: load the page again for its scores" : `training, epoch ${Number(run.history.steps.at(-1)?.epoch ?? 0).toFixed(1)}`;
    if (event === "end") state.classList.remove("state-live");
    schedule(paint);
  }, signal);
}

let waiting = false;
/** Many events in a moment are painted once. */
function schedule(paint) {
  if (waiting) return;
  waiting = true;
  requestAnimationFrame(() => { waiting = false; paint(); });
}

function difference(a, b, metric) {
  if (a === undefined || b === undefined) return "–";
  const text = shown(metric, Math.abs(b - a)).replace(" %", " points");
  return `${b >= a ? "+" : "−"}${text}`;
}

export async function compareRuns(place, names, signal) {
  const [a, b] = await Promise.all(names.map((name) => getJson(path(name), { signal })));
  const all = [series(a.history, { label: "A", colour: 0 }), series(b.history, { label: "B", colour: 3, dashed: true })];
  const sets = [...new Set([a, b].flatMap((run) => Object.keys(run.scores)))];
  const metrics = (set) => [...new Set([a, b].flatMap((run) => Object.keys(run.scores[set] ?? {})))];
  const rows = sets.flatMap((set) => metrics(set).map((metric) => {
    const [x, y] = [a, b].map((run) => run.scores[set]?.[metric]?.value);
    return h("tr", {}, h("th", { scope: "row" }, `${set}: ${metricName(metric)}`), h("td", { class: "number" }, shown(metric, x)), h("td", { class: "number" }, shown(metric, y)), h("td", { class: "number" }, difference(x, y, metric)));
  }));
  const changed = changes(a.config, b.config);
  place.replaceChildren(h("p", { class: "crumb" }, h("a", { href: "#runs" }, "All runs")), h("h1", { id: "runs-title" }, "Two runs"),
    h("dl", { class: "facts" }, [["A", a], ["B", b]].flatMap(([label, run]) => [h("dt", {}, label), h("dd", {}, h("a", { href: `#runs/${encodeURIComponent(run.name)}` }, run.name), ` – ${run.model}, ${run.state}`)])),
    h("div", { class: "charts" }, charts(all).filter(Boolean)), h("h2", {}, "Scores"),
    h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Scores of both" }, h("table", { class: "list" },
      h("thead", {}, h("tr", {}, ["Score", "A", "B", "B − A"].map((text, i) => h("th", { scope: "col", class: i > 0 ? "number" : undefined }, text)))), h("tbody", {}, rows))),
    h("p", { class: "quiet" }, "Whether a difference is more than chance, ", h("code", {}, "ferrotype compare"), " tells."),
    h("h2", {}, "What differs in the experiment files"),
    changed.length === 0 ? h("p", {}, "Nothing.") : h("pre", { tabindex: 0 }, changed.join("\n")));
}

/** Lines that only one of two texts has. */
function changes(a, b) {
  const [x, y] = [a.split("\n"), b.split("\n")];
  const [inX, inY] = [new Set(x), new Set(y)];
  return [...x.filter((l) => !inY.has(l)).map((l) => `A  ${l}`), ...y.filter((l) => !inX.has(l)).map((l) => `B  ${l}`)];
}
