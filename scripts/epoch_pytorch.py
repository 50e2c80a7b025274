#!/usr/bin/env python3
"""One epoch on a prepared file in PyTorch, beside `ferrotype train --set train.epochs=1`: the wall time of loading,
augmenting (flip, shift), resizing and training, with the networks of bench_nets.py.

    ferrotype train --config configs/fer2013/mini_xception.yaml --set train.epochs=1
    .venv/bin/python scripts/epoch_pytorch.py datasets/fer2013.h5 mini_xception --batch 64

The pipeline is written as one would for speed: all pictures in memory as one tensor, flips and shifts of a whole batch at
once by one affine resampling to the network's size (which Ferrotype does picture by picture on worker threads). Validation
is not in the time.
"""
import argparse
import time

import h5py
import torch
import torch.nn.functional as F

from bench_nets import NETS


def batches(images, labels, size, batch):
    """Augmented batches of one epoch: flip, shift of up to a tenth, bilinear to `size`, scaled to [-1, 1]."""
    for rows in torch.randperm(len(images)).split(batch):
        x = images[rows].float().div_(127.5).sub_(1.0)
        n = len(rows)
        theta = torch.zeros(n, 2, 3)
        theta[:, 0, 0] = torch.randint(0, 2, (n,)).float() * 2 - 1
        theta[:, 1, 1] = 1
        theta[:, :, 2] = torch.empty(n, 2).uniform_(-0.2, 0.2)
        grid = F.affine_grid(theta, (n, 1, size, size), align_corners=False)
        yield F.grid_sample(x, grid, padding_mode="border", align_corners=False), labels[rows]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data")
    parser.add_argument("network")
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--steps", type=int, help="stop after so many steps and say what a whole epoch would take")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    with h5py.File(options.data) as file:
        train = file["split"][:] == 0
        images = torch.from_numpy(file["images"][:][train]).permute(0, 3, 1, 2).contiguous()
        labels = torch.from_numpy(file["labels"][:][train].astype("int64"))
    network = NETS[options.network]().train()
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)
    total = -(-len(images) // options.batch)
    start, loss_sum, steps = time.perf_counter(), 0.0, 0
    for x, y in batches(images, labels, options.size, options.batch):
        loss = F.cross_entropy(network(x), y)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        loss_sum += loss.item()
        steps += 1
        if steps == options.steps:
            break
    seconds = time.perf_counter() - start
    print(f"{options.network}: {steps} of {total} steps of {options.batch} in {seconds:.1f} s, mean loss {loss_sum / steps:.4f}")
    print(f"a whole epoch: {seconds * total / steps:.1f} s, {steps * options.batch / seconds:.0f} images/s")


if __name__ == "__main__":
    main()
