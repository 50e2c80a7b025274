// Sweeps with their trials.

import { getJson } from "./api.js";
import { chart, colours } from "./chart.js";
import { h } from "./dom.js";
import { reportLink } from "./run.js";
import { metricName, shown } from "./runs.js";

const path = (name) => `/v1/sweeps/${encodeURIComponent(name)}`;

async function list(place, signal) {
  const { sweeps } = await getJson("/v1/sweeps", { signal });
  const row = (sweep) => h("tr", {}, h("td", { class: "name" }, h("a", { href: `#sweeps/${encodeURIComponent(sweep.name)}` }, sweep.name)),
    h("td", {}, metricName(sweep.metric)), h("td", { class: "number" }, shown(sweep.metric, sweep.best)), h("td", {}, sweep.summary));
  const head = ["Sweep", "Searched for", "Best", "Trials"].map((text, i) => h("th", { scope: "col", class: i === 2 ? "number" : undefined }, text));
  place.replaceChildren(h("h1", { id: "sweeps-title" }, "Sweeps"), sweeps.length === 0
    ? h("p", {}, "There are no sweeps in this server's folder. ", h("code", {}, "ferrotype sweep"), " makes them.")
    : h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Table of sweeps" },
      h("table", { class: "list" }, h("thead", {}, h("tr", {}, head)), h("tbody", {}, sweeps.map(row)))));
}

function text(value) {
  if (value === undefined) return "–";
  // 0.30000000000000004 is 0.3.
  if (typeof value === "number") return String(Number(value.toPrecision(6)));
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** The values of trials in the order of their numbers, and the best so far. */
function course(sweep) {
  const done = sweep.trials.filter((trial) => trial.value !== null && trial.state === "finished");
  // Ranks say which way is better.
  const [first, last] = [done.find((t) => t.rank === 1), [...done].sort((a, b) => b.rank - a.rank)[0]];
  const better = first && last && first.value < last.value ? Math.min : Math.max;
  let best;
  const so = done.map((t) => { best = best === undefined ? t.value : better(best, t.value); return [t.number, best]; });
  return chart("Trials", "trial", [
    { name: metricName(sweep.metric), points: done.map((t) => [t.number, t.value]), colour: colours[0], loose: true },
    { name: "best so far", points: so, colour: colours[1], dashed: true },
  ]);
}

function curves(sweep) {
  const best = sweep.trials.filter((t) => t.rank !== null && t.rank <= 5 && t.curve.length > 1).sort((a, b) => a.rank - b.rank);
  return chart("The best trials while they trained", "epoch", best.map((t, i) => ({ name: `trial ${t.number}`, points: t.curve, colour: colours[i] })));
}

async function one(place, name, signal) {
  const sweep = await getJson(path(name), { signal });
  const trials = [...sweep.trials].sort((a, b) => (a.rank ?? Infinity) - (b.rank ?? Infinity) || a.number - b.number);
  const heads = ["Rank", "Trial", "State", metricName(sweep.metric), "Epochs", ...sweep.keys];
  const isNumber = (i) => i < 2 || i === 3 || i === 4;
  const row = (t) => h("tr", {}, [t.rank ?? "–", t.number, t.reason ? `${t.state}: ${t.reason}` : t.state, shown(sweep.metric, t.value), t.epochs, ...sweep.keys.map((key) => text(t.settings[key]))]
    .map((value, i) => h("td", { class: isNumber(i) ? "number" : undefined }, String(value))));
  place.replaceChildren(h("p", { class: "crumb" }, h("a", { href: "#sweeps" }, "All sweeps")), h("h1", { id: "sweeps-title" }, sweep.name), h("p", {}, sweep.summary),
    h("p", {}, sweep.report && reportLink(`${path(name)}/report`, name)), h("div", { class: "charts" }, [course(sweep), curves(sweep)].filter(Boolean)), h("h2", {}, "Trials"),
    h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Table of trials" }, h("table", { class: "list" },
      h("thead", {}, h("tr", {}, heads.map((value, i) => h("th", { scope: "col", class: isNumber(i) ? "number" : undefined }, value)))), h("tbody", {}, trials.map(row)))));
}

export async function showSweeps(place, name, signal) {
  if (name) await one(place, name, signal);
  else await list(place, signal);
}
