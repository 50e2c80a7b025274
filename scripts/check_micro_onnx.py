"""Runs the exported ONNX file of every fold on the clips of its person, in onnxruntime, and holds classes and logits against known ones.

    ferrotype import --model ststnet --from ststnet_68.safetensors --out runs/imported/ststnet --folds
    for i in $(seq 0 67); do ferrotype export --run runs/imported/ststnet/fold-$i --out onnx/$i.onnx; done
    python scripts/check_micro_onnx.py datasets/megc2019.h5 runs/imported/ststnet onnx [known.csv]

Needs h5py, numpy and onnxruntime. `known.csv` has the columns row, prediction (a class by its number) and logit0, logit1, logit2 of each row of
the prepared file; without it the classes are those of each fold's own predictions.csv.
"""

import csv
import json
import pathlib
import sys

import h5py
import numpy as np
import onnxruntime


def main(data, group, onnx, known=None):
    pixels = h5py.File(data)["images"][:]
    reference = {int(r["row"]): r for r in csv.DictReader(open(known))} if known else None
    same = rows = 0
    largest = 0.0
    for fold in sorted(pathlib.Path(group).glob("fold-*"), key=lambda p: int(p.name.split("-")[1])):
        session = onnxruntime.InferenceSession(str(pathlib.Path(onnx) / f"{fold.name.split('-')[1]}.onnx"))
        about = session.get_modelmeta().custom_metadata_map
        said = list(csv.DictReader(open(fold / "predictions.csv")))
        pictures = pixels[[int(r["row"]) for r in said]].astype(np.float32)
        if about["colour"] == "bgr":
            pictures = pictures[..., ::-1]
        logits = session.run(["logits"], {session.get_inputs()[0].name: pictures.transpose(0, 3, 1, 2)})[0]
        classes = json.loads(about["class_names"])
        for row, values in zip(said, logits):
            rows += 1
            if reference:
                want = reference[int(row["row"])]
                same += int(want["prediction"]) == values.argmax()
                largest = max(largest, np.abs(values - [float(want[f"logit{c}"]) for c in range(3)]).max())
            else:
                same += row["prediction"] == classes[values.argmax()]
    print(f"{same} of {rows} classes are the same" + (f", largest difference of a logit {largest:.1e}" if reference else ""))
    return same == rows


if __name__ == "__main__":
    sys.exit(0 if main(*sys.argv[1:]) else 1)
