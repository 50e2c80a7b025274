// Videos: sent, looked at, shown with their faces and a timeline.

import { events, getBlob, getJson, remove, sendVideo } from "./api.js";
import { $, download, h, percent, show } from "./dom.js";
import { paint } from "./overlay.js";
import { timeline } from "./timeline.js";

let open = null;

export function closeVideo() {
  if (!open) return;
  const { url, job, control } = open;
  open = null;
  control.abort();
  // What is not looked at any more need not be worked on, nor kept.
  if (job) remove(job.address).catch(() => {});
  const clip = $("clip");
  clip.removeAttribute("src");
  clip.load();
  URL.revokeObjectURL(url);
  for (const id of ["progress", "timeline"]) show($(id), false);
}

function progress(text, share) {
  show($("progress"), true);
  $("bar-text").textContent = text;
  if (share === undefined) $("bar").removeAttribute("value");
  else $("bar").value = share;
}

/** Sends a video and shows what is found in it. `shows` draws a frame; `models` gives those that are shown. */
export async function openVideo(file, { server, models, shows, signal }) {
  const { video_body_bytes: most } = server.limits;
  if (file.size > most) throw new Error(`${file.name} has ${(file.size / 2 ** 20).toFixed(0)} MiB; up to ${(most / 2 ** 20).toFixed(0)} are taken.`);
  if (!server.videos.available) throw new Error(`Videos cannot be looked at: ${server.videos.why_not}`);
  const control = new AbortController();
  const own = { url: URL.createObjectURL(file), control, job: null };
  open = own;
  signal.addEventListener("abort", () => control.abort());
  const clip = $("clip");
  clip.src = own.url;
  $("cancel").onclick = () => { closeVideo(); $("status").textContent = "Cancelled."; };
  $("status").textContent = file.name;
  progress("Sending", 0);
  own.job = await sendVideo(file, 5, (share) => progress("Sending", share), control.signal);
  let state = own.job;
  await events(state.events, (_, data) => {
    state = data;
    if (data.state === "waiting") progress("Waiting for other videos");
    if (data.state === "running") {
      progress(`Frame ${data.frame}${data.of ? ` of ${data.of}` : ""}, ${data.faces} faces so far`, data.of ? data.frame / data.of : undefined);
    }
  }, control.signal);
  show($("progress"), false);
  if (state.state === "failed") throw new Error(state.problem.detail);
  if (state.state !== "done") throw new Error("The analysis was ended by the server.");
  const results = await getJson(state.files["results.json"]);
  if (open === own) present(clip, file, results, state.files, { models: models(), shows });
}

/** The place of the last frame that was looked at and is not after the time; the first before it. */
export function frameAt(frames, time) {
  let [low, high] = [0, frames.length - 1];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (frames[middle].time <= time + 1e-3) low = middle;
    else high = middle - 1;
  }
  return low;
}

function present(clip, file, results, files, { models, shows }) {
  const { width, height } = results.video;
  let track = results.frames.find((frame) => frame.faces.length > 0)?.faces[0].track;
  const line = timeline($("timeline"), results, models, {
    seek: (time) => { clip.currentTime = time; at(time); },
    pick: (chosen) => { track = chosen; at(clip.currentTime); },
  });
  const pictureAt = (time) => ({ name: file.name, width, height, faces: results.frames[frameAt(results.frames, time)]?.faces ?? [] });
  function at(time) {
    const frame = results.frames[frameAt(results.frames, time)];
    if (!frame) return;
    const face = Math.max(frame.faces.findIndex((f) => f.track === track), 0);
    shows(pictureAt(time), { keep: true, names: frame.faces.map((f) => `Person ${f.track}`), face });
    line.at(time);
  }
  const follow = () => {
    if (!open || clip.paused || clip.ended) return;
    at(clip.currentTime);
    requestAnimationFrame(follow);
  };
  clip.onplay = follow;
  clip.onseeked = () => at(clip.currentTime);
  clip.onerror = () => { $("status").textContent = `${summary(results)} The browser cannot play this form of video; its values are below.`; };
  $("status").textContent = summary(results);
  show($("downloads"), true);
  $("save-json").hidden = true;
  $("save-csv").hidden = true;
  $("more-files").replaceChildren(...Object.entries(files).map(([name, address]) => h("button", {
    type: "button", onclick: async () => download(name, await getBlob(address)),
  }, name)), recordButton(clip, file.name, pictureAt, results.video, models));
  if (clip.readyState >= 1) at(0);
  else clip.onloadedmetadata = () => at(0);
  at(0);
}

/** The video with boxes and labels as a WebM file: recorded while it plays from its beginning, as browsers can. */
async function record(clip, pictureAt, { width, height }, models) {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [width, height];
  const recorder = new MediaRecorder(canvas.captureStream());
  const parts = [];
  recorder.ondataavailable = (e) => parts.push(e.data);
  const stopped = new Promise((resolve) => { recorder.onstop = resolve; });
  clip.pause();
  clip.currentTime = 0;
  await new Promise((resolve) => { clip.addEventListener("seeked", resolve, { once: true }); });
  recorder.start();
  await clip.play();
  const step = () => {
    paint(canvas, clip, pictureAt(clip.currentTime), { models });
    // Whoever pauses it ends it.
    if (clip.ended || clip.paused) recorder.stop();
    else requestAnimationFrame(step);
  };
  step();
  await stopped;
  return new Blob(parts, { type: recorder.mimeType });
}

function recordButton(clip, name, pictureAt, size, models) {
  const button = h("button", {
    type: "button",
    onclick: async () => {
      button.disabled = true;
      button.textContent = "Recording while it plays …";
      try {
        download(`${name}-annotated.webm`, await record(clip, pictureAt, size, models));
      } finally {
        button.disabled = false;
        button.textContent = "Annotated video";
      }
    },
  }, "Annotated video");
  return button;
}

function summary(results) {
  const looked = results.frames.length;
  const seen = results.frames.filter((frame) => frame.faces.length > 0).length;
  const n = results.tracks.length;
  return `${looked} frames looked at; faces in ${percent(seen / Math.max(looked, 1), 0)} of them; ${n} ${n === 1 ? "person" : "persons"}.`;
}
