#!/usr/bin/env python3
"""Images per second of PyTorch's DataLoader with torchvision on the pictures of a prepared file with shards, beside
`ferrotype bench --mode loader`.

    ferrotype bench --mode loader --data datasets/affectnet.h5 --size 224 --batch 64 --threads 2 --plain
    .venv/bin/python scripts/loader_pytorch.py datasets/affectnet.h5 --size 224 --batch 64 --workers 2 --plain

The same bytes from the same files in shuffled order: JPEG files decoded by torchvision (libjpeg-turbo) or Pillow, resized
(bilinear, without antialiasing), without --plain mirrored, turned, shifted and scaled, to floats from -1 to 1.
"""
import argparse
import io
import os
import time

import h5py
import numpy as np
import torch
from PIL import Image
from torchvision.io import decode_jpeg
from torchvision.transforms import v2


class Shards(torch.utils.data.Dataset):
    def __init__(self, path, transform, pillow):
        with h5py.File(path) as f:
            names, rows = f["shard_files"].asstr()[:], f["shard_rows"][:]
            self.lengths = f["picture_bytes"][:].astype(np.int64)
            self.shape = tuple(int(f.attrs[side]) for side in ("height", "width", "channels"))
            self.is_jpeg = f.attrs["storage"] == "jpeg"
        self.paths = [os.path.join(path + ".shards", name) for name in names]
        self.shard = np.repeat(np.arange(len(rows)), rows)
        ends = np.cumsum(self.lengths)
        first = np.concatenate([[0], ends[np.cumsum(rows)[:-1] - 1]])
        self.start = ends - self.lengths - first[self.shard]
        self.files, self.transform, self.pillow = {}, transform, pillow

    def __len__(self):
        return len(self.lengths)

    def __getitem__(self, row):
        shard = self.shard[row]
        if shard not in self.files:
            self.files[shard] = os.open(self.paths[shard], os.O_RDONLY)
        data = bytearray(os.pread(self.files[shard], int(self.lengths[row]), int(self.start[row])))
        if not self.is_jpeg:
            picture = torch.frombuffer(data, dtype=torch.uint8).reshape(self.shape).permute(2, 0, 1)
        elif self.pillow:
            picture = v2.functional.pil_to_tensor(Image.open(io.BytesIO(data)))
        else:
            picture = decode_jpeg(torch.frombuffer(data, dtype=torch.uint8))
        return self.transform(picture)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data")
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--batches", type=int, default=50)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--plain", action="store_true")
    parser.add_argument("--pillow", action="store_true", help="decode with Pillow instead of torchvision")
    args = parser.parse_args()
    torch.set_num_threads(1)
    changes = [v2.RandomHorizontalFlip(), v2.RandomAffine(10, (0.1, 0.1), (0.9, 1.1), interpolation=v2.InterpolationMode.BILINEAR)]
    steps = [v2.Resize((args.size, args.size), antialias=False), *([] if args.plain else changes)]
    transform = v2.Compose([*steps, v2.ToDtype(torch.float32, scale=True), v2.Normalize([0.5], [0.5])])
    data = Shards(args.data, transform, args.pillow)
    for _ in range(args.rounds):
        loader = torch.utils.data.DataLoader(data, args.batch, shuffle=True, num_workers=args.workers)
        batches = iter(loader)
        next(batches)  # Starting the processes is not measured.
        began, seen = time.perf_counter(), 0
        for batch, _ in zip(batches, range(args.batches)):
            seen += len(batch)
        print(f"{seen / (time.perf_counter() - began):.0f} images/s", flush=True)
        del batches


if __name__ == "__main__":
    main()
