#!/usr/bin/env python3
"""ONNX files that `ferrotype bench --serve` wrote (order `graph`), measured in onnxruntime.

    pip install onnxruntime numpy
    python scripts/bench_onnx.py --serve --threads 2

Takes orders from standard input, one per line, and answers each with a JSON object (docs/benchmarks.md):
`onnx FILE BATCH PASSES`, `drop`, `quit`. scripts/bench.py runs it in turns with the others.
"""
import argparse
import json
import sys
import time

import numpy as np
import onnxruntime


class Worker:
    def __init__(self, threads):
        self.options = onnxruntime.SessionOptions()
        self.options.intra_op_num_threads = threads
        self.options.inter_op_num_threads = 1
        self.sessions = {}

    def answer(self, line):
        kind, *rest = line.split()
        if kind == "drop":
            self.sessions.clear()
            return {"mode": "drop"}
        if kind != "onnx":
            raise ValueError(f"`{line}` is no order: expected onnx FILE BATCH PASSES, drop or quit")
        file, batch, passes = rest[0], int(rest[1]), int(rest[2])
        first = None
        if (file, batch) not in self.sessions:
            began = time.perf_counter()
            session = onnxruntime.InferenceSession(file, self.options, providers=["CPUExecutionProvider"])
            shape = [batch, *session.get_inputs()[0].shape[1:]]
            pixels = (np.arange(np.prod(shape)) * 37 % 256).astype(np.float32).reshape(shape)
            session.run(["logits"], {"pixels": pixels})
            first = (time.perf_counter() - began) * 1e3
            self.sessions[file, batch] = session, pixels
        session, pixels = self.sessions[file, batch]
        ms = []
        for _ in range(passes):
            began = time.perf_counter()
            session.run(["logits"], {"pixels": pixels})
            ms.append((time.perf_counter() - began) * 1e3)
        return {"mode": "onnx", "batch": batch, "ms": ms, "first_ms": first}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--serve", action="store_true", required=True, help="take orders from standard input")
    options = parser.parse_args()
    print(json.dumps({"side": "onnxruntime", "version": onnxruntime.__version__, "threads": options.threads}), flush=True)
    worker = Worker(options.threads)
    for line in sys.stdin:
        if line.strip() == "quit":
            break
        try:
            answer = worker.answer(line.strip())
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
