#!/usr/bin/env python3
"""Optical flow beside OpenCV: pairs of pictures, OpenCV's TV-L1 on them, and the comparison with Ferrotype's.

    pip install "opencv-contrib-python-headless<5" numpy       # 5 reads warped pictures elsewhere: Sampling::Exact
    python scripts/flow_opencv.py draw PAIRS                   # pairs whose motion is known
    python scripts/flow_opencv.py video PAIRS FILE.mp4 ...     # frames of videos, through ffmpeg
    cargo run --release -p ferrotype-flow --example flow_of_arrays -- PAIRS
    python scripts/flow_opencv.py compare PAIRS                # end-point errors
    python scripts/flow_opencv.py time PAIRS                   # OpenCV's milliseconds a pair, best of seven
    python scripts/flow_opencv.py stretching                   # what stretching to 0..255 makes of small motions
    python scripts/flow_opencv.py golden                       # the numbers of crates/flow/src/tvl1/golden_tests.rs
"""
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

WAVES = [(0.9, 0.35, 0.1, 22), (-0.5, 0.8, 1.3, 24), (0.23, 0.31, 2.1, 30), (0.41, -0.17, 0.7, 18), (-0.11, 0.13, 4.0, 20)]


def texture(x, y):
    """A picture that is known between its pixels too."""
    return 127.5 + sum(a * np.sin(kx * x + ky * y + phase) for kx, ky, phase, a in WAVES)


def motion(kind, height, width):
    """u, v in pixels at every pixel."""
    y, x = np.mgrid[:height, :width].astype(float)
    cx, cy = x - (width - 1) / 2, y - (height - 1) / 2
    if kind == "translation":
        return np.full_like(x, 1.3), np.full_like(x, -0.7)
    if kind == "rotation":
        c, s = np.cos(np.radians(1.5)), np.sin(np.radians(1.5))
        return c * cx - s * cy - cx, s * cx + c * cy - cy
    if kind == "zoom":
        return 0.02 * cx, 0.02 * cy
    bump = np.exp(-(cx**2 + cy**2) / (2 * (min(height, width) / 8) ** 2))
    return 1.5 * bump, 0.8 * bump


def grey(values):
    return np.clip(np.floor(values + 0.5), 0, 255).astype(np.uint8)


def drawn(kind, height, width):
    """First and second picture [height, width] and the motion between them, exact at every pixel."""
    y, x = np.mgrid[:height, :width].astype(float)
    u, v = motion(kind, height, width)
    return grey(texture(x + u, y + v)), grey(texture(x, y)), np.stack([u, v])


def opencv(first, second):
    import cv2

    flow = cv2.optflow.DualTVL1OpticalFlow_create().calc(first, second, None)
    return flow.transpose(2, 0, 1)


def draw(folder):
    for kind in ("translation", "rotation", "zoom", "bump"):
        for height, width in ((28, 28), (48, 72), (64, 64), (128, 128), (256, 256)):
            first, second, known = drawn(kind, height, width)
            np.save(folder / f"{kind}_{height}x{width}.npy", np.stack([first, second]))
            np.save(folder / f"{kind}_{height}x{width}_known.npy", known)


def video(folder, files):
    """Pairs of frames 1, 3 and 6 apart, a square from the middle of the picture at 128x128."""
    for file in map(Path, files):
        square = "crop=ih*0.8:ih*0.8,scale=128:128:flags=area,format=gray"
        raw = subprocess.run(
            ["ffmpeg", "-v", "error", "-i", file, "-vf", square, "-f", "rawvideo", "-frames:v", "300", "-"],
            check=True, capture_output=True).stdout
        frames = np.frombuffer(raw, np.uint8).reshape(-1, 128, 128)
        for start in range(0, len(frames) - 6, max(1, (len(frames) - 6) // 10)):
            for apart in (1, 3, 6):
                np.save(folder / f"video_{file.stem}_{start}_{apart}.npy", frames[[start, start + apart]])


def pairs(folder):
    return sorted(p for p in folder.glob("*.npy") if not p.stem.endswith("_known"))


def errors(a, b):
    error = np.hypot(*(a - b))
    return error.mean(), error.max()


def compare(folder):
    import cv2

    table = {}
    for path in pairs(folder):
        first, second = np.load(path)
        ours = np.fromfile(path.with_suffix(".flow"), np.float32).reshape(2, *first.shape)
        theirs = opencv(first, second)
        cv2.ipp.setUseIPP(False)
        other = opencv(first, second)
        cv2.ipp.setUseIPP(True)
        size = np.hypot(*theirs).mean()
        row = [size, *errors(ours, theirs), (ours == theirs).mean(), *errors(other, theirs)]
        known = path.with_name(path.stem + "_known.npy")
        row += [errors(f, np.load(known))[0] for f in (ours, theirs)] if known.exists() else [np.nan, np.nan]
        group = path.stem.split("_")[0] if known.exists() else "_".join(path.stem.split("_")[:-2])
        table.setdefault(group, []).append(row)
    print(f"OpenCV {cv2.__version__}. Lengths in pixels; means over pairs, maxima over all pixels of all pairs.")
    print("| pairs | n | motion | error, mean | error, max | mean / motion | equal bits | OpenCV without IPP, mean | max "
          "| ours to known | OpenCV to known |\n|---|" + "---:|" * 10)
    for group, rows in table.items():
        m = np.array(rows)
        size, mean, largest, equal, self_mean, self_max, known, cv_known = m.mean(0)
        print(f"| {group} | {len(m)} | {size:.3f} | {mean:.2g} | {m[:, 2].max():.2g} | {mean / size:.1e} | {equal:.4f} "
              f"| {self_mean:.2g} | {m[:, 5].max():.2g} | {known:.4f} | {cv_known:.4f} |")


def measure_time(folder):
    import cv2

    for threads in (1, cv2.getNumberOfCPUs()):
        cv2.setNumThreads(threads)
        total = {}
        for path in pairs(folder):
            first, second = np.load(path)
            took = []
            for _ in range(7):
                start = time.perf_counter()
                opencv(first, second)
                took.append(time.perf_counter() - start)
            total.setdefault(first.shape, []).append(min(took) * 1000)
        for shape, took in sorted(total.items()):
            print(f"OpenCV, {threads} threads, {shape[0]}x{shape[1]}: {np.mean(took):.2f} ms a pair ({len(took)} pairs)")


def stretching():
    """u of one drawn bump in several sizes, its 28x28 picture stretched to 0..255, and where rest lies there."""
    import cv2

    y, x = np.mgrid[:128, :128].astype(float)
    u, v = motion("bump", 128, 128)
    noise = np.random.default_rng(0)
    reference = None
    print("| largest u drawn | grey noise | u found, 28x28 | rest becomes | correlation with the first |\n|---:|---:|---|---:|---:|")
    for size, spread in ((1, 0), (0.5, 0), (0.1, 0), (-1, 0), (1, 1), (0.1, 1), (0, 1)):
        pictures = [texture(x + size * u, y + size * v), texture(x, y)]
        flow = opencv(*(grey(p + noise.normal(0, spread, p.shape)) for p in pictures))
        small = cv2.resize(flow[0], (28, 28), interpolation=cv2.INTER_AREA)
        low, high = small.min(), small.max()
        reference = small if reference is None else reference
        together = np.corrcoef(small.ravel(), reference.ravel())[0, 1]
        print(f"| {1.5 * size:g} | {spread} | {low:.3f} to {high:.3f} | {255 * -low / (high - low):.0f} | {together:.2f} |")


def golden():
    for kind, height, width in (("translation", 28, 28), ("rotation", 48, 72), ("zoom", 64, 64), ("bump", 64, 64)):
        first, second, _ = drawn(kind, height, width)
        flow = opencv(first, second)
        rows, columns = ([0, side // 3, side // 2, side - 1] for side in (height, width))
        print(f"    Known {{\n        motion: Motion::{kind.capitalize()},\n        size: ({height}, {width}),")
        print(f"        sums: [{first.sum(dtype=int)}.0, {second.sum(dtype=int)}.0],")
        for name, component in zip("uv", flow):
            print(f"        {name}: [")
            for row in component[np.ix_(rows, columns)]:
                print(f"            [{', '.join(map(str, row))}],")
            print("        ],")
        print("    },")


if __name__ == "__main__":
    command, *arguments = sys.argv[1:] or [""]
    if command in ("golden", "stretching"):
        globals()[command]()
    elif command in ("draw", "video", "compare", "time") and arguments:
        place = Path(arguments[0])
        place.mkdir(parents=True, exist_ok=True)
        {"draw": draw, "video": video, "compare": compare, "time": measure_time}[command](
            place, *([arguments[1:]] if command == "video" else []))
    else:
        sys.exit(__doc__)
