"""The usual way to serve a network, to be measured beside `ferrotype serve`: FastAPI, uvicorn and onnxruntime, one process.

    pip install fastapi uvicorn onnxruntime pillow numpy
    python3 scripts/serve_fastapi.py model.onnx --port 7790 [--threads 2]
    python3 scripts/load_server.py http://127.0.0.1:7790 face.jpg --clients 1 8 64 --seconds 20

POST /v1/predict takes the bytes of a picture. The network's input is [batch, size, size, 1] (Keras) or [batch, 1, size, size]
with pixels from -1 to 1, as mini_XCEPTION's.
"""

import argparse
import io

import numpy
import onnxruntime
import uvicorn
from fastapi import FastAPI, Request
from fastapi.concurrency import run_in_threadpool
from PIL import Image

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("model")
parser.add_argument("--port", type=int, default=7790)
parser.add_argument("--threads", type=int, default=2, help="of onnxruntime within one picture")
options = parser.parse_args()

session_options = onnxruntime.SessionOptions()
session_options.intra_op_num_threads = options.threads
session = onnxruntime.InferenceSession(options.model, session_options, providers=["CPUExecutionProvider"])
(network_input,) = session.get_inputs()
channels_last = network_input.shape[-1] == 1
size = network_input.shape[2]
app = FastAPI()


def predict(body):
    picture = Image.open(io.BytesIO(body)).convert("L").resize((size, size), Image.BILINEAR)
    pixels = numpy.asarray(picture, numpy.float32) / 127.5 - 1.0
    pixels = pixels[None, :, :, None] if channels_last else pixels[None, None]
    (probabilities,) = session.run(None, {network_input.name: pixels})
    return {"class": int(probabilities[0].argmax()), "probabilities": probabilities[0].tolist()}


@app.post("/v1/predict")
async def answer(request: Request):
    return await run_in_threadpool(predict, await request.body())


uvicorn.run(app, host="127.0.0.1", port=options.port, log_level="warning")
