// Which view is shown, the token, and what the server is.

import { getJson, setToken, whenTokenIsNeeded } from "./api.js";
import { $, alertUser, download, h, show } from "./dom.js";
import { start as startFaces, leave as leaveFaces } from "./faces.js";
import { showRuns } from "./runs.js";
import { showRun, compareRuns } from "./run.js";
import { showSweeps } from "./sweeps.js";

const VIEWS = ["faces", "runs", "sweeps", "about"];
let leaving = new AbortController();

/** `#runs/NAME`, `#runs/NAME/NAME` (two to compare), `#sweeps/NAME`: names are encoded. */
function place() {
  const [view, ...names] = location.hash.slice(1).split("/").map(decodeURIComponent);
  return { view: VIEWS.includes(view) ? view : "faces", names };
}

async function route() {
  const { view, names } = place();
  leaving.abort();
  leaving = new AbortController();
  const { signal } = leaving;
  alertUser();
  VIEWS.forEach((name) => show($(`view-${name}`), name === view));
  document.querySelectorAll(".top nav a").forEach((link) => {
    if (link.hash === `#${view}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  });
  document.title = `${view[0].toUpperCase()}${view.slice(1)} – Ferrotype`;
  if (view !== "faces") leaveFaces();
  try {
    if (view === "runs" && names.length === 0) await showRuns($("view-runs"), signal);
    if (view === "runs" && names.length === 1) await showRun($("view-runs"), names[0], signal);
    if (view === "runs" && names.length > 1) await compareRuns($("view-runs"), names.slice(0, 2), signal);
    if (view === "sweeps") await showSweeps($("view-sweeps"), names[0], signal);
  } catch (error) {
    if (error.name !== "AbortError" && error.status !== 401) alertUser(error.message);
  }
}

function about(server, health) {
  const limits = server.limits;
  const facts = [
    ["Version", health.version],
    ["Models", server.models.map((m) => `${m.name} (${m.architecture}, ${m.input.join(" × ")})`).join("; ") || "none"],
    ["Faces", server.finds_faces ? "are looked for in pictures" : "are not looked for: a picture is taken for one face"],
    ["Videos", server.videos.available ? `up to ${limits.video_seconds} s` : server.videos.why_not],
    ["Pictures", `up to ${(limits.pixels / 1e6).toFixed(0)} million pixels, ${(limits.body_bytes / 2 ** 20).toFixed(0)} MiB a request`],
    ["Kept", server.keeps ? "pictures and videos are kept by the owner of this server" : "nothing"],
  ];
  $("server").replaceChildren(h("dl", { class: "facts" }, facts.flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, value)])));
}

function askForToken() {
  VIEWS.forEach((name) => show($(`view-${name}`), false));
  show($("token-form"), true);
  $("token").focus();
}

async function begin() {
  const found = location.hash.match(/^#token=(.+)$/);
  if (found) {
    setToken(decodeURIComponent(found[1]));
    // Out of sight, and out of the history.
    history.replaceState(null, "", "/#faces");
  }
  try {
    const [health, server] = [await getJson("/health"), await getJson("/v1/models")];
    show($("token-form"), false);
    about(server, health);
    startFaces(server);
    addEventListener("hashchange", route);
    await route();
    document.documentElement.dataset.ready = "true";
  } catch (error) {
    if (error.status !== 401) alertUser(error.message);
  }
}

whenTokenIsNeeded(askForToken);
$("token-form").addEventListener("submit", (e) => {
  e.preventDefault();
  setToken($("token").value.trim());
  alertUser();
  begin().then(() => { if (!$("token-form").hidden) alertUser("That is not this server's token."); });
});
$("api-link").addEventListener("click", async (e) => {
  e.preventDefault();
  const text = JSON.stringify(await getJson("/v1/openapi.json"), null, 2);
  download("openapi.json", text, "application/json");
});
begin();
