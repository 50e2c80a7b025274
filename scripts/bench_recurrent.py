#!/usr/bin/env python3
"""Recurrent layers beside PyTorch's, in turns: experiments/benchmark/recurrent.md.

    cargo build --release
    python -m venv .venv && .venv/bin/pip install torch==2.9.0
    python scripts/bench_recurrent.py --torch .venv/bin/python

Two processes stay open, `ferrotype bench --serve` and this script with --worker under PyTorch's Python. In every round
each is given one order and the other waits. A pass in training is forward and backward to the gradients of all weights
from the sum of the outputs; in inference, forward alone. nn.LSTM is PyTorch's own operation; PyTorch has no ConvLSTM, so
that one is the usual loop over a cell, its input convolutions taken of all steps at once as ours are.

With --cpu the figures are processor time on one thread, which other programs on the machine disturb little. It is read
from outside, so that it holds the one pass of warming up that each order begins with, and ours the making of weights.
"""
import argparse
import json
import os
import platform
import re
import statistics
import subprocess
import sys
import time
from pathlib import Path

TICK = 1e3 / os.sysconf("SC_CLK_TCK")  # ms per unit of the times in /proc
LSTM = [f"lstm:{shape}:{d}:{h}:2" for shape in ("32:100", "1:500") for d in (17, 136) for h in (64, 128)]
CONV = ["conv_lstm:4:10:3:60:64", "conv_lstm:8:10:3:60:64"]
PASSES = {"lstm": 10, "conv_lstm": 1}
CPU_PASSES = {"lstm": 60, "conv_lstm": 1}  # the clock of /proc is coarse


def torch_layer(kind, sizes):
    """The layer as a function without arguments: the sum of its outputs, and its parameters."""
    import torch
    import torch.nn as nn
    import torch.nn.functional as F

    torch.manual_seed(1)
    if kind == "lstm":
        batch, steps, inputs, hidden, layers = sizes
        net = nn.LSTM(inputs, hidden, layers, batch_first=True)
        x = torch.rand(batch, steps, inputs) * 2 - 1
        return lambda: net(x)[0].sum(), list(net.parameters())
    batch, steps, channels, size, filters = sizes
    inner = nn.Conv2d(channels, 4 * filters, 3)
    state = nn.Conv2d(filters, 4 * filters, 3, padding=1, bias=False)
    x = torch.rand(batch, steps * channels, size, size) * 2 - 1

    def run():
        z = inner(x.reshape(batch * steps, channels, size, size)).unflatten(0, (batch, steps))
        h = c = None
        for t in range(steps):
            s = z[:, t] if h is None else z[:, t] + state(h)
            i, f, g, o = s.chunk(4, 1)
            new = torch.sigmoid(i) * torch.tanh(g)
            c = new if c is None else torch.sigmoid(f) * c + new
            h = torch.sigmoid(o) * torch.tanh(c)
        return h.sum()

    return run, [*inner.parameters(), *state.parameters()]


def worker():
    """Takes `recurrent LAYER train|infer PASSES` from standard input, as `ferrotype bench --serve` does."""
    import torch

    print(json.dumps({"side": "pytorch", "version": torch.__version__, "threads": torch.get_num_threads()}), flush=True)
    layers = {}
    for line in sys.stdin:
        if line.strip() == "quit":
            break
        _, layer, mode, passes = line.split()
        if layer not in layers:
            kind, *sizes = layer.split(":")
            layers = {layer: torch_layer(kind, [int(s) for s in sizes])}
        run, parameters = layers[layer]

        def once():
            if mode == "train":
                torch.autograd.grad(run(), parameters)
            else:
                with torch.inference_mode():
                    run().item()

        once()
        ms = []
        for _ in range(int(passes)):
            began = time.perf_counter()
            once()
            ms.append((time.perf_counter() - began) * 1e3)
        print(json.dumps({"ms": ms}), flush=True)


class Side:
    def __init__(self, command, environment=None):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                        env={**os.environ, **(environment or {})})
        self.about = json.loads(self.process.stdout.readline())

    def cpu(self):
        """Processor time so far, in ms (Linux)."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) * TICK

    def processor_time(self, order):
        before = self.cpu()
        passes = len(self.ask(order)) + 1
        return [(self.cpu() - before) / passes]

    def ask(self, order):
        self.process.stdin.write(order + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        if "error" in answer:
            sys.exit(f"{order}: {answer['error']}")
        return answer["ms"]

    def quit(self):
        self.process.stdin.write("quit\n")
        self.process.stdin.close()
        self.process.wait()


def processor():
    cpuinfo = Path("/proc/cpuinfo")
    name = re.search(r"model name\s*:\s*(.*)", cpuinfo.read_text()) if cpuinfo.exists() else None
    return name.group(1).strip() if name else platform.processor()


def describe(layer):
    kind, *n = layer.split(":")
    if kind == "lstm":
        return f"LSTM, {n[0]} x {n[1]} steps of {n[2]}, hidden {n[3]}, {n[4]} layers"
    return f"ConvLSTM 3x3, {n[0]} x {n[1]} frames of {n[2]}x{n[3]}x{n[3]}, {n[4]} filters"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--worker", action="store_true", help="be PyTorch's side")
    parser.add_argument("--torch", default=sys.executable, help="a Python with PyTorch")
    parser.add_argument("--binary", default="target/release/ferrotype")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--cpu", action="store_true", help="processor time on one thread instead of wall time")
    parser.add_argument("--only", default="", help="layers whose name begins so")
    parser.add_argument("--out", type=Path, help="write the table here as well")
    options = parser.parse_args()
    if options.worker:
        return worker()
    threads = "1" if options.cpu else str(options.threads)
    measure, count = (Side.processor_time, CPU_PASSES) if options.cpu else (Side.ask, PASSES)
    ours = Side([options.binary, "bench", "--serve", "--threads", threads])
    theirs = Side([options.torch, __file__, "--worker"], {"OMP_NUM_THREADS": threads, "MKL_NUM_THREADS": threads})
    rows = []
    for layer in [name for name in LSTM + CONV if name.startswith(options.only)]:
        for mode in ("train", "infer"):
            times = ([], [])
            for _ in range(options.rounds):
                for side, ms in zip((ours, theirs), times):
                    ms.extend(measure(side, f"recurrent {layer} {mode} {count[layer.split(':')[0]]}"))
            a, b = (statistics.median(ms) for ms in times)
            low, high = (min(ms) for ms in times)
            word = {"train": "forward and backward", "infer": "forward"}[mode]
            rows.append(f"| {describe(layer)} | {word} | {a:.2f} ({low:.2f}) | {b:.2f} ({high:.2f}) | {b / a:.1f} |")
            print(rows[-1], flush=True)
    text = "\n".join([
        "# Recurrent layers",
        "",
        f"Milliseconds {'of processor time ' if options.cpu else ''}per pass, median (least) of {options.rounds} rounds in turns, by `scripts/bench_recurrent.py` on "
        f"{processor()}, {threads} thread{'' if threads == '1' else 's'}; ferrotype {ours.about['version']} ({ours.about['kernels']}) and PyTorch "
        f"{theirs.about['version']}. Both sides compute in float32.",
        "",
        "| layer | pass | ferrotype | PyTorch | times faster |",
        "|---|---|---:|---:|---:|",
        *rows,
        "",
    ])
    ours.quit()
    theirs.quit()
    if options.out:
        options.out.write_text(text)


if __name__ == "__main__":
    main()
