"""The command line of the wheel."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time

import ferrotype

from conftest import Place


def test_it_is_the_same_program(place: Place) -> None:
    assert place.ok("--version").strip() == f"ferrotype {ferrotype.__version__}"
    again = subprocess.run([sys.executable, "-m", "ferrotype", "--version"], capture_output=True, text=True, check=True)
    assert again.stdout == place.ok("--version")


def test_a_starter_folder_is_trained_in(place: Place) -> None:
    said = place.ok("init", "mine", "--config", "va/synthetic")
    assert "ferrotype train --config configs/quickstart.yaml" in said
    for name in ("README.md", ".gitignore", "experiment.schema.json", "configs/va/synthetic.yaml"):
        assert (place.folder / "mine" / name).is_file()
    assert "properties" in json.loads((place.folder / "mine/experiment.schema.json").read_text())
    place.ok("config", "check", "mine/configs/quickstart.yaml", "mine/configs/own_pictures.yaml")
    place.ok(
        *"train --config mine/configs/quickstart.yaml --set train.epochs=1 -q".split(),
        *"--set data.source.synthetic.count=200 --set export.onnx=false".split(),
    )
    run = ferrotype.Run.load(place.only("runs"))
    assert run.is_finished
    provenance = json.loads((run.path / "provenance.json").read_text())
    assert provenance["command"].startswith("ferrotype train --config mine/configs/quickstart.yaml")


def test_runs_are_trained_in_processes_of_their_own(place: Place) -> None:
    place.ok(*"train --config small.yaml --seeds 0..2 --jobs 2 --set train.epochs=1".split())
    group = ferrotype.Run.load(place.only("runs"))
    assert [run.is_finished for run in group.members] == [True, True]
    command = json.loads((group.members[0].path / "provenance.json").read_text())["command"]
    assert command.startswith("ferrotype train --until-stdin-closes")
    place.ok(*"train --config small.yaml --seeds 0..2 --out in_turn --set train.epochs=1 -q".split())
    in_turn = ferrotype.Run.load(place.only("in_turn"))
    assert [a.metrics for a in in_turn.members] == [b.metrics for b in group.members]


def test_ctrl_c_saves(place: Place) -> None:
    process = place.start(*"train --config small.yaml --set train.epochs=500".split())
    deadline = time.monotonic() + 120
    while not any((place.folder / "runs").glob("*/metrics.jsonl")) and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=120)
    assert process.returncode == 130
    assert "ferrotype train --resume runs/" in said
    assert not ferrotype.Run.load(place.only("runs")).is_finished


def test_mistakes_are_one_paragraph(place: Place) -> None:
    ended = place.run(*"train --config small.yaml --set train.epoch=3".split())
    assert ended.returncode == 1
    assert ended.stderr.startswith("error: ") and "train.epoch" in ended.stderr and "Traceback" not in ended.stderr
