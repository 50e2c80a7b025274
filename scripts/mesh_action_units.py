"""How OpenFace's action units from other landmarks agree with OpenFace's own output on a video of one face.

  cargo run --release -p ferrotype-face-mesh --example mesh -- DATA/mediapipe mesh.csv alone DATA/videos/one_face_emotions.mp4
  ferrotype analyze DATA/videos/one_face_emotions.mp4 --detector yunet.onnx --landmarks pfld_68.onnx --every 1 --out pfld
  cargo build --release -p ferrotype-action-units --example landmarks
  python scripts/mesh_action_units.py DATA mesh.csv pfld/one_face_emotions/frames.csv target/release/examples/landmarks

DATA is the folder of verification data. Prints the correlation of each of 17 intensities, for each set of landmarks, then that
of the blendshapes with them. Needs numpy.
"""

import csv
import gzip
import json
import pathlib
import re
import subprocess
import sys
import tempfile

import numpy as np

VIDEO, WIDTH, HEIGHT = "videos/one_face_emotions.mp4", 640, 360


def landmarks(rows):
    return np.array([[[float(row[f"{axis}_{i}"]) for axis in "xy"] for i in range(68)] for row in rows])


def gauss(points, sigma):
    reach = int(3 * sigma + 0.5)
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    kernel /= kernel.sum()
    padded = np.pad(points, ((reach, reach), (0, 0), (0, 0)), mode="edge")
    return sum(k * padded[i : i + len(points)] for i, k in enumerate(kernel))


def table():
    """The one of crates/face-mesh/src/ibug.rs."""
    source = (pathlib.Path(__file__).parent.parent / "crates/face-mesh/src/ibug.rs").read_text()
    body = re.search(r"TABLE: \[usize; COUNT\] = \[(.*?)\];", source, re.S).group(1)
    return [int(n) for line in body.splitlines() for n in re.findall(r"\d+", line.split("//")[0])]


def main():
    data, mesh_file, pfld_file, program = map(pathlib.Path, sys.argv[1:5])
    reference = gzip.open(data / "openface/reference/one_face_emotions.csv.gz", "rt")
    reference = list(csv.DictReader(reference, skipinitialspace=True))
    units = [name for name in reference[0] if re.fullmatch(r"AU\d\d_r", name)]
    truth = np.array([[float(row[unit]) for unit in units] for row in reference])
    rows = np.loadtxt(mesh_file, delimiter=",")
    points, blendshapes = rows[:, 2 : 2 + 478 * 3].reshape(-1, 478, 3)[:, :, :2], rows[:, 2 + 478 * 3 :]
    tables = json.loads((data / "mediapipe/tables.json").read_text())
    mesh, pfld = points[:, table()], landmarks(csv.DictReader(open(pfld_file)))
    jaw = mesh.copy()
    jaw[:, :17] = pfld[:, :17]
    variants = {
        "OpenFace's own": landmarks(reference),
        "PFLD": pfld,
        "PFLD, smoothed (2 frames)": gauss(pfld, 2),
        "mesh by py-feat's table": points[:, tables["dlib68_from_mesh478_pyfeat"]],
        "mesh": mesh,
        "mesh, smoothed (1 frame)": gauss(mesh, 1),
        "mesh, smoothed (2 frames)": gauss(mesh, 2),
        "PFLD's jaw, mesh within": jaw,
        "mean of mesh and PFLD": (mesh + pfld) / 2,
        "mean, smoothed (2 frames)": gauss((mesh + pfld) / 2, 2),
        "two thirds mesh, one third PFLD": (2 * mesh + pfld) / 3,
    }
    with tempfile.TemporaryDirectory() as folder:
        folder, pairs = pathlib.Path(folder), []
        names = [f"{axis}_{i}" for axis in "xy" for i in range(68)]
        for i, variant in enumerate(variants.values()):
            pairs += [folder / f"{i}.csv", folder / f"{i}.out.csv"]
            flat = np.concatenate([variant[:, :, 0], variant[:, :, 1]], axis=1)
            np.savetxt(pairs[-2], flat, delimiter=",", header=",".join(names), comments="", fmt="%.4f")
        command = [program, data / "openface/predictors", data / VIDEO, WIDTH, HEIGHT, *pairs]
        subprocess.run([str(word) for word in command], check=True)
        print(f"{'landmarks':34} mean r  mean |d|  " + " ".join(unit[:4] for unit in units))
        for name, out in zip(variants, pairs[1::2]):
            ours = np.genfromtxt(out, delimiter=",", skip_header=1)
            r = [np.corrcoef(ours[:, i], truth[:, i])[0, 1] for i in range(len(units))]
            far = np.abs(ours - truth).mean()
            print(f"{name:34} {np.mean(r):.3f}   {far:.3f}     " + " ".join(f" {value:.2f}" for value in r))
    sides = {}
    for i, name in enumerate(tables["blendshape_names_52"]):
        sides.setdefault(re.sub("(Left|Right)$", "", name), []).append(blendshapes[:, i])
    for i, unit in enumerate(units):
        r = {name: np.corrcoef(np.mean(side, axis=0), truth[:, i])[0, 1] for name, side in sides.items()}
        best = sorted(r, key=lambda name: -r[name])[:3]
        print(unit, *(f"{name} {r[name]:.2f}" for name in best))


if __name__ == "__main__":
    main()
