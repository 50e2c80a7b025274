"""Writes a set of AffectNet's form (lists, Manually_Annotated_Images) with pictures that are textures: for trying out sizes.

    python scripts/generate_affectnet.py --out affectnet --count 300000

All pictures share a layout (a bright oval with darker eyes and mouth), so that as many pairs look alike at first sight as
with aligned faces; the rest is random. Planted are exact copies and near duplicates (darker, less contrast, compressed
again), as `planted.csv` says: what `ferrotype data audit` has to find. Needs numpy and pillow.
"""

import argparse
import csv
import io
import multiprocessing
import pathlib

import numpy as np
from PIL import Image

BANK = 32  # Textures that pictures are mixed from.
PER_FOLDER = 1000


def bank(size):
    """Smooth random fields of deviation 1 that repeat after `size` pixels, `[BANK, 2 size, 2 size, 3]`."""
    rng = np.random.default_rng(1)
    y, x = np.meshgrid(np.fft.fftfreq(size), np.fft.fftfreq(size), indexing="ij")
    falloff = 1.0 / (0.01 + np.hypot(x, y)) ** 1.5
    fields = np.fft.ifft2(np.fft.fft2(rng.standard_normal((BANK, 3, size, size))) * falloff).real
    fields -= fields.mean(axis=(2, 3), keepdims=True)
    fields /= fields.std(axis=(2, 3), keepdims=True)
    grey = fields.mean(axis=1, keepdims=True)
    fields = (0.8 * grey + 0.4 * fields).transpose(0, 2, 3, 1).astype(np.float32)
    return np.tile(fields, (1, 2, 2, 1))


def layout(size):
    """What all pictures share, `[size, size, 1]`."""
    y, x = np.mgrid[0:size, 0:size].astype(np.float32) / size
    blob = lambda cx, cy, w, h: np.exp(-((x - cx) / w) ** 2 - ((y - cy) / h) ** 2)
    face = 60 * blob(0.5, 0.5, 0.38, 0.48) - 40 * blob(0.33, 0.4, 0.1, 0.05) - 40 * blob(0.67, 0.4, 0.1, 0.05)
    return (face - 35 * blob(0.5, 0.75, 0.16, 0.05))[..., None]


def picture(number, size):
    rng = np.random.default_rng([2, number])
    mixed = np.tile(LAYOUT * np.float32(rng.uniform(0.4, 1.0)) + np.float32(rng.uniform(70, 120)), 3)
    for k, (y, x) in zip(rng.integers(0, BANK, 3), rng.integers(0, size, (3, 2))):
        mixed += np.float32(rng.uniform(12, 30)) * FIELDS[k, y : y + size, x : x + size]
    return np.clip(mixed, 0, 255, out=mixed).astype(np.uint8)


def encoded(pixels, quality):
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "JPEG", quality=quality)
    return out.getvalue()


def plan(count, every):
    """Which pictures repeat an earlier one: number -> (earlier, kind)."""
    rng = np.random.default_rng(3)
    repeats = {}
    for k, n in enumerate(range(every, count, every)):
        source = int(rng.integers(0, n))
        repeats[n] = (source + (source % every == 0), ("copy", "near")[k % 2])
    return repeats


def write(job):
    folder, numbers = job
    folder.mkdir(parents=True, exist_ok=True)
    for n in numbers:
        source, kind = PLAN.get(n, (n, "own"))
        pixels = picture(source, SIZE)
        data = encoded(pixels, QUALITY)
        if kind == "near":
            seen = np.asarray(Image.open(io.BytesIO(data)), np.float32)
            data = encoded((seen * 0.8 + 10).astype(np.uint8), 75)
        (folder / f"{n}.jpg").write_bytes(data)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--count", type=int, default=300_000)
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--quality", type=int, default=88)
    parser.add_argument("--planted", type=int, default=500, help="every so many pictures one repeats an earlier one")
    parser.add_argument("--processes", type=int, default=2)
    args = parser.parse_args()
    global FIELDS, LAYOUT, PLAN, SIZE, QUALITY
    FIELDS, LAYOUT, SIZE, QUALITY = bank(args.size), layout(args.size), args.size, args.quality
    PLAN = plan(args.count, args.planted)
    images = args.out / "Manually_Annotated_Images"
    starts = range(0, args.count, PER_FOLDER)
    jobs = [(images / str(s // PER_FOLDER), range(s, min(s + PER_FOLDER, args.count))) for s in starts]
    with multiprocessing.get_context("fork").Pool(args.processes) as pool:
        for done, _ in enumerate(pool.imap_unordered(write, jobs), 1):
            if done % 10 == 0:
                print(f"{done * PER_FOLDER} pictures", flush=True)
    rng = np.random.default_rng(4)
    header = ["subDirectory_filePath", "face_x", "face_y", "face_width", "face_height", "facial_landmarks", "expression",
              "valence", "arousal"]
    held_out = max(args.count // 75, 8)
    for name, rows in [("training.csv", range(held_out, args.count)), ("validation.csv", range(held_out))]:
        with open(args.out / name, "w", newline="") as f:
            out = csv.writer(f)
            out.writerow(header)
            for n in rows:
                out.writerow([f"{n // PER_FOLDER}/{n}.jpg", 0, 0, args.size, args.size, "", rng.integers(0, 8),
                              f"{rng.uniform(-1, 1):.4f}", f"{rng.uniform(-1, 1):.4f}"])
    with open(args.out / "planted.csv", "w", newline="") as f:
        out = csv.writer(f)
        out.writerow(["picture", "repeats", "kind"])
        out.writerows([f"{n // PER_FOLDER}/{n}.jpg", f"{s // PER_FOLDER}/{s}.jpg", kind] for n, (s, kind) in PLAN.items())


if __name__ == "__main__":
    main()
