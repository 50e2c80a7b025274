#!/usr/bin/env python3
"""Ferrotype beside PyTorch, in turns: the table of docs/benchmarks.md from one command.

    cargo build --release
    python -m venv .venv && .venv/bin/pip install torch==2.9.0 numpy
    python scripts/bench.py --torch .venv/bin/python --out bench

Five processes stay open: ours, and PyTorch as it comes and with channels_last, each with the stock allocator and with
glibc told to keep its memory. In every round each gets one order and the others wait. Peak memory is that of short
processes of their own. The same networks as ONNX files are run by rten (in our program) and, with --onnxruntime, by
onnxruntime; loader and reading of prepared files are ours alone. The folder gets table.md, table.csv, rounds.jsonl
(every single time) and, where matplotlib is installed, ratios.png and ratios.svg.
"""
import argparse
import csv
import json
import os
import platform
import queue
import re
import statistics
import subprocess
import sys
import threading
from pathlib import Path

HERE = Path(__file__).resolve().parent
CASES = [  # network, batch
    ("vgg13", 32),
    ("emopy_cnn", 32),
    ("mini_xception", 64),
    ("resnet18", 64),
    ("depthwise_separable", 64),
    ("micro_exp_net", 64),
]
MORE = [("ferronet", 128), ("vit", 64)]  # measured where --models names them
RECYCLE = {
    "MALLOC_MMAP_MAX_": "0",
    "MALLOC_TRIM_THRESHOLD_": "100000000000",
    "MALLOC_TOP_PAD_": "268435456",
}
TORCH = {  # title -> variant, environment
    "torch": ("default", {}),
    "torch CL": ("channels_last", {}),
    "torch+mem": ("default", RECYCLE),
    "torch CL+mem": ("channels_last", RECYCLE),
}
OURS, BURN = "ours", "ours, Burn's ops"
RTEN, ORT = "rten", "onnxruntime"


class Side:
    """A process that carries out orders, started anew when it dies."""

    def __init__(self, title, command, environment, patience):
        self.title, self.command, self.patience = title, command, patience
        self.environment = {**os.environ, **environment}
        self.process, self.about = None, None

    def start(self):
        self.process = subprocess.Popen(self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                        stderr=subprocess.DEVNULL, env=self.environment)
        self.lines = queue.Queue()
        threading.Thread(target=self.read, args=(self.process.stdout, self.lines), daemon=True).start()
        self.about = json.loads(self.lines.get(timeout=self.patience) or "{}")

    @staticmethod
    def read(stream, lines):
        for line in stream:
            lines.put(line)
        lines.put(None)

    def ask(self, order):
        """The answer; an `error` where the process refuses, crashes or hangs."""
        try:
            if self.process is None:
                self.start()
            self.process.stdin.write(order + "\n")
            self.process.stdin.flush()
            line = self.lines.get(timeout=self.patience)
        except queue.Empty:
            self.stop(kill=True)
            return {"error": f"no answer in {self.patience} s"}
        except OSError:
            line = None
        if line is None:
            code = self.process.wait() if self.process else None
            self.process = None
            return {"error": f"crash (signal {-code})" if code and code < 0 else f"crash (exit code {code})"}
        return json.loads(line)

    def stop(self, kill=False):
        if self.process is None:
            return
        if kill:
            self.process.kill()
        else:
            self.process.stdin.close()
        self.process.wait()
        self.process = None


def sides(options):
    ours = [options.ferrotype, "bench", "--serve", "--threads", str(options.threads), "--optimizer", options.optimizer]
    all_sides = [Side(OURS, ours + ["--isa", options.isa], {}, options.patience)]
    if options.burn:
        all_sides.append(Side(BURN, ours + ["--kernels", "burn"], {}, options.patience))
    if options.torch:
        for title, (variant, environment) in TORCH.items():
            all_sides.append(Side(title, torch_command(options, variant) + ["--serve"], environment, options.patience))
    return all_sides


def torch_command(options, variant):
    return [options.torch, str(HERE / "bench_pytorch.py"), "--variant", variant, "--threads", str(options.threads),
            "--optimizer", options.optimizer]


def rounds(everyone, kind, model, batch, options, log, order=None):
    """Times per side, or the error that ended them. Every round begins with another side. `order` makes the words of a
    side's order where they are not kind, model, batch and count."""
    order = order or (lambda side, count: f"{kind} {model} {batch} {count}")
    times = {side.title: [] for side in everyone}
    first, failed, counts = {}, {}, {}
    for number in range(options.rounds + 1):  # round 0 warms up and finds out how many steps fit
        turn = number % len(everyone)
        for side in everyone[turn:] + everyone[:turn]:
            if side.title in failed:
                continue
            count = counts.get(side.title, 2)
            answer = side.ask(order(side, count))
            log.write(json.dumps({"side": side.title, "round": number, "kind": kind, "model": model, "batch": batch, **answer}) + "\n")
            if "error" in answer:
                failed[side.title] = answer["error"]
                continue
            if number == 0:
                first[side.title] = answer.get("first_ms")
                seconds = options.seconds if kind == "train" else options.seconds / 3
                fits = int(seconds * 1e3 / max(min(answer["ms"]), 1e-3))
                counts[side.title] = max(2, min(options.steps, fits))
            else:
                times[side.title].append(statistics.median(answer["ms"]))
    log.flush()
    middle = {title: statistics.median(ms) for title, ms in times.items() if ms and title not in failed}
    spread = {title: (min(ms), max(ms)) for title, ms in times.items() if ms and title not in failed}
    return {"ms": middle, "spread": spread, "first": first, "failed": failed}


def onnx_row(ours, ort, model, shape, batch, options, folder, log):
    """The network's ONNX file in rten, and in onnxruntime where there is one, beside our own forward pass."""
    file = folder / f"{model}.onnx"
    made = ours.ask(f"graph {model} {file}")
    if "error" in made:
        return {"kind": "onnx", "network": model, "input": shape, "batch": batch, f"{RTEN} ms": made["error"]}
    rten = Side(RTEN, ours.command, ours.environment, ours.patience)
    own = Side(OURS, ours.command, ours.environment, ours.patience)
    everyone = [own, rten] + ([ort] if ort else [])
    words = {RTEN: f"onnx {model}", ORT: f"onnx {file}", OURS: f"infer {model}"}
    result = rounds(everyone, "onnx", model, batch, options, log, lambda side, n: f"{words[side.title]} {batch} {n}")
    for side in (rten, own):
        side.stop()
    if ort:
        ort.ask("drop")
    file.unlink(missing_ok=True)
    out = {"kind": "onnx", "network": model, "input": shape, "batch": batch}
    for side in everyone:
        ms = result["ms"].get(side.title)
        out[f"{side.title} ms"] = ms if ms is not None else result["failed"].get(side.title)
        out[f"{side.title} images/s"] = batch * 1e3 / ms if ms else None
    return out


def data_rows(ours, sizes, options, log):
    """Loader (48x48 to each size in use, augmented) and reading of a prepared file: ours alone."""
    out = []
    for size in sizes:
        order = lambda side, count: f"loader {size} 64 {max(40, 10 * count)} augmented"
        result = rounds([ours], "loader", f"to {size}x{size}", 64, options, log, order)
        ms = result["ms"].get(OURS)
        out.append({"kind": "data", "what": f"loader, 48x48 to {size}x{size}, augmented", "ms per batch": ms, "batch": 64,
                    "images/s": 64e3 / ms if ms else None})
    file = f" {Path(options.data).resolve()}" if options.data else ""
    answer = ours.ask(f"hdf5 {options.rounds + 1}{file}")
    log.write(json.dumps({"side": OURS, "kind": "hdf5", **answer}) + "\n")
    if "error" in answer:
        sys.exit(f"reading {options.data or 'a prepared file'}: {answer['error']}")
    ms = statistics.median(answer["ms"][1:])
    what = f"reading {Path(options.data).name if options.data else 'random 48x48 pictures'} (HDF5, sha256 checked)"
    out.append({"kind": "data", "what": what, "ms per batch": ms, "batch": answer["batch"],
                "images/s": answer["batch"] * 1e3 / ms, "MiB/s": answer["mib"] * 1e3 / ms})
    return out


def plot(folder, rows):
    """Ratios per network as bars; nothing where matplotlib is not installed. True where it was drawn."""
    try:
        import matplotlib
        matplotlib.use("Agg")
        import matplotlib.pyplot as plt
    except ImportError:
        return False
    bars = [r for r in rows if r["kind"] in ("train", "infer") and "vs default" in r]
    if not bars:
        return False
    names = [f"{r['network']}, {'step' if r['kind'] == 'train' else 'inference'}, batch {r['batch']}" for r in bars]
    fig, axis = plt.subplots(figsize=(8, 1.2 + 0.36 * len(bars)), layout="constrained")
    places = range(len(bars))
    axis.barh([p - 0.2 for p in places], [r["vs default"] for r in bars], 0.38, label="PyTorch default", color="#3b6ea5")
    axis.barh([p + 0.2 for p in places], [r["vs best"] for r in bars], 0.38, label="best PyTorch", color="#d08c3a")
    axis.axvline(1, color="black", linewidth=0.8)
    axis.set_yticks(list(places), names, fontsize=8)
    axis.invert_yaxis()
    axis.set_xlabel("PyTorch's time by ours: above 1 ours is faster")
    axis.legend(fontsize=8)
    for end in ("png", "svg"):
        fig.savefig(folder / f"ratios.{end}", dpi=130)
    plt.close(fig)
    return True


def peaks(model, batch, options):
    """Peak resident memory in MiB of three training steps, each side in a process of its own."""
    runs = {OURS: ([options.ferrotype, "bench", "--models", model, "--batch", str(batch), "--mode", "train", "--rounds",
                    "1", "--steps", "3", "--threads", str(options.threads), "--optimizer", options.optimizer,
                    "--isa", options.isa, "--json"], {})}
    if options.torch:
        for title, (variant, environment) in TORCH.items():
            runs[title] = (torch_command(options, variant) + ["--once", "train", model, str(batch), "3"], environment)
    out = {}
    for title, (command, environment) in runs.items():
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                   env={**os.environ, **environment})
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        out[title] = usage.ru_maxrss / 1024 if process.returncode == 0 else None
    return out


def same_networks(options, folder):
    """The check that both sides compute the same thing; its text."""
    listing = subprocess.run([options.ferrotype, "models", "--json"], check=True, capture_output=True, text=True)
    (folder / "models.json").write_text(listing.stdout)
    orders = "".join(f"weights {model} 4 {folder / (model + '.safetensors')}\n" for model, _ in CASES + MORE)
    subprocess.run([options.ferrotype, "bench", "--serve"], input=orders, check=True, capture_output=True, text=True)
    check = subprocess.run([options.torch, str(HERE / "bench_pytorch.py"), "--check", str(folder / "models.json"),
                            "--weights", str(folder)], capture_output=True, text=True)
    for model, _ in CASES + MORE:
        (folder / f"{model}.safetensors").unlink(missing_ok=True)
    return check.returncode == 0, check.stdout + check.stderr


def machine(everyone):
    """The machine and the programs, in words."""
    text = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    model = re.search(r"model name\s*: (.*)", text)
    memory = re.search(r"MemTotal:\s*(\d+)", Path("/proc/meminfo").read_text()) if Path("/proc/meminfo").exists() else None
    lines = [
        f"processor: {model[1] if model else platform.processor()}, {os.cpu_count()} logical cores",
        f"memory: {int(memory[1]) / 2**20:.1f} GiB" if memory else "memory: unknown",
        f"system: {platform.system()} {platform.release()}, {platform.libc_ver()[0]} {platform.libc_ver()[1]}",
    ]
    for side in everyone:
        a = side.about or {}
        lines.append(f"{side.title}: {a.get('side')} {a.get('version')}, {a.get('kernels') or a.get('variant')}, "
                     f"{a.get('threads')} threads, {a.get('optimizer')}")
    if hasattr(os, "getloadavg"):
        load = os.getloadavg()
        lines.append("load before the start (1, 5, 15 minutes): " + " ".join(f"{v:.2f}" for v in load))
        if load[0] > 0.5 * (os.cpu_count() or 1):
            lines.append("**the machine was busy with other work: do not quote these figures**")
    return lines


def row(kind, model, shape, batch, result, memory=None):
    """One line of the table as a dictionary, numbers unrounded."""
    ms, failed = result["ms"], result["failed"]
    out = {"kind": kind, "network": model, "input": shape, "batch": batch}
    torch = {title: ms[title] for title in TORCH if title in ms}
    for title in [OURS, BURN, *TORCH]:
        if title in ms or title in failed:
            out[f"{title} ms"] = ms.get(title, failed.get(title))
    if OURS in ms:
        out["images/s"] = batch * 1e3 / ms[OURS]
        if "torch" in torch:
            out["vs default"] = torch["torch"] / ms[OURS]
        if torch:
            best = min(torch, key=torch.get)
            out["vs best"], out["best"] = torch[best] / ms[OURS], best
        if BURN in ms:
            out["vs Burn's ops"] = ms[BURN] / ms[OURS]
    for title, (low, high) in result["spread"].items():
        out[f"{title} range"] = f"{low:.3f}..{high:.3f}"
    for title, value in result["first"].items():
        out[f"{title} first ms"] = value
    for title, value in (memory or {}).items():
        out[f"{title} peak MiB"] = value
    return out


def markdown(title, rows, columns):
    """A table of these columns; those that no row has are left out."""
    columns = [c for c in columns if any(r.get(c) is not None for r in rows)]
    if not rows or not columns:
        return ""
    show = lambda v, c: "-" if v is None else v if isinstance(v, str) else str(v) if isinstance(v, int) else number(v, c)
    lines = [f"\n## {title}\n", "| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]
    lines += ["| " + " | ".join(show(r.get(c), c) for c in columns) + " |" for r in rows]
    return "\n".join(lines) + "\n"


def number(value, column):
    if column.startswith("vs"):
        return f"{value:.2f}x"
    if column.endswith(("MiB", "MiB/s", "images/s")):
        return f"{value:.0f}"
    return f"{value:.3f}" if value < 10 else f"{value:.1f}"


def write(folder, about, checked, rows, options):
    titles = [OURS, BURN, *TORCH]
    head = ["network", "input", "batch"]
    ms, ratios = [f"{t} ms" for t in titles], ["vs default", "vs best", "best", "vs Burn's ops"]
    of = lambda kind: [r for r in rows if r["kind"] == kind]
    text = "# Ferrotype beside PyTorch\n\n" + "\n".join(f"- {line}" for line in about) + "\n"
    text += (f"\nMedians of {options.rounds} interleaved rounds; a round is the median of up to {options.steps} steps. `CL` is "
             "channels_last; `+mem` is glibc told to keep its memory (" + " ".join(f"{k}={v}" for k, v in RECYCLE.items())
             + "). Ratios are PyTorch's time by ours; `best` is the fastest of PyTorch's four.\n")
    text += f"\n```\n{checked.strip()}\n```\n" if checked else ""
    text += markdown("Training step, ms", of("train"), head + ms + ["images/s"] + ratios)
    text += markdown("Inference, ms per batch", of("infer"), head + ms + ["images/s"] + ratios)
    sides_of_files = [RTEN, ORT, OURS]
    text += markdown("ONNX files, ms per batch and images/s", of("onnx"), head + [f"{t} ms" for t in sides_of_files]
                     + [f"{t} images/s" for t in sides_of_files])
    text += markdown("Data, ours alone", of("data"), ["what", "batch", "ms per batch", "images/s", "MiB/s"])
    text += markdown("Peak memory of a training process, MiB", of("train"), head + [f"{t} peak MiB" for t in titles])
    text += markdown("Time until the first step is done, ms", of("train"), head + [f"{t} first ms" for t in titles])
    text += markdown("Slowest and fastest round of training, ms", of("train"), head + [f"{t} range" for t in titles])
    if plot(folder, rows):
        text += "\n![Ratios per network](ratios.png)\n"
    (folder / "table.md").write_text(text)
    columns = list(dict.fromkeys(key for r in rows for key in r))
    with open(folder / "table.csv", "w", newline="") as file:
        table = csv.DictWriter(file, columns)
        table.writeheader()
        table.writerows(rows)
    return text


def measure(options, folder):
    everyone = sides(options)
    shapes = {}
    listing = subprocess.run([options.ferrotype, "models", "--json"], check=True, capture_output=True, text=True)
    for line in listing.stdout.splitlines():
        entry = json.loads(line)
        shapes[entry["name"]] = "x".join(map(str, entry["input"]))
    chosen = [(m, b) for m, b in CASES + MORE if m in (options.models or dict(CASES))]
    same, checked = same_networks(options, folder) if options.torch else (True, "")
    print(checked, end="", file=sys.stderr)
    if not same:
        sys.exit("the two sides do not compute the same networks: nothing was measured")
    for side in everyone:
        side.start()
    ort = None
    if options.onnxruntime:
        ort = Side(ORT, [options.onnxruntime, str(HERE / "bench_onnx.py"), "--serve", "--threads", str(options.threads)], {},
                   options.patience)
        ort.start()
    about, rows = machine(everyone + ([ort] if ort else [])), []
    with open(folder / "rounds.jsonl", "w") as log:
        for model, batch in chosen:
            memory = peaks(model, batch, options)
            todo = [("train", batch)] + ([] if options.quick else [("infer", 1), ("infer", 64)])
            for kind, size in todo:
                result = rounds(everyone, kind, model, size, options, log)
                rows.append(row(kind, model, shapes[model], size, result, memory if kind == "train" else None))
                shown = {t: round(v, 3) for t, v in result["ms"].items()}
                print(f"{kind} {model} {size}: {shown} {result['failed'] or ''}", file=sys.stderr)
                write(folder, about, checked, rows, options)
            for side in everyone:
                side.ask("drop")
            if not options.quick:
                rows += [onnx_row(everyone[0], ort, model, shapes[model], b, options, folder, log) for b in (1, 64)]
                write(folder, about, checked, rows, options)
        if not options.quick:
            rows += data_rows(everyone[0], sorted({int(shapes[m].split("x")[-1]) for m, _ in chosen}), options, log)
    for side in everyone + ([ort] if ort else []):
        side.stop()
    return write(folder, about, checked, rows, options)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", required=True, help="the folder for the tables")
    parser.add_argument("--ferrotype", default="target/release/ferrotype")
    parser.add_argument("--torch", metavar="PYTHON", help="a Python that has torch; without, only ours is measured")
    parser.add_argument("--onnxruntime", metavar="PYTHON", help="a Python that has onnxruntime")
    parser.add_argument("--data", metavar="H5", help="the prepared file whose reading is measured; else a random one")
    parser.add_argument("--models", type=lambda t: t.split(","), help="some of the networks only")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--optimizer", choices=["sgd", "adam"], default="sgd")
    parser.add_argument("--isa", choices=["auto", "avx512", "avx2", "portable"], default="auto")
    parser.add_argument("--burn", action="store_true", help="also ours with Burn's operations")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--steps", type=int, default=20, help="most steps of a round")
    parser.add_argument("--seconds", type=float, default=0.6, help="about how long a round of one side takes")
    parser.add_argument("--patience", type=float, default=120, help="seconds after which an order counts as hung")
    parser.add_argument("--quick", action="store_true", help="three short rounds of training only")
    options = parser.parse_args()
    if options.quick:
        options.rounds, options.seconds = min(options.rounds, 3), min(options.seconds, 0.2)
    folder = Path(options.out).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    print(measure(options, folder))
    print(f"written to {folder}/table.md, table.csv and rounds.jsonl", file=sys.stderr)


if __name__ == "__main__":
    main()
