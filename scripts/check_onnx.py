#!/usr/bin/env python3
"""Checks exported networks with ONNX's own checker and ONNX Runtime.

    pip install numpy onnx onnxruntime
    python scripts/check_onnx.py FOLDER

The tests `onnxruntime_computes_the_same...` of crates/interop write such a folder and run this.

For each NAME.onnx with a NAME.safetensors beside it (raw `pixels` and the network's `logits`, or `features` and
`outputs`, perhaps with `lengths`): the file is valid, takes any batch size, and gives the same values. Exit code 1 when one does not.
"""
import json
import struct
import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime

TOLERANCE = 1e-4  # largest logit difference, relative to the range of the logits


def read_safetensors(path):
    """The tensors of a safetensors file (f32 and i64), without the package of that name."""
    data = path.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    header.pop("__metadata__", None)
    out = {}
    for name, entry in header.items():
        begin, end = (8 + length + offset for offset in entry["data_offsets"])
        kind = {"F32": np.float32, "I64": np.int64}[entry["dtype"]]
        out[name] = np.frombuffer(data[begin:end], kind).reshape(entry["shape"])
    return out


def check(path):
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    known = read_safetensors(path.with_suffix(".safetensors"))
    if "features" in known:
        return check_features(path, model, session, known)
    logits, probabilities = session.run(["logits", "probabilities"], {"pixels": known["pixels"]})
    (one,) = session.run(["logits"], {"pixels": known["pixels"][:1]})
    difference = np.abs(logits - known["logits"]).max()
    relative = difference / np.ptp(known["logits"])
    batch = np.abs(one - logits[:1]).max()
    total = np.abs(probabilities.sum(1) - 1).max()
    same = (logits.argmax(1) == known["logits"].argmax(1)).all()
    ok = relative <= TOLERANCE and batch <= TOLERANCE * np.ptp(known["logits"]) and total < 1e-5
    print(
        f"{'ok  ' if ok else 'FAIL'} {path.stem:24} {len(model.graph.node):3} nodes  opset {model.opset_import[0].version}"
        f"  difference {difference:.1e} ({relative:.1e} of the range)  same classes: {same}"
    )
    return ok


def check_features(path, model, session, known):
    """A network of features: no probabilities; a sequence where the network gives it laid out as a vector."""
    x, y = known["features"], known["outputs"]
    more = {"lengths": known["lengths"]} if "lengths" in known else {}
    (outputs,) = session.run(["outputs"], {"features": x, **more})
    (one,) = session.run(["outputs"], {"features": x[:1], **{k: v[:1] for k, v in more.items()}})
    relative = np.abs(outputs.reshape(y.shape) - y).max() / np.ptp(y)
    batch = np.abs(one - outputs[:1]).max() / np.ptp(y)
    free = session.get_inputs()[0].shape[2] == "steps"
    if free:  # nothing fixes the length: the same file must take another
        (longer,) = session.run(["outputs"], {"features": np.concatenate([x, x], 2), **more})
        if more:  # what is beyond the lengths is padding
            batch = max(batch, np.abs(longer - outputs).max() / np.ptp(y))
    ok = relative <= TOLERANCE and batch <= TOLERANCE
    print(
        f"{'ok  ' if ok else 'FAIL'} {path.stem:24} {len(model.graph.node):3} nodes  opset {model.opset_import[0].version}"
        f"  difference {relative:.1e} of the range  any number of steps: {free}"
    )
    return ok


def main():
    files = sorted(Path(sys.argv[1]).glob("*.onnx"))
    if not files:
        sys.exit(f"no .onnx files in {sys.argv[1]}")
    results = [check(path) for path in files]
    sys.exit(0 if all(results) else 1)


if __name__ == "__main__":
    main()
