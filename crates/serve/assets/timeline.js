// What was said over the time of a video, as shades that can be clicked.

import { h, seconds, show } from "./dom.js";
import { headsOf, partHeads } from "./values.js";

/** The most stretches of time; a screen has not many more columns. */
const COLUMNS = 600;
/** The most persons, those of the most frames. */
const PERSONS = 8;

/** Rows of a person: what each is called, and its value of a face as a share between 0 and 1. */
function quantities(models, frames) {
  const rows = models.flatMap((model) => headsOf(model).flatMap((head) => head.keys.map((key, i) => ({
    group: [model.name, head.name].filter(Boolean).join(" · "),
    name: head.columns[i],
    share: (face) => {
      const value = face.heads?.[model.name]?.[key];
      return value === undefined || !head.range ? value : (value - head.range[0]) / (head.range[1] - head.range[0]);
    },
  }))));
  const parts = partHeads(frames.flatMap((f) => f.faces), models).flatMap(([group, outputs]) => outputs.map((name) => ({
    group, name, share: (face) => face.heads?.[group]?.[name],
  })));
  const units = frames.flatMap((f) => f.faces).find((face) => face.action_units)?.action_units.intensity ?? {};
  return rows.concat(parts, Object.keys(units).map((unit) => ({
    group: "Action units", name: unit, share: (face) => (face.action_units ? face.action_units.intensity[unit] / 5 : undefined),
  })));
}

function paint(canvas, frames, track, row, columnOf, columns) {
  const [sums, counts] = [new Float64Array(columns), new Uint32Array(columns)];
  for (const frame of frames) {
    const face = frame.faces.find((f) => f.track === track);
    const value = face && row.share(face);
    if (value !== undefined) {
      sums[columnOf(frame.time)] += value;
      counts[columnOf(frame.time)] += 1;
    }
  }
  [canvas.width, canvas.height] = [columns, 1];
  const context = canvas.getContext("2d");
  const shade = getComputedStyle(document.documentElement).getPropertyValue("--shade");
  for (let i = 0; i < columns; i += 1) {
    if (counts[i] === 0) continue;
    context.fillStyle = `rgba(${shade}, ${Math.min(Math.max(sums[i] / counts[i], 0), 1)})`;
    context.fillRect(i, 0, 1, 1);
  }
}

/** Fills `place`. `seek(time)` and `pick(track)` are called; gives `at(time)`, which moves the mark. */
export function timeline(place, results, models, { seek, pick }) {
  const { frames } = results;
  const end = Math.max(frames.at(-1)?.time ?? 0, 1e-3);
  const columns = Math.max(Math.min(COLUMNS, frames.length), 1);
  const columnOf = (time) => Math.min(Math.floor((time / end) * columns), columns - 1);
  const rows = quantities(models, frames);
  const groups = [...new Set(rows.map((row) => row.group))];
  const tracks = [...results.tracks].sort((a, b) => b.frames - a.frames).slice(0, PERSONS);
  const slider = h("input", {
    class: "seek", type: "range", min: 0, max: end, step: end / 1000, value: 0, "aria-label": "Time", oninput: () => seek(Number(slider.value)),
  });
  const clock = h("span", { class: "number" });
  const body = h("div");
  const choice = h("select", { "aria-label": "What the timeline shows", onchange: fill }, groups.map((group) => h("option", { value: group }, group)));
  function fill() {
    const shown = rows.filter((row) => row.group === choice.value);
    body.replaceChildren(...tracks.map((track) => h("section", { class: "track" },
      h("h3", {}, h("button", { type: "button", onclick: () => pick(track.track) }, `Person ${track.track}`)),
      h("div", { class: "rows" }, shown.flatMap((row) => {
        const canvas = h("canvas", { "aria-hidden": "true", onclick: (e) => { pick(track.track); seek((e.offsetX / canvas.clientWidth) * end); } });
        paint(canvas, frames, track.track, row, columnOf, columns);
        return [h("span", { title: row.name }, row.name), canvas];
      })))));
    if (tracks.length === 0) body.replaceChildren(h("p", { class: "quiet" }, "No face was found in the video."));
  }
  place.replaceChildren(h("div", { class: "toolbar" }, h("h2", { style: { margin: "0" } }, "Timeline"), groups.length > 1 && choice, clock), slider, body);
  fill();
  show(place, true);
  return {
    at(time) {
      slider.value = time;
      clock.textContent = `${seconds(time)} of ${seconds(end)}`;
      slider.setAttribute("aria-valuetext", clock.textContent);
    },
  };
}
