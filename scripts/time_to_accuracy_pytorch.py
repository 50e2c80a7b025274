#!/usr/bin/env python3
"""configs/ferplus/ferronet.yaml in PyTorch: trains until the validation set says the target, and scores the test set once. Beside

    ferrotype bench time-to-accuracy --config configs/ferplus/ferronet.yaml --target 0.8472
    .venv/bin/python scripts/time_to_accuracy_pytorch.py datasets/ferplus.h5 --target 0.8472

The same network (bench_nets.py), rows, targets, augmentation, optimizer, rates and validation. The pipeline is written as one would for speed:
all pictures in memory, a batch augmented at once by one affine resampling. Other random numbers: the epoch that reaches the target differs
from seed to seed. `--channels-last` is the faster form on some processors.
"""
import argparse
import math
import time

import h5py
import numpy as np
import torch
import torch.nn.functional as F

from bench_nets import NETS

MEAN, STD = 0.508, 0.255
EMOTIONS = 8


def distribution(votes):
    """Microsoft's rule `crossentropy` (FERPlus, ferplus.py): the leading columns up to three quarters of the votes, or None."""
    votes = np.where(votes < 2, 0, votes).astype(int)
    total, left, kept = votes.sum(), votes.copy(), np.zeros_like(votes)
    collected, count, going = 0, 0, True
    while 4 * collected < 3 * total and count < 3 and going:
        most = left.max()
        for i in np.flatnonzero(left == most):
            kept[i], left[i] = most, 0
            collected, count = collected + most, count + 1
            if i >= EMOTIONS:
                going = False
                if kept.sum() > most:
                    kept[i], count = 0, count - 1
                break
    if 2 * kept.sum() <= total or count > 3 or kept.argmax() >= EMOTIONS:
        return None
    return kept[:EMOTIONS] / kept[:EMOTIONS].sum()


def majority(votes):
    """The emotion with more than half of the votes, or None."""
    votes = np.where(votes < 2, 0, votes).astype(int)
    best = votes.argmax()
    return int(best) if 2 * votes[best] > votes.sum() and best < EMOTIONS else None


def read(path):
    """Training pictures with distributions; pictures of the two other sets with classes."""
    with h5py.File(path) as file:
        images, split, votes = file["images"][:], file["split"][:], file["votes"][:]
    sets = []
    for part, rule in enumerate((distribution, majority, majority)):
        rows = [(i, rule(votes[i])) for i in np.flatnonzero(split == part)]
        rows = [(i, target) for i, target in rows if target is not None]
        x = torch.from_numpy(images[[i for i, _ in rows]]).permute(0, 3, 1, 2).contiguous()
        y = torch.tensor(np.array([target for _, target in rows]), dtype=torch.float32 if part == 0 else torch.int64)
        sets.append((x, y))
    return sets


def scaled(x):
    return x.float().div_(255).sub_(MEAN).div_(STD)


def augmented(x):
    """Flip, rotation of up to 10 degrees, shift of a tenth, scale of a tenth per axis, and a rectangle erased in a quarter of the pictures."""
    n, _, height, width = x.shape
    angle = torch.empty(n).uniform_(-10, 10) * math.pi / 180
    scale = torch.exp(torch.empty(n, 2).uniform_(-1, 1) * math.log(1.1))
    flip = torch.randint(0, 2, (n,)).float() * 2 - 1
    theta = torch.zeros(n, 2, 3)
    theta[:, 0, 0], theta[:, 0, 1] = flip * angle.cos() * scale[:, 0], -angle.sin() * scale[:, 1]
    theta[:, 1, 0], theta[:, 1, 1] = flip * angle.sin() * scale[:, 0], angle.cos() * scale[:, 1]
    theta[:, :, 2] = torch.empty(n, 2).uniform_(-0.2, 0.2)
    x = F.grid_sample(x, F.affine_grid(theta, (n, 1, height, width), align_corners=False), padding_mode="border", align_corners=False)
    for i in torch.where(torch.rand(n) < 0.25)[0].tolist():
        area, ratio = torch.empty(1).uniform_(0.02, 0.2).item() * height * width, math.exp(torch.empty(1).uniform_(-1, 1).item() * math.log(3.3))
        h, w = min(round(math.sqrt(area * ratio)), height), min(round(math.sqrt(area / ratio)), width)
        top, left = torch.randint(0, height - h + 1, (1,)).item(), torch.randint(0, width - w + 1, (1,)).item()
        x[i, :, top : top + h, left : left + w] = 0
    return x


@torch.inference_mode()
def accuracy(network, x, y, shape):
    """Averaged with mirror images."""
    network.eval()
    right = 0
    for rows in torch.arange(len(x)).split(256):
        pictures = scaled(x[rows]).to(memory_format=shape)
        right += (network(pictures) + network(pictures.flip(3))).argmax(1).eq(y[rows]).sum().item()
    return right / len(x)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", help="FER+, prepared by `ferrotype data prepare ferplus`")
    parser.add_argument("--target", type=float, default=0.8472)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--channels-last", action="store_true")
    parser.add_argument("--steps", type=int, help="only so many steps: what an epoch would take")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    began = time.perf_counter()
    (x, t), validation, test = read(options.data)
    print(f"{len(x)} training, {len(validation[0])} validation, {len(test[0])} test; read in {time.perf_counter() - began:.1f} s")
    shape = torch.channels_last if options.channels_last else torch.contiguous_format
    network = NETS["ferronet"]().to(memory_format=shape)
    decayed = [p for p in network.parameters() if p.dim() > 1]
    others = [p for p in network.parameters() if p.dim() <= 1]
    groups = [{"params": decayed, "weight_decay": 5e-4}, {"params": others, "weight_decay": 0.0}]
    optimizer = torch.optim.SGD(groups, lr=0.1, momentum=0.9, nesterov=True)
    per_epoch = -(-len(x) // 128)
    warmup, total = 2 * per_epoch, options.epochs * per_epoch

    def factor(step):
        return (step + 1) / warmup if step < warmup else 0.5 * (1 + math.cos(math.pi * (step - warmup) / (total - warmup)))

    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, factor)
    began, done = time.perf_counter(), 0
    for epoch in range(1, options.epochs + 1):
        network.train()
        for rows in torch.randperm(len(x)).split(128):
            pictures = augmented(scaled(x[rows])).to(memory_format=shape)
            loss = F.cross_entropy(network(pictures), t[rows])
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            schedule.step()
            loss.item()
            done += 1
            if done == options.steps:
                seconds = time.perf_counter() - began
                print(f"{done} steps in {seconds:.1f} s: {seconds / done * per_epoch:.1f} s an epoch")
                return
        value = accuracy(network, *validation, shape)
        print(f"epoch {epoch}/{options.epochs}  val accuracy {100 * value:.2f} %  {time.perf_counter() - began:.0f} s", flush=True)
        if value >= options.target:
            print(f"{100 * options.target:.2f} % after {epoch} epochs and {time.perf_counter() - began:.0f} s; ", end="")
            print(f"test accuracy {100 * accuracy(network, *test, shape):.2f} %")
            return
    print("the target was not reached")


if __name__ == "__main__":
    main()
