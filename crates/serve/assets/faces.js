// Pictures: chosen, dropped or pasted; what the models say of their faces.

import { predict } from "./api.js";
import { startCamera, stopCamera, isCameraOn } from "./camera.js";
import { $, alertUser, csv, download, h, show } from "./dom.js";
import { annotated, draw, place } from "./overlay.js";
import { panel, table } from "./values.js";
import { openVideo, closeVideo } from "./video.js";

/** What is shown: `source` is the element with the picture, `picture` what was said of it, `results` what is downloaded. */
const view = { server: null, items: [], at: 0, face: 0, source: null, picture: null, results: null, work: null };

const chosenModels = () => {
  const names = [...document.querySelectorAll("#models input:checked")].map((input) => input.value);
  return view.server.models.filter((model) => names.includes(model.name));
};
const heatOf = () => ($("heat").checked ? $("heat-model").value : undefined);

export function start(server) {
  if (view.server) return;
  view.server = server;
  $("models").append(...server.models.map((model) => h("label", { class: "check" },
    h("input", { type: "checkbox", value: model.name, checked: true, onchange: again }), model.name)));
  const withMaps = server.models.filter((model) => model.heat_map);
  show($("models"), server.models.length > 1);
  show($("heat").parentElement, withMaps.length > 0);
  $("heat-model").append(...withMaps.map((model) => h("option", { value: model.name }, model.name)));
  show($("kept"), server.keeps);
  show($("not-kept"), !server.keeps);
  $("heat").addEventListener("change", () => { show($("heat-of"), $("heat").checked && withMaps.length > 1); again(); });
  $("heat-model").addEventListener("change", redraw);
  $("choose").addEventListener("click", () => $("file").click());
  $("file").addEventListener("change", () => { take([...$("file").files]); $("file").value = ""; });
  $("webcam").addEventListener("click", () => (isCameraOn() ? leave() : live()));
  $("save-json").addEventListener("click", () => download("faces.json", JSON.stringify(view.results, null, 2), "application/json"));
  $("save-csv").addEventListener("click", () => download("faces.csv", csv(table(view.results.pictures, chosenModels())), "text/csv"));
  $("save-picture").addEventListener("click", async () => {
    download("faces.png", await annotated(view.source, view.picture, { models: chosenModels(), heatOf: heatOf() }));
  });
  dropping();
  addEventListener("paste", (e) => { if (e.clipboardData.files.length > 0) take([...e.clipboardData.files]); });
  new ResizeObserver(redraw).observe($("stage"));
  if (server.models.length === 0) $("status").textContent = "This server has no model: faces are found, and nothing is said of them.";
}

function dropping() {
  const stage = $("stage");
  // Files that miss the stage would replace the page.
  for (const name of ["dragover", "drop"]) addEventListener(name, (e) => e.preventDefault());
  stage.addEventListener("dragover", () => { stage.dataset.over = "true"; });
  stage.addEventListener("dragleave", () => { delete stage.dataset.over; });
  stage.addEventListener("drop", (e) => { delete stage.dataset.over; take([...e.dataTransfer.files]); });
}

const isVideo = (file) => file.type.startsWith("video/") || /\.(mkv|avi|mov|m4v)$/i.test(file.name);

/** Shows one element of the stage, or none. */
function stageShows(id) {
  for (const name of ["still", "clip", "live"]) show($(name), name === id);
  $("stage").dataset.state = id ?? "empty";
  view.source = id ? $(id) : null;
}

function reset() {
  view.work?.abort();
  view.work = new AbortController();
  stopCamera();
  closeVideo();
  view.items.forEach((item) => URL.revokeObjectURL(item.url));
  Object.assign(view, { items: [], at: 0, face: 0, picture: null, results: null });
  $("webcam").textContent = "Start webcam";
  $("webcam").setAttribute("aria-pressed", "false");
  $("said").replaceChildren();
  $("face-tabs").replaceChildren();
  $("more-files").replaceChildren();
  for (const id of ["save-json", "save-csv"]) show($(id), true);
  for (const id of ["downloads", "overlay", "strip"]) show($(id), false);
  $("status").textContent = "";
  alertUser();
}

/** Files of the user's choice: a video, or pictures. */
async function take(files) {
  if (files.length === 0) return;
  reset();
  const video = files.find(isVideo);
  if (video) {
    stageShows("clip");
    await guarded(() => openVideo(video, { server: view.server, models: chosenModels, shows, signal: view.work.signal }));
    return;
  }
  view.items = files.slice(0, view.server.limits.pictures).map((blob) => ({ blob, name: blob.name, url: URL.createObjectURL(blob) }));
  if (files.length > view.items.length) alertUser(`The first ${view.items.length} pictures are looked at: that is the limit of a request.`);
  const size = view.items.reduce((sum, { blob }) => sum + blob.size, 0);
  if (size > view.server.limits.body_bytes) {
    alertUser(`These pictures have ${(size / 2 ** 20).toFixed(0)} MiB; a request may have ${(view.server.limits.body_bytes / 2 ** 20).toFixed(0)}.`);
    view.items = [];
    return;
  }
  await ask();
}

async function guarded(work) {
  try {
    await work();
  } catch (error) {
    if (error.name === "AbortError" || error.status === 401) return;
    $("status").textContent = "";
    alertUser(error.message);
  }
}

/** Asks for all pictures in one request. */
const ask = () => guarded(async () => {
  stageShows("still");
  $("still").src = view.items[view.at].url;
  $("status").textContent = "Looking …";
  const models = chosenModels();
  view.results = await predict(view.items, models.map((m) => m.name), Boolean(heatOf()), view.work.signal);
  show($("downloads"), true);
  show($("strip"), view.items.length > 1);
  pictureTabs();
  await showPicture(view.at);
});

function again() {
  if (view.items.length > 0) ask();
  else redraw();
}

function pictureTabs() {
  $("strip").replaceChildren(...view.items.map((item, i) => h("button", {
    type: "button", "aria-pressed": i === view.at, "aria-label": `Picture ${i + 1}: ${item.name}`, onclick: () => showPicture(i),
  }, h("img", { src: item.url, alt: "" }))));
}

async function showPicture(at) {
  Object.assign(view, { at, face: 0 });
  const still = $("still");
  const picture = view.results.pictures[at];
  still.src = view.items[at].url;
  still.alt = picture.name;
  still.classList.toggle("small", picture.width < 320);
  // A form that the browser does not know (TIFF) has its values all the same.
  await still.decode().catch(() => alertUser("The browser cannot show this form of picture; the values are of it all the same."));
  [...$("strip").children].forEach((button, i) => button.setAttribute("aria-pressed", String(i === at)));
  shows(picture);
}

/** Shows what was said of a picture, or of a frame. `keep` leaves the status alone. */
export function shows(picture, { keep = false, names, face } = {}) {
  view.picture = picture;
  view.names = names;
  if (face !== undefined) view.face = face;
  view.face = Math.min(view.face, Math.max(picture.faces.length - 1, 0));
  const n = picture.faces.length;
  const found = n === 0 ? "No face was found." : `${n} ${n === 1 ? "face" : "faces"}.`;
  if (!keep) $("status").textContent = [found, ...(picture.notes ?? [])].join(" ");
  redraw();
}

function redraw() {
  const { picture, source } = view;
  show($("overlay"), Boolean(picture && source));
  if (!picture || !source) return;
  place($("overlay"), source);
  const pick = (i) => { view.face = i; redraw(); };
  draw($("overlay"), picture, { models: chosenModels(), selected: view.face, heatOf: heatOf(), pick });
  const name = (i) => view.names?.[i] ?? `Face ${i + 1}`;
  const focused = [...$("face-tabs").children].indexOf(document.activeElement);
  $("face-tabs").replaceChildren(...(picture.faces.length > 1 ? picture.faces : []).map((_, i) => h("button", {
    type: "button", "aria-pressed": i === view.face, onclick: () => pick(i),
  }, name(i))));
  if (focused >= 0) $("face-tabs").children[focused]?.focus();
  const face = picture.faces[view.face];
  $("said").replaceChildren(...(face ? [panel(face, chosenModels())] : []));
}

const live = () => guarded(async () => {
  reset();
  await startCamera($("live"), {
    ask: (pictures) => predict(pictures, chosenModels().map((m) => m.name), Boolean(heatOf()), view.work.signal),
    shows: (results, rate) => {
      view.results = results;
      show($("downloads"), true);
      shows(results.pictures[0], { keep: true });
      $("status").textContent = `Webcam: ${results.pictures[0].faces.length} face(s), ${rate.toFixed(1)} pictures/s`;
    },
    says: (text) => { $("status").textContent = text; },
  });
  stageShows("live");
  $("webcam").textContent = "Stop webcam";
  $("webcam").setAttribute("aria-pressed", "true");
});

/** Ends the camera and whatever is being looked at. */
export function leave() {
  if (!isCameraOn()) return;
  reset();
  stageShows(null);
}
