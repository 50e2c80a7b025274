#!/usr/bin/env python3
"""Prints the numbers of crates/model/src/zoo/mobilenet_v2/tests.rs: torchvision's MobileNetV2 with weights filled by a formula.

    pip install torch==2.9.0 torchvision==0.24.0 && python scripts/mobilenet_v2_parity.py

For each width multiplier and size: parameters, and the first five logits of two pictures in evaluation.
"""
import torch
import torchvision

torch.set_default_dtype(torch.float64)


def fill(n, start=0):
    i = torch.arange(start, start + n)
    return ((i * 37 + 11) % 101) / 101.0 - 0.5


def main():
    for width, size in [(1.0, 64), (0.35, 48), (1.4, 57)]:
        model = torchvision.models.mobilenet_v2(width_mult=width, num_classes=10).eval()
        with torch.no_grad():
            for k, (name, p) in enumerate(model.named_parameters()):
                scale = 4 / (p.numel() / p.shape[0]) ** 0.5 if p.dim() > 1 else 1.0
                is_scale = name.startswith("features") and name.endswith("weight") and p.dim() == 1
                shift = 1.0 if is_scale else 0.0
                p.copy_((scale * fill(p.numel(), 100 * (k + 1)) + shift).reshape(p.shape))
            for name, b in model.named_buffers():
                if b.dim() == 1:
                    b.copy_(fill(b.numel(), 50) + (1.0 if name.endswith("running_var") else 0.0))
            x = (4 * fill(2 * 3 * size * size)).reshape(2, 3, size, size)
            logits = model(x)[:, :5].reshape(-1)
        count = sum(p.numel() for p in model.parameters())
        print(f"    ({width}, {size}, {count}, [{', '.join(f'{v:.6f}' for v in logits)}]),")


main()
