// Boxes, labels, landmarks and heat maps over a picture; the same drawn into a file.

import { s, percent } from "./dom.js";
import { headline } from "./values.js";

const PLATE = "#10181c";

/** What is written at a face: the first model's answer, or several in lines. */
export const labels = (face, models) =>
  models.map((model) => headline(face, model)).filter(Boolean).map(({ text, share }) =>
    share === undefined ? text : `${text} ${percent(share, 0)}`);

/** Lays the overlay exactly over the element that shows the picture. */
export function place(overlay, shown) {
  const [a, b] = [shown.getBoundingClientRect(), overlay.parentElement.getBoundingClientRect()];
  // Pictures keep their proportions within their element.
  const [w, h] = [shown.naturalWidth || shown.videoWidth || a.width, shown.naturalHeight || shown.videoHeight || a.height];
  const scale = Math.min(a.width / w, a.height / h);
  const [width, height] = [w * scale, h * scale];
  Object.assign(overlay.style, {
    left: `${a.left - b.left - 1 + (a.width - width) / 2}px`, top: `${a.top - b.top - 1 + (a.height - height) / 2}px`,
    width: `${width}px`, height: `${height}px`,
  });
}

/** From cold to hot, transparent where nothing speaks for the class. */
const heatColour = (v) => [255, Math.round(235 * (1 - v) + 20), Math.round(60 * (1 - v)), Math.round(200 * Math.min(1, v * 1.4))];

function heatCanvas(map) {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [map.width, map.height];
  const context = canvas.getContext("2d");
  const image = context.createImageData(map.width, map.height);
  const values = atob(map.values);
  for (let i = 0; i < values.length; i += 1) image.data.set(heatColour(values.charCodeAt(i) / 255), 4 * i);
  context.putImageData(image, 0, 0);
  return canvas;
}

/** The size of letters in pixels of the picture so that they can be read on the screen. */
const letters = (overlay, width) => (14 * width) / Math.max(overlay.getBoundingClientRect().width, 1);

/** Draws a picture's faces. `pick` is called with the number of the face that is chosen. */
export function draw(overlay, picture, { models, selected, heatOf, pick }) {
  const focused = overlay.contains(document.activeElement) ? document.activeElement.dataset.face : undefined;
  overlay.setAttribute("viewBox", `0 0 ${picture.width} ${picture.height}`);
  const size = letters(overlay, picture.width);
  const parts = picture.faces.map((face, i) => {
    const [l, t, r, b] = face.box;
    const lines = labels(face, models);
    const map = heatOf && face.heat_maps?.[heatOf];
    const box = { x: l, y: t, width: Math.max(r - l, 1), height: Math.max(b - t, 1) };
    const tall = lines.length * size * 1.3;
    // Above the face where there is room, else within it.
    const top = t - tall >= 0 ? t - tall : Math.max(t, 0);
    const wide = Math.max(0, ...lines.map((line) => line.length)) * size * 0.61 + size * 0.6;
    const left = Math.min(Math.max(l, 0), Math.max(picture.width - wide, 0));
    const group = s("g", {
      class: "face", tabindex: 0, role: "button", "data-face": i, "aria-pressed": i === selected,
      "aria-label": `Face ${i + 1}: ${lines.join(", ") || "no answer"}`,
      onclick: () => pick(i),
      onkeydown: (e) => { if (e.key === "Enter" || e.key === " ") { e.preventDefault(); pick(i); } },
    },
    map && s("image", {
      href: heatCanvas(map).toDataURL(), x: map.box[0], y: map.box[1], width: map.box[2] - map.box[0], height: map.box[3] - map.box[1],
      preserveAspectRatio: "none",
    }),
    s("rect", { class: "edge", ...box }), s("rect", { class: "frame", ...box }),
    i === selected && (face.points ?? []).map(([x, y]) => s("circle", { cx: x, cy: y, r: size / 9 })),
    lines.length > 0 && s("rect", { class: "plate", x: left, y: top, width: wide, height: tall }),
    lines.map((line, k) => s("text", { x: left + size * 0.3, y: top + size * (1.3 * k + 1), style: { fontSize: `${size}px` } }, line)));
    return group;
  });
  overlay.replaceChildren(...parts);
  if (focused !== undefined) overlay.querySelector(`[data-face="${focused}"]`)?.focus();
}

/** Paints a picture with boxes, labels and maps onto a canvas of its size. `source` is what the browser shows. */
export function paint(canvas, source, picture, { models, heatOf }) {
  const c = canvas.getContext("2d");
  c.drawImage(source, 0, 0, picture.width, picture.height);
  const size = Math.max(12, picture.width / 50);
  c.font = `600 ${size}px system-ui, sans-serif`;
  for (const face of picture.faces) {
    const [l, t, r, b] = face.box;
    const map = heatOf && face.heat_maps?.[heatOf];
    if (map) c.drawImage(heatCanvas(map), map.box[0], map.box[1], map.box[2] - map.box[0], map.box[3] - map.box[1]);
    for (const [colour, width] of [[PLATE, size / 4], ["#ffffff", size / 8]]) {
      [c.strokeStyle, c.lineWidth] = [colour, width];
      c.strokeRect(l, t, r - l, b - t);
    }
    const lines = labels(face, models);
    const tall = lines.length * size * 1.3;
    const top = t - tall >= 0 ? t - tall : Math.max(t, 0);
    const wide = Math.max(0, ...lines.map((line) => c.measureText(line).width)) + size * 0.6;
    c.fillStyle = PLATE;
    if (lines.length > 0) c.fillRect(Math.max(l, 0), top, wide, tall);
    c.fillStyle = "#ffffff";
    lines.forEach((line, k) => c.fillText(line, Math.max(l, 0) + size * 0.3, top + size * (1.3 * k + 1)));
  }
}

/** The same as a PNG file. */
export function annotated(source, picture, options) {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [picture.width, picture.height];
  paint(canvas, source, picture, options);
  return new Promise((resolve) => { canvas.toBlob(resolve, "image/png"); });
}
