#!/usr/bin/env python3
"""The networks of `ferrotype bench` in PyTorch, measured the same way.

    python -m venv .venv && .venv/bin/pip install torch==2.9.0 numpy
    ferrotype models --json > models.json
    .venv/bin/python scripts/bench_pytorch.py --check models.json --weights DIR
    .venv/bin/python scripts/bench_pytorch.py --serve --variant channels_last --threads 2

The networks are in scripts/bench_nets.py; loss and optimizer are those of src/bench/subject.rs. With `--serve` it
takes the same orders from standard input as `ferrotype bench --serve` (docs/benchmarks.md). scripts/bench.py runs both in turns.
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
import torch.nn.functional as F

from bench_nets import NETS

LR = 1e-3
TOLERANCE = 1e-4  # largest logit difference, relative to the range of the logits


class Compiled(torch.nn.Module):
    """A network behind torch.compile that still says what the network says of itself."""

    def __init__(self, net):
        super().__init__()
        self.net, self.compiled = net, torch.compile(net)
        self.shape, self.classes, self.l2 = net.shape, net.classes, {f"net.{name}": c for name, c in net.l2.items()}

    def forward(self, x):
        return self.compiled(x)


class Subject:
    """A network with fixed random data: the counterpart of src/bench/subject.rs."""

    def __init__(self, name, batch, options):
        torch.manual_seed(1)
        if name not in NETS:
            raise ValueError(f"there is no network {name} here: {', '.join(NETS)}")
        self.layout = torch.channels_last if options.variant == "channels_last" else torch.contiguous_format
        self.device = torch.device(options.device)
        self.net = NETS[name]().to(self.device, memory_format=self.layout)
        if options.compile:
            self.net = Compiled(self.net)
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
    parser.add_argument("--compile", action="store_true", help="through torch.compile")
    parser.add_argument("--tf32", action="store_true", help="matrix products and convolutions of a GPU in TF32")
    parser.add_argument("--serve", action="store_true", help="take orders from standard input")
    parser.add_argument("--once", nargs=4, metavar=("KIND", "MODEL", "BATCH", "COUNT"), help="one order, then exit")
    parser.add_argument("--check", metavar="FILE", help="compare with `ferrotype models --json`")
    parser.add_argument("--weights", metavar="FOLDER", help="with --check: NAME.safetensors of each network")
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = options.tf32
    if options.check:
        check(options)
    elif options.once:
        print(json.dumps(Worker(options).answer(" ".join(options.once))))
    else:
        serve(options)


if __name__ == "__main__":
    main()
