"""Experiments: what is trained on what, and how."""

from __future__ import annotations

import json
import os
import warnings
from dataclasses import dataclass, field
from typing import Any, Callable, Iterable, Mapping, Union

from ferrotype import _native, _progress
from ferrotype._run import Run

#: The path of a file or folder.
Path = Union[str, "os.PathLike[str]"]


@dataclass(frozen=True)
class Epoch:
    """What a callback is told after each epoch."""

    #: Counted from 1.
    epoch: int
    #: Epochs in all.
    epochs: int
    #: Mean training loss.
    train_loss: float | None
    #: Share of training examples predicted right while training, where there are classes.
    train_accuracy: float | None
    #: Validation metrics by name; empty where nothing was validated after this epoch.
    validation: dict[str, float]
    #: Whether these weights are the best so far.
    best: bool
    #: Learning rate at the end of the epoch.
    lr: float
    #: Seconds that it took, validation included.
    seconds: float
    #: Training speed.
    images_per_second: float
    #: The numbers above in one dict, validation metrics as ``val_<name>``: what loggers take.
    metrics: dict[str, float] = field(default_factory=dict)

    @staticmethod
    def _of(event: dict[str, Any]) -> Epoch:
        train = {name: event.get(name) for name in ("train_loss", "train_accuracy", "lr")}
        validation = {name: value for name, value in event["validation"].items() if value is not None}
        known = {name: value for name, value in train.items() if value is not None}
        return Epoch(
            epoch=event["epoch"],
            epochs=event["epochs"],
            train_loss=event.get("train_loss"),
            train_accuracy=event.get("train_accuracy"),
            validation=validation,
            best=event["best"],
            lr=event["lr"],
            seconds=event["seconds"],
            images_per_second=event["images_per_second"],
            metrics={**known, **{f"val_{name}": value for name, value in validation.items()}},
        )


#: Is called after each epoch; where it returns ``False``, training is stopped.
OnEpoch = Callable[[Epoch], object]


class Experiment:
    """An experiment file with its values checked, of any system."""

    def __init__(self, config: Path | Mapping[str, object], changes: Mapping[str, object] | None = None) -> None:
        """Reads a file, or takes its keys as a dict.

        ``changes`` are keys with their sections, as ``--set`` of the command line takes them: ``{"train.epochs": 3}``.

        Raises :class:`ExperimentError` with every mistake, its place, and what was expected.
        """
        if isinstance(config, Mapping):
            whole = _with_changes(config, changes or {})
            self._native = _native.Experiment.of_text(json.dumps(whole, indent=1, default=_plain))
        else:
            self._native = _native.Experiment.load(config, change_words(changes or {}))
        for text in self._native.warnings():
            warnings.warn(text, stacklevel=2)

    @classmethod
    def _wrap(cls, native: _native.Experiment) -> Experiment:
        experiment = cls.__new__(cls)
        experiment._native = native
        return experiment

    @property
    def name(self) -> str:
        """Its name."""
        return self._native.name()

    def to_yaml(self) -> str:
        """The experiment file with every value that it leaves to a default."""
        return self._native.to_yaml()

    def __repr__(self) -> str:
        return f"Experiment({self.name!r})"

    def train(
        self,
        *,
        out: Path = "runs",
        seeds: str | Iterable[int] | None = None,
        folds: bool = False,
        on_epoch: OnEpoch | None = None,
        progress: bool | None = None,
    ) -> Run:
        """Trains it; see :func:`train`."""
        quiet, show = _progress.chosen(progress)
        words = seeds if seeds is None or isinstance(seeds, str) else ",".join(str(int(seed)) for seed in seeds)
        native = self._native.train(out, quiet, words, folds, _progress.told(show, _called(on_epoch)))
        return Run._wrap(native)


def train(
    config: Path | Mapping[str, object],
    changes: Mapping[str, object] | None = None,
    *,
    out: Path = "runs",
    seeds: str | Iterable[int] | None = None,
    folds: bool = False,
    on_epoch: OnEpoch | None = None,
    progress: bool | None = None,
) -> Run:
    """Trains an experiment: checkpoints, scores, a checked ONNX file, a report. Gives the run.

    The numbers are those of ``ferrotype train --config CONFIG``, bit for bit.

    Args:
        config: The experiment file, or its keys as a dict.
        changes: Changed keys, such as ``{"train.epochs": 3}``.
        out: The folder in which the run's folder is made.
        seeds: Train once per seed, ``"0..5"`` or ``[0, 1, 2]``; the run is then their sum, and ``run.members`` are the single ones.
        folds: Train every fold of the experiment's split.
        on_epoch: Is called with an :class:`Epoch` after each. Where it returns ``False`` training stops; everything is saved, and
            the unfinished run that is given goes on with :meth:`Run.resume`. An exception stops training, too, and is raised.
        progress: ``False`` shows warnings alone. By default a notebook shows a table, a terminal bars.

    Raises:
        ExperimentError: Keys or values are wrong; each is named with its place.
        TrainingError: The data cannot be had, the loss diverged, or a file cannot be written.
        KeyboardInterrupt: Ctrl-C, or a notebook's stop button. Everything is saved; the message says how to go on.
    """
    experiment = Experiment(config, changes)
    return experiment.train(out=out, seeds=seeds, folds=folds, on_epoch=on_epoch, progress=progress)


def _called(on_epoch: OnEpoch | None) -> Callable[[dict[str, Any]], object] | None:
    return None if on_epoch is None else lambda event: on_epoch(Epoch._of(event))


def change_words(changes: Mapping[str, object]) -> list[str]:
    """Changes as the command line takes them."""
    return [f"{key}={json.dumps(value, default=_plain)}" for key, value in changes.items()]


def _plain(value: object) -> object:
    """Paths, and numbers and arrays of NumPy, as JSON has them."""
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    to_list = getattr(value, "tolist", None)
    if to_list is not None:
        return to_list()
    raise TypeError(f"an experiment's values are numbers, texts, lists and dicts, and {value!r} is a {type(value).__name__}")


def _with_changes(config: Mapping[str, object], changes: Mapping[str, object]) -> dict[str, object]:
    whole: dict[str, Any] = json.loads(json.dumps(config, default=_plain))
    for key, value in changes.items():
        *sections, last = key.split(".")
        place = whole
        for section in sections:
            inner = place.get(section)
            if not isinstance(inner, dict):
                # `optimizer: adam` is short for `optimizer: {adam: {}}`.
                inner = {inner: {}} if isinstance(inner, str) else {}
                place[section] = inner
            place = inner
        place[last] = value
    return whole
