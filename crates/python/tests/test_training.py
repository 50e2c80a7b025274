"""Training by the module."""

from __future__ import annotations

import pathlib
import signal
import subprocess
import sys
import threading
import time

import numpy
import pytest

import ferrotype

from conftest import Place, epochs


def test_the_numbers_are_those_of_the_command_line(place: Place, trained: ferrotype.Run) -> None:
    place.ok(*"train --config small.yaml -q".split())
    other = ferrotype.Run.load(place.only("runs"))
    assert other.metrics == trained.metrics
    assert epochs(other.path) == epochs(trained.path)
    assert (other.path / "predictions.csv").read_bytes() == (trained.path / "predictions.csv").read_bytes()
    # Weights alone: the files' heads tell the time.
    onnx = [run.path / "model.onnx" for run in (other, trained)]
    assert onnx[0].stat().st_size == onnx[1].stat().st_size


def test_changes_and_dicts_make_the_same_experiment(place: Place) -> None:
    changed = ferrotype.Experiment(place.config, {"train.epochs": numpy.int64(5), "data.path": pathlib.Path("a b.h5")})
    assert "epochs: 5" in changed.to_yaml() and "a b.h5" in changed.to_yaml()
    config: dict[str, object] = {
        "name": "small",
        "seed": 3,
        "threads": 2,
        "data": {
            "path": "small.h5",
            "source": {"synthetic": {"count": 240, "seed": 1, "size": 24, "identities": 12}},
            "split": "own",
            "preprocess": {"size": 24, "scale": "signed"},
            "augment": {"flip": 0.5, "shift": 0.1},
        },
        "model": "tiny_xception",
        "train": {"epochs": 2, "batch_size": 32, "lr": 4e-3, "optimizer": "adam"},
    }
    assert ferrotype.Experiment(config).to_yaml() == ferrotype.Experiment(place.config).to_yaml()
    both: list[dict[str, object]] = [
        {"train.epochs": 1, "train.optimizer.adam.beta1": 0.8},
        {"train.optimizer": {"adam": {"beta1": 0.8}}, "train.epochs": 1},
    ]
    assert len({ferrotype.Experiment(config, change).to_yaml() for change in both}) == 1


def test_a_callback_sees_every_epoch(place: Place, trained: ferrotype.Run) -> None:
    seen: list[ferrotype.Epoch] = []
    run = ferrotype.train(place.config, on_epoch=seen.append, progress=False)
    assert [(e.epoch, e.epochs) for e in seen] == [(1, 2), (2, 2)]
    history = run.history
    assert [e.train_loss for e in seen] == history.column("train_loss")
    assert [e.metrics["val_accuracy"] for e in seen] == history.column("val_accuracy")
    assert run.metrics == trained.metrics


def test_false_stops_and_resuming_changes_nothing(place: Place, trained: ferrotype.Run) -> None:
    run = ferrotype.train(place.config, on_epoch=lambda epoch: epoch.epoch < 1, progress=False)
    assert not run.is_finished and len(run.history) == 1
    with pytest.raises(ferrotype.RunError):
        run.metrics
    again = run.resume(progress=False)
    assert again.is_finished and again.metrics == trained.metrics
    assert epochs(again.path) == epochs(trained.path)
    with pytest.raises(ferrotype.RunError, match="nothing to resume"):
        again.resume()


def test_an_exception_of_the_callback_is_the_callers(place: Place) -> None:
    def fail(epoch: ferrotype.Epoch) -> None:
        raise LookupError(f"no logger for epoch {epoch.epoch}")

    with pytest.raises(LookupError, match="epoch 1"):
        ferrotype.train(place.config, on_epoch=fail, progress=False)
    run = ferrotype.Run.load(place.only("runs"))
    assert not run.is_finished and len(run.history) == 1


def test_ctrl_c_saves_and_says_how_to_go_on(place: Place) -> None:
    code = "import ferrotype; ferrotype.train('small.yaml', {'train.epochs': 500}, progress=False)"
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=place.folder,
        stderr=subprocess.PIPE,
        text=True,
        # Whoever runs the tests in the background may have them ignore it.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    deadline = time.monotonic() + 120
    while not any((place.folder / "runs").glob("*/metrics.jsonl")) and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=120)
    assert process.returncode != 0
    assert "KeyboardInterrupt: everything is saved; go on with ferrotype.Run.load(" in said
    assert not ferrotype.Run.load(place.only("runs")).is_finished


def test_other_threads_run_meanwhile(place: Place) -> None:
    counted, is_over = 0, threading.Event()

    def count() -> None:
        nonlocal counted
        while not is_over.wait(0.01):
            counted += 1

    thread = threading.Thread(target=count)
    thread.start()
    began = time.monotonic()
    ferrotype.train(place.config, {"train.epochs": 1}, progress=False)
    took = time.monotonic() - began
    is_over.set()
    thread.join()
    # With the interpreter held all the while it would be none.
    assert counted > 0.1 * took / 0.01


def test_folds_and_seeds_are_groups(place: Place) -> None:
    config = place.config.read_text().replace("split: own", "split: {subject_k_fold: {k: 3}}")
    place.config.write_text(config)
    group = ferrotype.train(place.config, {"train.epochs": 1}, folds=True, progress=False)
    assert len(group.members) == 3 and group.is_finished
    assert len(group.predictions) == sum(len(fold.predictions) for fold in group.members)
    seeds = ferrotype.train(place.config, {"train.epochs": 1}, seeds=[5, 7], progress=False)
    assert ["seed: 5" in run.experiment.to_yaml() for run in seeds.members] == [True, False]


def test_mistakes_say_what_the_command_line_says(place: Place) -> None:
    with pytest.raises(ferrotype.ExperimentError) as raised:
        ferrotype.train(place.config, {"train.epoch": 3})
    assert f"error: {raised.value}".strip() == place.run(*"train --config small.yaml --set train.epoch=3".split()).stderr.strip()
    with pytest.raises(ferrotype.TrainingError) as failed:
        ferrotype.train("small.yaml", {"data.source": None})
    assert f"error: {failed.value}".strip() == place.run(*"train --config small.yaml --set data.source=null".split()).stderr.strip()
    with pytest.raises(TypeError, match="numbers, texts, lists and dicts"):
        ferrotype.Experiment(place.config, {"train.epochs": object()})
    assert issubclass(ferrotype.ExperimentError, ferrotype.Error)
