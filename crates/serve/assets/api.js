// The server's addresses. The token, where one is needed, is kept for this tab alone.

const KEY = "ferrotype-token";
let onToken = () => {};

export const token = () => sessionStorage.getItem(KEY);
export const setToken = (text) => sessionStorage.setItem(KEY, text);
/** Who is asked for a token when the server wants one. */
export const whenTokenIsNeeded = (ask) => { onToken = ask; };

export class Problem extends Error {
  constructor(status, detail, retryAfter) {
    super(detail);
    this.status = status;
    this.retryAfter = retryAfter;
  }
}

const headers = () => (token() ? { Authorization: `Bearer ${token()}` } : {});

async function problemOf(response) {
  let detail = `${response.status} ${response.statusText}`;
  try {
    detail = (await response.json()).detail ?? detail;
  } catch { /* not a problem of this server's: its status says enough */ }
  if (response.status === 401) onToken();
  return new Problem(response.status, detail, Number(response.headers.get("retry-after")) || undefined);
}

async function call(path, options = {}) {
  let response;
  try {
    response = await fetch(path, { ...options, headers: { ...headers(), ...options.headers } });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem(0, "The server does not answer. Is it still running?");
  }
  if (!response.ok) throw await problemOf(response);
  return response;
}

export const getJson = async (path, options) => (await call(path, options)).json();
export const getBlob = async (path) => (await call(path)).blob();
export const remove = (path) => call(path, { method: "DELETE" });

/** What the models say of pictures: blobs with names. */
export async function predict(pictures, models, heatMap, signal) {
  const form = new FormData();
  models.forEach((name) => form.append("model", name));
  if (heatMap) form.append("heat_map", "true");
  pictures.forEach(({ blob, name }) => form.append("picture", blob, name));
  return getJson("/v1/predict", { method: "POST", body: form, signal });
}

/** Sends a video; `onProgress` is told the share that is sent. XMLHttpRequest, since fetch does not tell. */
export function sendVideo(file, every, onProgress, signal) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", `/v1/analyze?every=${every}`);
    Object.entries(headers()).forEach(([name, value]) => request.setRequestHeader(name, value));
    request.upload.onprogress = (e) => e.lengthComputable && onProgress(e.loaded / e.total);
    request.onerror = () => reject(new Problem(0, "The video could not be sent."));
    request.onabort = () => reject(new DOMException("cancelled", "AbortError"));
    request.onload = () => {
      let answer = {};
      try {
        answer = JSON.parse(request.responseText);
      } catch { /* the status decides */ }
      if (request.status === 202) return resolve(answer);
      if (request.status === 401) onToken();
      reject(new Problem(request.status, answer.detail ?? request.statusText));
    };
    signal.addEventListener("abort", () => request.abort());
    const form = new FormData();
    form.append("video", file, file.name);
    request.send(form);
  });
}

/** Server-sent events by fetch: EventSource cannot send a token. `take(event, data)` is called for each; ends with the stream. */
export async function events(path, take, signal) {
  const response = await call(path, { signal, headers: { Accept: "text/event-stream" } });
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    text += value;
    const parts = text.split("\n\n");
    text = parts.pop();
    for (const part of parts) {
      let name = "message";
      const data = [];
      for (const line of part.split("\n")) {
        if (line.startsWith("event:")) name = line.slice(6).trim();
        if (line.startsWith("data:")) data.push(line.slice(5).trim());
      }
      if (data.length > 0) take(name, JSON.parse(data.join("\n")));
    }
  }
}
