#!/usr/bin/env python3
"""Prints the numbers of crates/model/src/zoo/{efficientnet_b0,mobilenet_v3,resemotenet}/tests.rs: torchvision's networks and
ResEmoteNet, their weights filled by a formula.

    pip install torch==2.9.0 torchvision==0.24.0 && python scripts/zoo_parity.py

For each network and size: parameters; a hash (FNV-1a) of the sorted names of parameters and running statistics, one per line; the
first five logits of two pictures in evaluation; and of a training step on four pictures without dropout and stochastic depth: the
first five logits of the first picture, and for five parameters spread over the network the sum of the gradient times a fill, the loss
being the logits' sum times a fill; and the sum of the running variances times a fill.
"""
import torch
import torch.nn as nn
import torchvision

torch.set_default_dtype(torch.float64)


def fill(n, start=0):
    i = torch.arange(start, start + n)
    return ((i * 37 + 11) % 101) / 101.0 - 0.5


def dot(t, start=7):
    return float((t.detach().reshape(-1) * fill(t.numel(), start)).sum())


def fnv(text):
    h = 0xCBF29CE484222325
    for b in text.encode():
        h = ((h ^ b) * 0x100000001B3) & ((1 << 64) - 1)
    return h


def filled(model):
    with torch.no_grad():
        for k, (name, p) in enumerate(model.named_parameters()):
            scale = 4 / (p.numel() / p.shape[0]) ** 0.5 if p.dim() > 1 else 1.0
            shift = 1.0 if name.endswith("weight") and p.dim() == 1 else 0.0
            p.copy_((scale * fill(p.numel(), 100 * (k + 1)) + shift).reshape(p.shape))
        for name, b in model.named_buffers():
            if b.dim() == 1:
                b.copy_(fill(b.numel(), 50) + (1.0 if name.endswith("running_var") else 0.0))
    return model


class Residual(nn.Module):
    """ResEmoteNet's block of stride 2."""

    def __init__(self, inputs, outputs):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(inputs, outputs, 3, stride=2, padding=1), nn.BatchNorm2d(outputs)
        self.conv2, self.bn2 = nn.Conv2d(outputs, outputs, 3, padding=1), nn.BatchNorm2d(outputs)
        self.shortcut = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride=2), nn.BatchNorm2d(outputs))

    def forward(self, x):
        y = self.bn2(self.conv2(self.bn1(self.conv1(x)).relu()))
        return (y + self.shortcut(x)).relu()


class Excitation(nn.Module):
    """ResEmoteNet's squeeze and excitation, without biases."""

    def __init__(self, channels):
        super().__init__()
        layers = nn.Linear(channels, channels // 16, bias=False), nn.ReLU(), nn.Linear(channels // 16, channels, bias=False)
        self.fc = nn.Sequential(*layers, nn.Sigmoid())

    def forward(self, x):
        return x * self.fc(x.mean((2, 3)))[:, :, None, None]


class ResEmoteNet(nn.Module):
    """By the names of ArnabKumarRoy02/ResEmoteNet, approach/ResEmoteNet.py; its dropout is left out."""

    def __init__(self, width, classes):
        super().__init__()
        sizes = [3, width, 2 * width, 4 * width]
        for i in (1, 2, 3):
            self.add_module(f"conv{i}", nn.Conv2d(sizes[i - 1], sizes[i], 3, padding=1))
            self.add_module(f"bn{i}", nn.BatchNorm2d(sizes[i]))
        self.se = Excitation(4 * width)
        for i in (1, 2, 3):
            self.add_module(f"res_block{i}", Residual(2 ** (i + 1) * width, 2 ** (i + 2) * width))
        sizes = [32 * width, 16 * width, 8 * width, 4 * width, classes]
        for i in (1, 2, 3, 4):
            self.add_module(f"fc{i}", nn.Linear(sizes[i - 1], sizes[i]))

    def forward(self, x):
        for conv, bn in [(self.conv1, self.bn1), (self.conv2, self.bn2), (self.conv3, self.bn3)]:
            x = nn.functional.max_pool2d(bn(conv(x)).relu(), 2)
        x = self.res_block3(self.res_block2(self.res_block1(self.se(x)))).mean((2, 3))
        return self.fc4(self.fc3(self.fc2(self.fc1(x).relu()).relu()).relu())


def pictures(count, size):
    return (4 * fill(count * 3 * size * size)).reshape(count, 3, size, size)


def show(values):
    return ", ".join(f"{v:.6f}" for v in values)


def main():
    models, settings = torchvision.models, dict(num_classes=10, dropout=0.0)
    for name, size, make in [
        ("efficientnet_b0", 64, lambda: models.efficientnet_b0(stochastic_depth_prob=0.0, **settings)),
        ("mobilenet_v3_small", 64, lambda: models.mobilenet_v3_small(**settings)),
        ("mobilenet_v3_small, width 0.75", 57, lambda: models.mobilenet_v3_small(width_mult=0.75, **settings)),
        ("mobilenet_v3_large", 64, lambda: models.mobilenet_v3_large(**settings)),
        ("resemotenet, width 8", 64, lambda: ResEmoteNet(8, 10)),
    ]:
        model = filled(make())
        names = sorted(n for n in model.state_dict() if not n.endswith("num_batches_tracked"))
        with torch.no_grad():
            logits = model.eval()(pictures(2, size))[:, :5].reshape(-1)
        trained = model.train()(pictures(4, size))
        loss = (trained.reshape(-1) * fill(trained.numel(), 3)).sum()
        gradients = torch.autograd.grad(loss, list(model.parameters()))
        chosen = [len(gradients) * (2 * i + 1) // 10 for i in range(5)]
        variances = sum(dot(b) for n, b in model.named_buffers() if n.endswith("running_var"))
        print(name, size, "parameters", sum(p.numel() for p in model.parameters()), "names", hex(fnv("\n".join(names))))
        print("  logits", show(logits))
        print("  trained", show(trained[0, :5]))
        print("  gradients", show(dot(gradients[i]) for i in chosen), "variances", f"{variances:.6f}")
    for name in ["efficientnet_b0", "mobilenet_v3_small", "mobilenet_v3_large"]:
        print(name, "1000 classes:", sum(p.numel() for p in getattr(models, name)().parameters()))
    print("resemotenet 7 classes:", sum(p.numel() for p in ResEmoteNet(64, 7).parameters()))


main()
