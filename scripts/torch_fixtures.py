#!/usr/bin/env python3
"""Writes crates/interop/src/import/fixtures: small files as PyTorch 2.9 saves them, one of them with a call of os.system.

    pip install torch==2.9.0 && python scripts/torch_fixtures.py

The call is never run by anything that reads the file as Ferrotype does.
"""
import os
from collections import OrderedDict
from pathlib import Path

import torch

FOLDER = Path(__file__).parent.parent / "crates/interop/src/import/fixtures"


class Hostile:
    def __reduce__(self):
        return os.system, ("echo this must never run",)


def main():
    FOLDER.mkdir(exist_ok=True)
    whole = torch.arange(24, dtype=torch.float32).reshape(4, 6)
    state = OrderedDict(
        plain=torch.tensor([[1.5, -2.0], [0.25, 3.0]]),
        turned=whole.t(),
        part=whole[1:3, 2:5],
        half=torch.tensor([1.0, -0.5], dtype=torch.float16),
        brain=torch.tensor([1.0, -0.5], dtype=torch.bfloat16),
        double=torch.tensor([0.1], dtype=torch.float64),
        parameter=torch.nn.Parameter(torch.tensor([7.0])),
        scalar=torch.tensor(4.0),
    )
    state["bn.num_batches_tracked"] = torch.tensor(12)
    checkpoint = {
        "epoch": 3,
        "best": 0.5,
        "optimizer": {"state": {}, "param_groups": [{"lr": 0.1, "betas": (0.9, 0.999), "params": [0, 1]}]},
        "state_dict": OrderedDict(("module." + name, tensor) for name, tensor in state.items()),
    }
    torch.save(checkpoint, FOLDER / "checkpoint.pt")
    torch.save(checkpoint, FOLDER / "protocol4.pt", pickle_protocol=4)
    torch.save({"weight": torch.zeros(2), "more": Hostile()}, FOLDER / "hostile.pt")
    torch.save({"weight": torch.zeros(2)}, FOLDER / "before_1_6.pt", _use_new_zipfile_serialization=False)


main()
