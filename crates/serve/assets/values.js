// What models say of a face, as bars, planes and tables.

import { h, s, percent } from "./dom.js";

/** The heads of a model; one of classes where the model gives a class alone. Each with the names of its outputs in `said`. */
export function headsOf(model) {
  if (model.heads.length === 0) {
    return [{ name: "", kind: "classes", columns: model.outputs, keys: model.outputs }];
  }
  return model.heads.map((head) => ({ ...head, keys: head.columns.map((column) => `${head.name}.${column}`) }));
}

const hasClasses = (head) => head.kind === "classes" || head.kind === "distribution";

/** The answer in a word: the likeliest class with its share, else the strongest labels or the values. */
export function headline(face, model) {
  const said = face.heads?.[model.name];
  if (!said) return undefined;
  const heads = headsOf(model);
  const of = (head) => head.keys.map((key, i) => ({ text: head.columns[i], share: said[key] }));
  const classes = heads.find(hasClasses);
  const strongest = (head) => of(head).reduce((a, b) => (b.share > a.share ? b : a));
  if (classes) return strongest(classes);
  const labels = heads.find((head) => head.kind === "labels");
  if (labels) return strongest(labels);
  return { text: heads.flatMap(of).slice(0, 2).map(({ text, share }) => `${text} ${share.toFixed(2)}`).join(", ") };
}

function bars(caption, rows) {
  const body = rows.map(({ name, from, to, text, isTop, note }) => h("tr", { class: isTop ? "top-row" : undefined },
    h("th", { scope: "row", class: note ? "present" : undefined }, name),
    h("td", {}, h("div", { class: from > 0 ? "bar zero" : "bar", "aria-hidden": "true" },
      h("i", { style: { width: `${100 * Math.max(to - from, 0)}%`, left: from > 0 ? `${100 * from}%` : "" } }))),
    h("td", { class: "number" }, text)));
  return h("table", { class: "bars" }, h("caption", { class: "visually-hidden" }, caption), h("tbody", {}, body));
}

function shares(head, said, isOneOfAll) {
  const best = Math.max(...head.keys.map((key) => said[key]));
  return bars(head.name || "Classes", head.keys.map((key, i) => ({
    name: head.columns[i], from: 0, to: said[key], text: percent(said[key]), isTop: isOneOfAll ? said[key] === best : said[key] >= 0.5,
  })));
}

/** Values within their range; where zero lies within it, bars begin there. */
function values(head, said) {
  const [low, high] = head.range;
  const at = (v) => (v - low) / (high - low);
  const zero = Math.min(Math.max(at(0), 0), 1);
  return bars(head.name, head.keys.map((key, i) => {
    const v = at(said[key]);
    return { name: head.columns[i], from: Math.min(v, zero), to: Math.max(v, zero), text: said[key].toFixed(2) };
  }));
}

/** Valence to the right, arousal upwards. */
function plane(head, said, v, a) {
  const [low, high] = head.range;
  const at = (x) => ((x - low) / (high - low)) * 100;
  const [valence, arousal] = [said[head.keys[v]], said[head.keys[a]]];
  return s("svg", { class: "plane chart", viewBox: "-8 -12 116 126", role: "img",
    "aria-label": `Valence ${valence.toFixed(2)}, arousal ${arousal.toFixed(2)}` },
  s("rect", { x: 0, y: 0, width: 100, height: 100, fill: "none", class: "grid" }),
  s("line", { x1: at(0), y1: 0, x2: at(0), y2: 100, class: "grid" }), s("line", { x1: 0, y1: 100 - at(0), x2: 100, y2: 100 - at(0), class: "grid" }),
  s("text", { x: 50, y: -4, "text-anchor": "middle", style: { fontSize: "7px" } }, "arousal high"),
  s("text", { x: 50, y: 108, "text-anchor": "middle", style: { fontSize: "7px" } }, "arousal low"),
  s("text", { x: 1, y: 96 - at(0), style: { fontSize: "7px" } }, "unpleasant"),
  s("text", { x: 99, y: 96 - at(0), "text-anchor": "end", style: { fontSize: "7px" } }, "pleasant"),
  s("circle", { cx: at(valence), cy: 100 - at(arousal), r: 4.5, style: { fill: "var(--bar)", stroke: "var(--card)", strokeWidth: "1.5px" } }));
}

function headPart(head, said, isOnly) {
  const title = isOnly ? null : h("h3", {}, head.name);
  if (hasClasses(head)) return [title, shares(head, said, true)];
  if (head.kind === "labels") return [title, shares(head, said, false)];
  const find = (name) => head.columns.findIndex((column) => column.toLowerCase() === name);
  const [v, a] = [find("valence"), find("arousal")];
  return [title, v >= 0 && a >= 0 && plane(head, said, v, a), values(head, said)];
}

function card(face, model) {
  const said = face.heads?.[model.name];
  if (!said) return null;
  const best = headline(face, model);
  const heads = headsOf(model);
  return h("section", { class: "card", "aria-label": `Model ${model.name}` },
    h("header", {}, h("h2", {}, model.name), h("span", { class: "quiet" }, model.architecture)),
    heads.some(hasClasses) && h("p", { class: "verdict" }, `${best.text} `, h("span", { class: "quiet" }, percent(best.share))),
    heads.map((head) => headPart(head, said, heads.length === 1)),
    model.notes.map((note) => h("p", { class: "notice" }, note)));
}

/** OpenFace's units: intensities from 0 to 5, and whether they are there. */
function unitCard(units) {
  const names = [...new Set([...Object.keys(units.intensity), ...Object.keys(units.presence)])].sort();
  const rows = names.map((name) => ({
    name, from: 0, to: (units.intensity[name] ?? 0) / 5, text: units.intensity[name]?.toFixed(2) ?? "–", note: units.presence[name], isTop: units.presence[name],
  }));
  return h("section", { class: "card", "aria-label": "Action units" },
    h("header", {}, h("h2", {}, "Action units"), h("span", { class: "quiet" }, "intensity 0 to 5")), bars("Action units", rows));
}

/** Heads that are no model's: the strongest outputs of each; all of them are in the table. */
function partCard(name, said) {
  const strongest = Object.entries(said).filter(([, v]) => v >= 0.05).sort(([, a], [, b]) => b - a).slice(0, 12);
  const rows = strongest.map(([output, v]) => ({ name: output, from: 0, to: v, text: v.toFixed(2), isTop: v >= 0.5 }));
  return h("section", { class: "card", "aria-label": name }, h("header", {}, h("h2", {}, name), h("span", { class: "quiet" }, "0 to 1, the strongest")),
    rows.length > 0 ? bars(name, rows) : h("p", { class: "quiet" }, "None is stronger than 0.05."));
}

/** Names of heads that are no model's, with their outputs, over faces. */
export function partHeads(faces, models) {
  const found = {};
  for (const face of faces) {
    for (const [name, said] of Object.entries(face.heads ?? {})) {
      if (!models.some((model) => model.name === name)) found[name] ??= Object.keys(said);
    }
  }
  return Object.entries(found).filter(([, outputs]) => outputs.length > 0);
}

function poseCard(pose) {
  const degrees = pose.rotation.map((r) => `${((r * 180) / Math.PI).toFixed(0)}°`);
  return h("section", { class: "card", "aria-label": "Head pose" }, h("header", {}, h("h2", {}, "Head pose")),
    h("dl", { class: "facts" }, ["pitch", "yaw", "roll"].flatMap((name, i) => [h("dt", {}, name), h("dd", {}, degrees[i])])));
}

/** Everything that is said of a face, model beside model. */
export function panel(face, models) {
  return h("div", { class: "said" }, models.map((model) => card(face, model)),
    partHeads([face], models).map(([name]) => partCard(name, face.heads[name])),
    face.action_units && unitCard(face.action_units), face.pose && poseCard(face.pose));
}

/** A row for each face: where it is, and every value. */
export function table(pictures, models) {
  const parts = partHeads(pictures.flatMap((p) => p.faces), models).flatMap(([name, outputs]) => outputs.map((output) => [name, output]));
  const columns = models.flatMap((model) => model.outputs.map((output) => [model.name, output])).concat(parts);
  const units = [...new Set(pictures.flatMap((p) => p.faces.flatMap((f) => Object.keys(f.action_units?.intensity ?? {}))))].sort();
  const head = ["picture", "face", "left", "top", "right", "bottom", "score", ...columns.map((c) => c.join(".")), ...units];
  const rows = pictures.flatMap((picture) => picture.faces.map((face, i) => [
    picture.name, i + 1, ...face.box, face.score, ...columns.map(([model, output]) => face.heads?.[model]?.[output]),
    ...units.map((unit) => face.action_units?.intensity[unit]),
  ]));
  return [head, ...rows];
}
