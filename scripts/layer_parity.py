#!/usr/bin/env python3
"""Prints the numbers of src/model/parity.rs: every kind of layer, computed by PyTorch.

    pip install torch==2.9.0 && python scripts/layer_parity.py

Inputs, parameters and running statistics are filled by one formula, so nothing needs to be stored. For each layer:
checksums (dot products with the same fill) of its output in evaluation, its output in training, the gradients of all
parameters and the running statistics after one step in training. The loss is the dot product of the output with a fill.
"""
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.set_default_dtype(torch.float64)


def fill(n, start=0):
    i = torch.arange(start, start + n)
    return ((i * 37 + 11) % 101) / 101.0 - 0.5


def dot(t):
    t = t.detach().reshape(-1)
    return float((t * fill(t.numel(), 7)).sum())


class Same(nn.Module):
    """TensorFlow's SAME border before a window layer."""

    def __init__(self, layer, kernel, stride, value=0.0):
        super().__init__()
        self.layer, self.kernel, self.stride, self.value = layer, kernel, stride, value

    def forward(self, x):
        pads = []
        for size in (x.shape[3], x.shape[2]):
            total = max((-(-size // self.stride) - 1) * self.stride + self.kernel - size, 0)
            pads += [total // 2, total - total // 2]
        return self.layer(F.pad(x, pads, value=self.value))


class Residual(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(2, 2, 1)

    def forward(self, x):
        return F.relu(self.conv(x) + x)


class KerasBiased(nn.BatchNorm2d):
    """Normalises as PyTorch does; the running variance is the biased one."""

    def forward(self, x):
        old = self.running_var.clone()
        y = super().forward(x)
        if self.training:
            seen = x.var((0, 2, 3), unbiased=False)
            self.running_var = ((1 - self.momentum) * old + self.momentum * seen).detach()
        return y


def mixed(layer, channels=2):
    """A 1x1 convolution before a layer without parameters: its gradients show that layer's."""
    return nn.Sequential(nn.Conv2d(channels, channels, 1), layer)


INF = float("inf")
LAYERS = [
    ("dense", (2, 3, 7, 6), nn.Conv2d(3, 4, 3, padding=1)),
    ("same_even", (2, 3, 7, 6), Same(nn.Conv2d(3, 4, 4), 4, 1)),
    ("same_even_stride", (2, 1, 9, 10), Same(nn.Conv2d(1, 4, 8, stride=2), 8, 2)),
    ("same_one_stride", (2, 3, 7, 6), Same(nn.Conv2d(3, 4, 1, stride=2, bias=False), 1, 2)),
    ("grouped", (2, 4, 5, 6), nn.Conv2d(4, 6, 3, groups=2)),
    ("depthwise", (2, 4, 7, 6), Same(nn.Conv2d(4, 4, 3, groups=4, bias=False), 3, 1)),
    ("depthwise_stride", (2, 4, 7, 6), Same(nn.Conv2d(4, 4, 3, stride=2, groups=4), 3, 2)),
    ("norm_pytorch", (3, 2, 4, 5), nn.BatchNorm2d(2)),
    ("norm_keras", (3, 2, 4, 5), nn.BatchNorm2d(2, eps=1e-3, momentum=0.01)),
    ("norm_keras_biased", (3, 2, 4, 5), KerasBiased(2, eps=1e-3, momentum=0.01)),
    ("norm_relu", (3, 2, 4, 5), nn.Sequential(nn.BatchNorm2d(2), nn.ReLU())),
    ("conv_relu6", (2, 3, 5, 5), nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU6())),
    ("max_pool", (2, 2, 7, 6), mixed(nn.MaxPool2d(2))),
    ("max_pool_same", (2, 2, 7, 6), mixed(Same(nn.MaxPool2d(3, 2), 3, 2, -INF))),
    ("max_pool_pad", (2, 2, 7, 6), mixed(nn.MaxPool2d(3, 2, padding=1))),
    ("avg_pool", (2, 2, 7, 6), mixed(nn.AvgPool2d(2))),
    ("avg_pool_same", (2, 2, 7, 7), mixed(nn.AvgPool2d(3, 2, padding=1, count_include_pad=False))),
    ("global_avg_pool", (2, 5, 3, 4), mixed(nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten()), 5)),
    ("linear_relu", (2, 2, 2, 3), nn.Sequential(nn.Flatten(), nn.Linear(12, 5), nn.ReLU())),
    ("residual", (2, 2, 3, 3), Residual()),
]


def main():
    for name, shape, layer in LAYERS:
        with torch.no_grad():
            for k, p in enumerate(layer.parameters()):
                p.copy_(2 * fill(p.numel(), 100 * (k + 1)).reshape(p.shape))
            for b in layer.buffers():
                if b.dim() == 1:
                    b.copy_(fill(b.numel(), 50) + 1.0)
        x = (4 * fill(int(torch.tensor(shape).prod()))).reshape(shape)
        evaluated = layer.eval()(x)
        trained = layer.train()(x)
        loss = (trained.reshape(-1) * fill(trained.numel(), 3)).sum()
        gradients = sum(dot(g) for g in torch.autograd.grad(loss, list(layer.parameters())))
        buffers = sum(dot(b) for b in layer.buffers() if b.dim() == 1)
        numbers = ", ".join(f"{v:.6f}" for v in (dot(evaluated), dot(trained), gradients, buffers))
        print(f'    ("{name}", [{", ".join(map(str, shape))}], [{numbers}]),')


main()
