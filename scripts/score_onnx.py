#!/usr/bin/env python3
"""Scores an exported model with Python's onnxruntime on raw pixels, and compares it with Ferrotype's predictions.

    pip install numpy h5py onnxruntime
    scripts/score_onnx.py runs/<run> [datasets/other.h5]
    scripts/score_onnx.py model.onnx predictions.csv datasets/other.h5     (of `export --out` and `eval --csv`)

The preprocessing is inside the graph: this script only reads the stored pictures, brings them to the model's size by the
rule in the file's metadata (docs/preprocessing.md), and takes the arg-max.
"""
import csv
import json
import sys
from pathlib import Path

import h5py
import numpy as np
import onnxruntime


def positions(source, target):
    """Half-pixel centres: where each target pixel lies between the source pixels."""
    at = np.clip((np.arange(target) + 0.5) * source / target - 0.5, 0, source - 1)
    low = np.floor(at).astype(int)
    return low, np.minimum(low + 1, source - 1), (at - low).astype(np.float32)


def resize(image, size, rule):
    """image [height, width, channels] uint8 to float32 [size, size, channels]."""
    h, w, _ = image.shape
    if (h, w) == (size, size):
        return image.astype(np.float32)
    if rule == "nearest":
        rows = ((np.arange(size) + 0.5) * h / size).astype(int)
        columns = ((np.arange(size) + 0.5) * w / size).astype(int)
        return image[rows][:, columns].astype(np.float32)
    if rule == "bilinear":
        image = image.astype(np.float32)
        y0, y1, fy = positions(h, size)
        x0, x1, fx = positions(w, size)
        rows = image[y0] * (1 - fy)[:, None, None] + image[y1] * fy[:, None, None]
        return rows[:, x0] * (1 - fx)[None, :, None] + rows[:, x1] * fx[None, :, None]
    if rule == "bilinear_opencv":
        return resize_opencv(image, size)
    sys.exit(f"this script knows nearest and the two bilinear rules; the model wants `{rule}`: see docs/preprocessing.md")


def resize_opencv(image, size):
    """OpenCV's uint8 INTER_LINEAR: weights of 11 bits, sums in whole numbers."""
    def weights(source, is_column):
        at = ((np.arange(size) + 0.5) * (1 / (size / source)) - 0.5).astype(np.float32)
        low = np.floor(at).astype(int)
        part = at - low.astype(np.float32)
        if is_column:  # a row outside keeps its two weights, a column gives all to the border
            part[(low < 0) | (low >= source - 1)] = 0
            low = np.clip(low, 0, source - 1)
        fixed = [np.rint(w * np.float32(2048)).astype(np.int64) for w in (1 - part, part)]
        return np.clip(low, 0, source - 1), np.clip(low + 1, 0, source - 1), *fixed

    image = image.astype(np.int64)
    y0, y1, a, b = weights(image.shape[0], False)
    x0, x1, c, d = weights(image.shape[1], True)
    rows = image[:, x0] * c[None, :, None] + image[:, x1] * d[None, :, None]
    top, bottom = (rows[y0] >> 4) * a[:, None, None] >> 16, (rows[y1] >> 4) * b[:, None, None] >> 16
    return np.clip((top + bottom + 2) >> 2, 0, 255).astype(np.float32)


def main():
    run = Path(sys.argv[1])
    if run.is_dir():
        model, predictions = run / "model.onnx", run / "predictions.csv"
        data = sys.argv[2] if len(sys.argv) > 2 else json.loads((run / "dataset.json").read_text())["path"]
    else:
        model, predictions, data = run, Path(sys.argv[2]), sys.argv[3]
    session = onnxruntime.InferenceSession(str(model), providers=["CPUExecutionProvider"])
    meta = session.get_modelmeta().custom_metadata_map
    size, rule, colour = int(meta["input_size"]), meta["resize"], meta["colour"]
    # The squares of ten crops are cut inside the file; a single one in the middle is not.
    frame = size if meta.get("views") == "ten_crop" else json.loads(meta["preprocess"]).get("crop_from") or size
    first = round((frame - size) / 2)
    classes = json.loads(meta["class_names"])
    table = list(csv.DictReader(predictions.open()))
    with h5py.File(data) as file:
        images = file["images"][:]
    logits, differ = [], 0.0
    for start in range(0, len(table), 64):
        part = table[start : start + 64]
        pictures = [resize(images[int(row["row"])], frame, rule) for row in part]
        pictures = [p[first : first + size, first : first + size] for p in pictures]
        if colour == "grey" and pictures[0].shape[2] == 3:
            pictures = [p @ np.float32([0.299, 0.587, 0.114])[:, None] for p in pictures]
        if colour == "rgb" and pictures[0].shape[2] == 1:
            pictures = [np.repeat(p, 3, axis=2) for p in pictures]
        pixels = np.stack(pictures).transpose(0, 3, 1, 2).astype(np.float32)
        z, p = session.run(["logits", "probabilities"], {"pixels": pixels})
        logits.append(z)
        ours = np.array([[float(row[c]) for c in classes] for row in part])
        differ = max(differ, float(np.abs(p - ours).max()))
    z = np.concatenate(logits)
    predicted = z.argmax(1)
    truth = np.array([classes.index(row["truth"]) for row in table])
    ours = np.array([classes.index(row["prediction"]) for row in table])
    print(f"{model}: {len(table)} rows, onnxruntime {onnxruntime.__version__}")
    print(f"accuracy          {100 * (predicted == truth).mean():.4f} % (run: {100 * (ours == truth).mean():.4f} %)")
    print(f"other predictions {int((predicted != ours).sum())}")
    print(f"largest difference of a probability {differ:.2e}")


if __name__ == "__main__":
    main()
