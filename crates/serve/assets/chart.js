// Curves.

import { h, s } from "./dom.js";

export const colours = Array.from({ length: 8 }, (_, i) => `var(--c${i})`);

/** Round values between two. */
function ticks(low, high, count) {
  const rough = (high - low) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((n) => n * power).find((n) => n >= rough * 0.999) ?? rough;
  const all = [];
  for (let t = Math.ceil(low / step) * step; t <= high + step / 1e6; t += step) all.push(Number(t.toPrecision(12)));
  return all;
}

const short = (v) => (Math.abs(v) >= 1000 ? v.toLocaleString("en") : String(Number(v.toPrecision(4))));

const LEFT = 52;
const TOP = 8;
const [WIDTH, HEIGHT] = [520, 246];
const [RIGHT, BOTTOM] = [WIDTH - 10, HEIGHT - 40];

function line(series, x, y) {
  let path = "";
  let isDown = false;
  for (const [px, py] of series.points) {
    // What is no number leaves a gap.
    if (!Number.isFinite(py)) { isDown = false; continue; }
    path += `${isDown ? "L" : "M"}${x(px).toFixed(1)} ${y(py).toFixed(1)}`;
    isDown = true;
  }
  const style = { stroke: series.colour, strokeDasharray: series.dashed ? "6 4" : "", opacity: series.faint ? 0.45 : 1 };
  const dots = series.loose || (series.points.length < 40 && !series.faint) ? series.points.filter(([, v]) => Number.isFinite(v)) : [];
  return [!series.loose && s("path", { d: path, style }), dots.map(([px, py]) => s("circle", { cx: x(px), cy: y(py), r: 2.5, style: { fill: series.colour } }))];
}

/** A figure of curves: `series` are { name, points: [[x, y]], colour, dashed, faint }; of a `loose` one only the points. */
export function chart(title, xName, series) {
  const points = series.flatMap((one) => one.points).filter(([, y]) => Number.isFinite(y));
  if (points.length === 0) return null;
  const range = (k) => points.reduce(([a, b], p) => [Math.min(a, p[k]), Math.max(b, p[k])], [Infinity, -Infinity]);
  let [x0, x1] = range(0);
  let [y0, y1] = range(1);
  if (x0 === x1) [x0, x1] = [x0 - 0.5, x1 + 0.5];
  const pad = (y1 - y0) * 0.06 || Math.abs(y1) * 0.1 || 1;
  [y0, y1] = [y0 >= 0 ? Math.max(0, y0 - pad) : y0 - pad, y1 + pad];
  const x = (v) => LEFT + ((v - x0) / (x1 - x0)) * (RIGHT - LEFT);
  const y = (v) => BOTTOM - ((v - y0) / (y1 - y0)) * (BOTTOM - TOP);
  const last = series.filter((one) => !one.faint && one.points.length > 0).map((one) => `${one.name} ${short(one.points.at(-1)[1] ?? NaN)}`);
  const svg = s("svg", { class: "chart", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": `${title}. Last: ${last.join(", ")}` },
    ticks(y0, y1, 5).map((t) => [s("line", { class: "grid", x1: LEFT, x2: RIGHT, y1: y(t), y2: y(t) }),
      s("text", { x: LEFT - 6, y: y(t) + 4, "text-anchor": "end" }, short(t))]),
    ticks(x0, x1, 6).map((t) => s("text", { x: x(t), y: BOTTOM + 18, "text-anchor": "middle" }, short(t))),
    s("text", { x: (LEFT + RIGHT) / 2, y: HEIGHT - 3, "text-anchor": "middle" }, xName),
    series.map((one) => line(one, x, y)));
  const legend = h("ul", { class: "legend" }, series.map((one) => h("li", {},
    h("i", { class: one.dashed ? "dashed" : undefined, style: { borderColor: one.colour, opacity: one.faint ? 0.45 : 1 } }), one.name)));
  return h("figure", { class: "card" }, h("figcaption", {}, title), svg, legend);
}
