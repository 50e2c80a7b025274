"""Trains STSTNet in PyTorch as a run trained it, from the same weights and with the same dropout masks, and compares the losses.

    python scripts/ststnet_training.py init init.safetensors
    ferrotype train --config configs/megc2019/ststnet_short.yaml --set train.init=init.safetensors --set data.fold=0 \\
        --set train.epochs=8 --out parity
    python scripts/ststnet_training.py compare datasets/megc2019.h5 init.safetensors parity/megc2019-ststnet-short-*

What may differ is rounding alone: it ends with 1 where a loss differs by more than 1e-4. Needs torch, h5py, numpy and safetensors.
"""

import json
import pathlib
import sys

import h5py
import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import nn

WORD, LOW = (1 << 64) - 1, (1 << 32) - 1
DROPOUT = 6  # Purpose::Dropout of crates/base/src/random.rs
NODE = 5  # the dropout among the network's nodes


class Ststnet(nn.Module):
    """As christy1206/STSTNet's main.py, with the three streams' dropout behind their concatenation: every value is the same."""

    def __init__(self):
        super().__init__()
        for i, filters in enumerate((3, 5, 8), 1):
            setattr(self, f"conv{i}", nn.Conv2d(3, filters, 3, padding=2))
            setattr(self, f"bn{i}", nn.BatchNorm2d(filters))
        self.fc = nn.Linear(400, 3)

    def forward(self, x, mask):
        streams = [(self.conv1, self.bn1), (self.conv2, self.bn2), (self.conv3, self.bn3)]
        pooled = [nn.functional.max_pool2d(bn(torch.relu(conv(x))), 3, 3, 1) for conv, bn in streams]
        y = torch.cat(pooled, 1)
        y = y * torch.from_numpy(mask(y.numel())).view(y.shape)
        return self.fc(nn.functional.avg_pool2d(y, 2).flatten(1))


def mix(z):
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & WORD
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & WORD
    return z ^ (z >> 31)


def key(seed, indices):
    k = mix(mix((seed + 0x9E3779B97F4A7C15) & WORD) ^ DROPOUT)
    for i in indices:
        k = mix(((k * 0x9E3779B97F4A7C15) & WORD) ^ mix((i + 1) & WORD))
    return k


def dropout_mask(k, rate, length):
    """Philox-2x32 with ten rounds, as crates/kernels/src/dropout.rs lays it out."""
    blocks = (length + 15) // 16
    left, right = np.arange(blocks * 8, dtype=np.uint64), np.full(blocks * 8, k >> 32, dtype=np.uint64)
    word = k & LOW
    for _ in range(10):
        product = (left & np.uint64(LOW)) * np.uint64(0xD256D193)
        left, right = (product >> np.uint64(32)) ^ np.uint64(word) ^ right, product & np.uint64(LOW)
        word = (word + 0x9E3779B9) & LOW
    kept = np.stack([left.reshape(-1, 8), right.reshape(-1, 8)], 1) >= np.uint64(round(rate * 2**32))
    return (kept.reshape(-1)[:length] / (1 - rate)).astype(np.float32)


def compare(data, init, run):
    config = (pathlib.Path(run) / "config.yaml").read_text()
    number = lambda name, kind: kind(next(l.split(":")[1] for l in config.splitlines() if l.strip().startswith(f"{name}:")))
    events = [json.loads(line) for line in open(pathlib.Path(run) / "metrics.jsonl")]
    theirs = [event["train_loss"] for event in events if event["event"] == "epoch"]
    file = h5py.File(data)
    pixels = torch.from_numpy(file["images"][:].astype(np.float32)).permute(0, 3, 1, 2).contiguous()
    labels, people = file["labels"][:].astype(np.int64), file["subject"][:]
    left_out = list(dict.fromkeys(people))[number("fold", int)]
    rows = np.where(people != left_out)[0]
    rows = rows[np.argsort(labels[rows], kind="stable")]
    network = Ststnet()
    network.load_state_dict(load_file(init), strict=False)
    optimizer = torch.optim.Adam(network.parameters(), number("lr", float))
    seed, step, largest = number("seed", int), 0, 0.0
    for epoch, loss_of_run in enumerate(theirs, 1):
        total = 0.0
        for batch in (rows[:256], rows[256:]):
            mask_key = key(key(seed, [step, 0]), [NODE])
            logits = network(pixels[batch], lambda length: dropout_mask(mask_key, 0.5, length))
            loss = nn.functional.cross_entropy(logits, torch.from_numpy(labels[batch]))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(batch)
            step += 1
        mean = total / len(rows)
        largest = max(largest, abs(mean - loss_of_run))
        print(f"epoch {epoch:3}  PyTorch {mean:.6f}  the run {loss_of_run:.6f}")
    print(f"largest difference {largest:.1e}")
    sys.exit(0 if theirs and largest < 1e-4 else 1)


if sys.argv[1:2] == ["init"] and len(sys.argv) == 3:
    torch.manual_seed(7)
    state = Ststnet().state_dict()
    save_file({k: v.contiguous() for k, v in state.items() if not k.endswith("num_batches_tracked")}, sys.argv[2])
elif sys.argv[1:2] == ["compare"] and len(sys.argv) == 5:
    compare(*sys.argv[2:])
else:
    sys.exit(__doc__)
