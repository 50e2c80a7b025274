#!/usr/bin/env python3
"""Three steps of centre loss and island loss in PyTorch, the centres moved as the papers say: the numbers that
crates/model/src/objective/center_loss.rs is held against.

    python3 scripts/center_loss.py
"""

import torch

FEATURES = [[1.0, -2.0, 0.5], [3.0, 0.2, -0.7], [1.5, 0.1, -1.0], [2.0, 2.0, 0.3]]
CLASSES = [0, 2, 0, 1]
WEIGHT, RATE, COUNT = 0.1, 0.5, 4


def step(centers, island):
    """The losses, their gradient, and the centres afterwards."""
    x = torch.tensor(FEATURES, dtype=torch.float64, requires_grad=True)
    y = torch.tensor(CLASSES)
    losses = WEIGHT / 2 * (x - centers[y]).square().sum(1)
    losses.sum().backward()
    moved = centers.clone()
    for k in range(COUNT):
        own = x.detach()[y == k]
        delta = (centers[k] - own).sum(0) / (1 + len(own))
        # By autograd, where the paper writes the derivative out.
        c = centers[k].clone().requires_grad_()
        others = [j for j in range(COUNT) if j != k and centers[j].norm() > 0 and centers[k].norm() > 0]
        if others and island:
            cosines = sum(torch.dot(c, centers[j]) / (c.norm() * centers[j].norm()) + 1 for j in others)
            cosines.backward()
            delta = delta + island / (COUNT - 1) * c.grad
        moved[k] = centers[k] - RATE * delta
    return losses.detach(), x.grad, moved


for island in (0.0, 10.0):
    centers = torch.zeros(COUNT, 3, dtype=torch.float64)
    for _ in range(3):
        losses, gradient, centers = step(centers, island)
    print(f"island {island}")
    for name, values in (("losses", losses), ("gradient", gradient), ("centres", centers)):
        print(f"  {name}: {[round(v, 6) for v in values.flatten().tolist()]}")
