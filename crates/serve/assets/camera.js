// The webcam: one picture at a time, the next when the last was answered.

let stream = null;

export const isCameraOn = () => stream !== null;

export function stopCamera() {
  stream?.getTracks().forEach((track) => track.stop());
  stream = null;
}

const pause = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });

function grab(video, canvas) {
  [canvas.width, canvas.height] = [video.videoWidth, video.videoHeight];
  canvas.getContext("2d").drawImage(video, 0, 0);
  return new Promise((resolve) => { canvas.toBlob(resolve, "image/jpeg", 0.9); });
}

/** Starts it. `ask` asks the server, `shows` is handed the answer with the pictures per second, `says` gets words. */
export async function startCamera(video, { ask, shows, says }) {
  if (!navigator.mediaDevices) {
    throw new Error("Browsers give pages a webcam on this machine (127.0.0.1, localhost) or over https alone.");
  }
  let own;
  try {
    own = await navigator.mediaDevices.getUserMedia({ video: { width: { ideal: 640 }, height: { ideal: 480 } } });
  } catch (error) {
    throw new Error(error.name === "NotAllowedError" ? "The browser was not allowed to use the webcam." : `There is no webcam to use: ${error.message}`);
  }
  stream = own;
  video.srcObject = own;
  await video.play();
  loop(video, own, { ask, shows, says });
}

async function loop(video, own, { ask, shows, says }) {
  const canvas = document.createElement("canvas");
  let last = performance.now();
  let rate = 0;
  while (stream === own) {
    try {
      const blob = await grab(video, canvas);
      const results = await ask([{ blob, name: "webcam.jpg" }]);
      if (stream !== own) return;
      const now = performance.now();
      rate = rate === 0 ? 1000 / (now - last) : 0.8 * rate + 200 / (now - last);
      last = now;
      shows(results, rate);
      // Not more often than a screen shows it.
      await pause(15);
    } catch (error) {
      if (error.name === "AbortError" || stream !== own) return;
      if (error.status !== 429) {
        says(error.message);
        await pause(2000);
      } else {
        says("The server has much to do; waiting …");
        await pause(1000 * (error.retryAfter ?? 1));
      }
    }
  }
}
