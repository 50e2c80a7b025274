// The list of runs.

import { getJson } from "./api.js";
import { h, percent } from "./dom.js";

const address = (...names) => `#runs/${names.map(encodeURIComponent).join("/")}`;

/** Scores that are shares by their names; anything else is shown as it is. */
const isShare = (metric) => /accuracy|uar|f1|recall|precision|share/.test(metric);
export const shown = (metric, value) => {
  if (value === undefined || value === null) return "–";
  return isShare(metric) ? percent(value, 2) : value.toFixed(4);
};
/** Names as people write them. */
export const metricName = (metric) => ({ uar: "UAR", macro_f1: "macro F1", ece: "ECE", nll: "NLL" }[metric] ?? metric.replaceAll("_", " "));

function sorted(runs, { key, down }) {
  const value = (run) => (key.startsWith("score:") ? run.scores[key.slice(6)] : run[key]);
  return [...runs].sort((a, b) => {
    const [x, y] = [value(a), value(b)];
    // What has no score stands last, however it is sorted.
    if (x === undefined || y === undefined) return (x === undefined) - (y === undefined);
    const order = typeof x === "number" ? x - y : String(x).localeCompare(String(y), "en", { numeric: true });
    return down ? -order : order;
  });
}

export async function showRuns(place, signal) {
  const { runs } = await getJson("/v1/runs", { signal });
  const count = (metric) => runs.filter((run) => run.scores[metric] !== undefined).length;
  const all = [...new Set(runs.flatMap((run) => Object.keys(run.scores)))].sort((a, b) => count(b) - count(a)).slice(0, 5);
  const chosen = new Set();
  let order = { key: "name", down: false };
  const body = h("tbody");
  const compare = h("button", { type: "button", class: "primary", disabled: true, onclick: () => { location.hash = address(...chosen); } }, "Compare two");
  const filter = h("input", { type: "search", placeholder: "Part of a name or model", "aria-label": "Filter runs", oninput: fill });
  const columns = [["name", "Run"], ["model", "Model"], ["state", "State"], ...all.map((metric) => [`score:${metric}`, metricName(metric)])];
  const heads = columns.map(([key, text]) => h("th", { scope: "col", class: key.startsWith("score:") ? "number" : undefined, "data-key": key },
    h("button", { type: "button", onclick: () => { order = { key, down: order.key === key ? !order.down : key.startsWith("score:") }; fill(); } }, text)));
  function tick(run, box) {
    if (box.checked) chosen.add(run.name);
    else chosen.delete(run.name);
    compare.disabled = chosen.size !== 2;
  }
  function row(run) {
    const box = h("input", { type: "checkbox", checked: chosen.has(run.name), "aria-label": `Compare ${run.name}`, onchange: () => tick(run, box) });
    return h("tr", {}, h("td", {}, box), h("td", { class: "name" }, h("a", { href: address(run.name) }, run.name)), h("td", {}, run.model),
      h("td", { class: run.finished ? undefined : "state-live" }, run.state),
      all.map((metric) => h("td", { class: "number" }, shown(metric, run.scores[metric]))));
  }
  function fill() {
    const wanted = filter.value.trim().toLowerCase();
    const found = runs.filter((run) => `${run.name} ${run.model} ${run.system}`.toLowerCase().includes(wanted));
    heads.forEach((head) => {
      if (head.dataset.key === order.key) head.setAttribute("aria-sort", order.down ? "descending" : "ascending");
      else head.removeAttribute("aria-sort");
    });
    body.replaceChildren(...sorted(found, order).map(row));
  }
  fill();
  place.replaceChildren(h("h1", { id: "runs-title" }, "Runs"), ...(runs.length === 0
    ? [h("p", {}, "There are no runs in this server's folder yet. ", h("code", {}, "ferrotype train"), " makes them.")]
    : [h("div", { class: "toolbar" }, filter, compare, h("span", { class: "quiet" }, `${runs.length} runs; scores of the test sets`)),
      h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Table of runs" },
        h("table", { class: "list" }, h("thead", {}, h("tr", {}, h("th", { scope: "col" }, h("span", { class: "visually-hidden" }, "Compare")), heads)), body))]));
}
