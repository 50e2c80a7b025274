#!/usr/bin/env python3
"""The networks of `ferrotype bench` in PyTorch, measured the same way.

    python -m venv .venv && .venv/bin/pip install torch==2.9.0 numpy
    ferrotype models --json > models.json
    .venv/bin/python scripts/bench_pytorch.py --check models.json --weights DIR
    .venv/bin/python scripts/bench_pytorch.py --serve --variant channels_last --threads 2

Layers, names, weights, dropout rates, batch norm, loss and optimizer are those of src/model/zoo; Keras-style borders
that PyTorch has no option for are made with F.pad. With `--serve` it takes the same orders from standard input as
`ferrotype bench --serve` (docs/benchmarks.md). scripts/bench.py runs both in turns.
"""
import argparse
import json
import resource
import struct
import sys
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

LR = 1e-3
TOLERANCE = 1e-4  # largest logit difference, relative to the range of the logits


class Net(nn.Module):
    """A network whose modules have dotted names, so that its weights have the names of ours."""

    l2 = {}  # parameter name -> coefficient of Keras' L2 regulariser

    def add(self, name, module):
        *path, last = name.split(".")
        place = self
        for part in path:
            if not hasattr(place, part):
                place.add_module(part, nn.Module())
            place = getattr(place, part)
        place.add_module(last, module)
        return module

    def dropout(self, rate):
        """A layer that train() and eval() reach: those in plain lists are not registered."""
        self.dropouts = getattr(self, "dropouts", 0) + 1
        return self.add(f"drop.after{self.dropouts}", nn.Dropout(rate))


def keras_norm(width):
    return nn.BatchNorm2d(width, eps=1e-3, momentum=0.01)


class SameConv(nn.Conv2d):
    """TensorFlow's SAME border where it is not symmetric: `before` pixels before, `after` behind."""

    def __init__(self, i, o, k, before, after, **options):
        super().__init__(i, o, k, **options)
        self.border = (before, after, before, after)

    def forward(self, x):
        return super().forward(F.pad(x, self.border))


class Vgg13(Net):
    shape, classes = (1, 64, 64), 8

    def __init__(self):
        super().__init__()
        layers, width = [], 1
        for block, (out, convs) in enumerate([(64, 2), (128, 2), (256, 3), (256, 3)], 1):
            for i in range(1, convs + 1):
                layers += [self.add(f"features.conv{block}_{i}", nn.Conv2d(width, out, 3, padding=1)), nn.ReLU(True)]
                width = out
            layers += [nn.MaxPool2d(2), self.dropout(0.25)]
        layers.append(nn.Flatten())
        for i, inputs in [(1, 4096), (2, 1024)]:
            layers += [self.add(f"head.fc{i}", nn.Linear(inputs, 1024)), nn.ReLU(True), self.dropout(0.5)]
        layers.append(self.add("head.logits", nn.Linear(1024, self.classes)))
        self.run = [layers]

    def forward(self, x):
        for layer in self.run[0]:
            x = layer(x)
        return x


class EmopyCnn(Net):
    shape, classes = (1, 64, 64), 8
    l2 = {"block1.conv1.weight": 0.01}
    forward = Vgg13.forward

    def __init__(self):
        super().__init__()
        same = lambda: SameConv(32, 32, 4, 1, 2)
        layers = [self.add("block1.conv1", nn.Conv2d(1, 32, 4)), nn.ReLU(True)]
        layers += [self.add("block1.conv2", same()), nn.ReLU(True), self.add("block1.bn2", keras_norm(32))]
        layers += [nn.MaxPool2d(2), self.dropout(0.5)]
        for block in (2, 3):
            for i in (1, 2):
                layers += [self.add(f"block{block}.conv{i}", same()), nn.ReLU(True)]
                layers.append(self.add(f"block{block}.bn{i}", keras_norm(32)))
            layers += [nn.MaxPool2d(2), self.dropout(0.5)]
        layers += [nn.Flatten(), self.add("head.logits", nn.Linear(32 * 7 * 7, self.classes))]
        self.run = [layers]


class MiniXception(Net):
    shape, classes = (1, 64, 64), 7
    l2 = {"base.conv1.weight": 0.01, "base.conv2.weight": 0.01}

    def __init__(self):
        super().__init__()
        base = []
        for i, inputs in [(1, 1), (2, 8)]:
            base += [self.add(f"base.conv{i}", nn.Conv2d(inputs, 8, 3, bias=False))]
            base += [self.add(f"base.bn{i}", keras_norm(8)), nn.ReLU(True)]
        modules, width, size = [], 8, 60
        for i, out in enumerate((16, 32, 64, 128), 1):
            modules.append(self.module(f"module{i}", width, out, size))
            width, size = out, -(-size // 2)
        self.run = [base, modules, self.add("head.conv", nn.Conv2d(width, self.classes, 3, padding=1))]

    def module(self, name, width, out, size):
        side = [self.add(f"{name}.residual.conv", nn.Conv2d(width, out, 1, stride=2, bias=False))]
        side.append(self.add(f"{name}.residual.bn", keras_norm(out)))
        main = []
        for i, inputs in [(1, width), (2, out)]:
            depthwise = nn.Conv2d(inputs, inputs, 3, padding=1, groups=inputs, bias=False)
            main.append(self.add(f"{name}.sep{i}.depthwise", depthwise))
            main.append(self.add(f"{name}.sep{i}.pointwise", nn.Conv2d(inputs, out, 1, bias=False)))
            main.append(self.add(f"{name}.bn{i}", keras_norm(out)))
            main += [nn.ReLU(True)] if i == 1 else []
        # SAME for a window of 3 and a stride of 2: an even size has one pixel more after, which is what a window that
        # hangs over the edge sees (ceil_mode, no copy); an odd size has one on each side.
        main.append(nn.MaxPool2d(3, 2, ceil_mode=True) if size % 2 == 0 else nn.MaxPool2d(3, 2, padding=1))
        return [side, main]

    def forward(self, x):
        base, modules, head = self.run
        for layer in base:
            x = layer(x)
        for side, main in modules:
            s = x
            for layer in side:
                s = layer(s)
            for layer in main:
                x = layer(x)
            x = x + s
        return head(x).mean((2, 3))


class Resnet18(Net):
    shape, classes = (1, 48, 48), 7

    def __init__(self):
        super().__init__()
        stem = [self.conv("conv1", 1, 64, 3, 1), self.add("bn1", nn.BatchNorm2d(64)), nn.ReLU(True)]
        blocks, width = [], 64
        for stage, out in enumerate((64, 128, 256, 512), 1):
            for i in (0, 1):
                blocks.append(self.block(f"layer{stage}.{i}", width, out, 2 if stage > 1 and i == 0 else 1))
                width = out
        self.run = [stem, blocks, self.add("fc", nn.Linear(512, self.classes))]

    def conv(self, name, i, o, k, stride):
        return self.add(name, nn.Conv2d(i, o, k, stride=stride, padding=k // 2, bias=False))

    def block(self, name, width, out, stride):
        main = []
        for i, inputs, step in [(1, width, stride), (2, out, 1)]:
            main += [self.conv(f"{name}.conv{i}", inputs, out, 3, step), self.add(f"{name}.bn{i}", nn.BatchNorm2d(out))]
            main += [nn.ReLU(True)] if i == 1 else []
        side = []
        if stride != 1 or width != out:
            side = [self.conv(f"{name}.downsample.0", width, out, 1, stride)]
            side.append(self.add(f"{name}.downsample.1", nn.BatchNorm2d(out)))
        return [side, main]

    def forward(self, x):
        stem, blocks, fc = self.run
        for layer in stem:
            x = layer(x)
        for side, main in blocks:
            s = x
            for layer in side:
                s = layer(s)
            for layer in main:
                x = layer(x)
            x = F.relu(x.add_(s), True)
        return fc(F.adaptive_avg_pool2d(x, 1).flatten(1))


class DepthwiseSeparable(Net):
    shape, classes = (1, 64, 64), 7
    forward = Vgg13.forward

    def __init__(self):
        super().__init__()
        layers = [self.add("stem.conv", nn.Conv2d(1, 32, 3, padding=1, bias=False))]
        layers += [self.add("stem.bn", nn.BatchNorm2d(32)), nn.ReLU(True)]
        blocks = [(64, True), (128, False), (128, True), (256, False), (256, True), (512, False), (512, False)]
        width = 32
        for i, (out, pooled) in enumerate(blocks, 1):
            depthwise = nn.Conv2d(width, width, 3, padding=1, groups=width, bias=False)
            layers += [self.add(f"block{i}.depthwise", depthwise)]
            layers += [self.add(f"block{i}.bn1", nn.BatchNorm2d(width)), nn.ReLU(True)]
            layers += [self.add(f"block{i}.pointwise", nn.Conv2d(width, out, 1, bias=False))]
            layers += [self.add(f"block{i}.bn2", nn.BatchNorm2d(out)), nn.ReLU(True)]
            layers += [nn.MaxPool2d(2)] if pooled else []
            width = out
        layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten(), self.add("head.logits", nn.Linear(512, self.classes))]
        self.run = [layers]


class MicroExpNet(Net):
    shape, classes = (1, 84, 84), 8
    forward = Vgg13.forward

    def __init__(self):
        super().__init__()
        layers = [self.add("conv1", nn.Conv2d(1, 16, 8, stride=2, padding=3)), nn.ReLU(True), nn.MaxPool2d(2)]
        layers += [self.add("conv2", SameConv(16, 32, 4, 1, 2, stride=2)), nn.ReLU(True)]
        layers += [nn.MaxPool2d(2, ceil_mode=True), nn.Flatten()]  # 11 -> 6: SAME, the border after
        layers += [self.add("fc1", nn.Linear(32 * 6 * 6, 48)), nn.ReLU(True), self.dropout(0.5)]
        layers += [self.add("logits", nn.Linear(48, self.classes))]
        self.run = [layers]


NETS = {
    "vgg13": Vgg13,
    "emopy_cnn": EmopyCnn,
    "mini_xception": MiniXception,
    "resnet18": Resnet18,
    "depthwise_separable": DepthwiseSeparable,
    "micro_exp_net": MicroExpNet,
}


class Subject:
    """A network with fixed random data: the counterpart of src/bench/subject.rs."""

    def __init__(self, name, batch, options):
        torch.manual_seed(1)
        if name not in NETS:
            raise ValueError(f"there is no network {name} here: {', '.join(NETS)}")
        self.layout = torch.channels_last if options.variant == "channels_last" else torch.contiguous_format
        self.device = torch.device(options.device)
        self.net = NETS[name]().to(self.device, memory_format=self.layout)
        self.x = torch.rand(batch, *self.net.shape, device=self.device) * 2 - 1
        self.x = self.x.contiguous(memory_format=self.layout)
        self.targets = torch.full((batch, self.net.classes), 0.5 / self.net.classes, device=self.device)
        self.targets[torch.arange(batch), torch.randint(self.net.classes, (batch,))] += 0.5
        named = dict(self.net.named_parameters())
        groups = [{"params": [p for n, p in named.items() if n not in self.net.l2]}]
        groups += [{"params": [named[n]], "weight_decay": 2 * c} for n, c in self.net.l2.items()]
        make = {"sgd": lambda g: torch.optim.SGD(g, lr=LR, momentum=0.9), "adam": lambda g: torch.optim.Adam(g, lr=LR)}
        self.optimizer = make[options.optimizer](groups)

    def parameters(self):
        return sum(p.numel() for p in self.net.parameters())

    def train_step(self):
        self.optimizer.zero_grad(set_to_none=True)
        logits = self.net(self.x)
        loss = F.cross_entropy(logits, self.targets)
        loss.backward()
        self.optimizer.step()
        right = (logits.detach().argmax(1) == self.targets.argmax(1)).sum().item()
        return loss.item(), right

    def train(self, steps):
        self.net.train()
        return [timed(self.train_step) for _ in range(steps)]

    def infer(self, passes):
        self.net.eval()
        with torch.inference_mode():
            return [timed(lambda: self.net(self.x).cpu().numpy()) for _ in range(passes)]


def timed(f):
    began = time.perf_counter()
    f()
    return (time.perf_counter() - began) * 1e3


def peak_mib():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


class Worker:
    """Carries out orders; keeps the networks it has built."""

    def __init__(self, options):
        self.options, self.subjects = options, {}

    def subject(self, kind, name, batch):
        key, first = (kind, name, batch), None
        if key not in self.subjects:
            began = time.perf_counter()
            subject = Subject(name, batch, self.options)
            (subject.train if kind == "train" else subject.infer)(1)
            first = (time.perf_counter() - began) * 1e3
            self.subjects[key] = subject
        return self.subjects[key], first

    def answer(self, line):
        kind, *rest = line.split()
        if kind in ("train", "infer"):
            name, batch, count = rest[0], int(rest[1]), int(rest[2])
            subject, first = self.subject(kind, name, batch)
            ms = (subject.train if kind == "train" else subject.infer)(count)
            return {"mode": kind, "model": name, "batch": batch, "parameters": subject.parameters(), "ms": ms,
                    "first_ms": first, "peak_mib": peak_mib()}
        if kind == "drop":
            self.subjects.clear()
            return {"mode": "drop"}
        raise ValueError(f"`{line}` is no order: expected train or infer MODEL BATCH COUNT, drop or quit")


def serve(options):
    about = {"side": "pytorch", "version": torch.__version__, "device": options.device, "variant": options.variant,
             "threads": torch.get_num_threads(), "optimizer": options.optimizer}
    print(json.dumps(about), flush=True)
    worker = Worker(options)
    for line in sys.stdin:
        if line.strip() == "quit":
            break
        try:
            answer = worker.answer(line.strip())
        except Exception as error:  # a crash of the process itself shows as the end of its output
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), flush=True)


def read_safetensors(path):
    """The tensors of a safetensors file (f32 only), without the package of that name."""
    data = Path(path).read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    header.pop("__metadata__", None)
    out = {}
    for name, entry in header.items():
        begin, end = (8 + length + offset for offset in entry["data_offsets"])
        out[name] = torch.from_numpy(np.frombuffer(data[begin:end], np.float32).reshape(entry["shape"]).copy())
    return out


def check(options):
    """Same number of parameters as ours, and, with our weights, the same logits and loss: one line per network."""
    ours = {}
    for line in Path(options.check).read_text().splitlines():
        ours[json.loads(line)["name"]] = json.loads(line)
    ok = True
    for name, make in NETS.items():
        torch.manual_seed(1)
        net = make().to(memory_format=torch.channels_last if options.variant == "channels_last" else torch.contiguous_format)
        count, wanted = sum(p.numel() for p in net.parameters()), ours[name]["parameters"]
        good, text = count == wanted, f"{count} parameters (ours {wanted})"
        file = Path(options.weights or "") / f"{name}.safetensors"
        if options.weights and not file.is_file():
            good, text = False, text + f", no {file}"
        elif options.weights:
            known = read_safetensors(file)
            logits, pixels, _ = (known.pop(key) for key in ("logits", "pixels", "targets"))
            state = {k: v for k, v in net.state_dict().items() if not k.endswith("num_batches_tracked")}
            if set(state) != set(known):
                sys.exit(f"{name}: other names than ours: {sorted(set(state) ^ set(known))[:8]}")
            net.load_state_dict(known, strict=False)
            with torch.inference_mode():
                difference = (net.eval()(pixels) - logits).abs().max().item()
            span = (logits.max() - logits.min()).item()
            good &= difference <= TOLERANCE * span and span > 0
            text += f", largest logit difference {difference:.1e} where logits span {span:.3g}"
        ok &= good
        print(f"{'ok  ' if good else 'FAIL'} {name:20} {text}")
    sys.exit(0 if ok else 1)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--variant", choices=["default", "channels_last"], default="default")
    parser.add_argument("--threads", type=int, default=0, help="0: PyTorch's choice")
    parser.add_argument("--optimizer", choices=["sgd", "adam"], default="sgd")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--serve", action="store_true", help="take orders from standard input")
    parser.add_argument("--once", nargs=4, metavar=("KIND", "MODEL", "BATCH", "COUNT"), help="one order, then exit")
    parser.add_argument("--check", metavar="FILE", help="compare with `ferrotype models --json`")
    parser.add_argument("--weights", metavar="FOLDER", help="with --check: NAME.safetensors of each network")
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
    if options.check:
        check(options)
    elif options.once:
        print(json.dumps(Worker(options).answer(" ".join(options.once))))
    else:
        serve(options)


if __name__ == "__main__":
    main()
