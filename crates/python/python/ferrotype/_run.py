"""Runs: what training leaves behind."""

from __future__ import annotations

import json
import os
import pathlib
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Sequence, Union, overload

from ferrotype import _native, _pictures, _progress
from ferrotype._table import Table, read_csv

if TYPE_CHECKING:
    from ferrotype._experiment import Experiment, OnEpoch
    from ferrotype._pictures import PictureLike

#: The path of a file or folder.
Path = Union[str, "os.PathLike[str]"]


@dataclass(frozen=True)
class Prediction:
    """What a network says of a picture."""

    #: The likeliest class.
    label: str
    #: The probability of each class; they sum up to 1.
    probabilities: dict[str, float]

    @property
    def probability(self) -> float:
        """That of the likeliest class."""
        return self.probabilities[self.label]


@dataclass(frozen=True)
class Plot:
    """A picture of a run's folder; a notebook shows it."""

    #: The PNG file.
    path: pathlib.Path

    @property
    def svg(self) -> pathlib.Path:
        """The same as a drawing that can be enlarged."""
        return self.path.with_suffix(".svg")

    def _repr_png_(self) -> bytes:
        return self.path.read_bytes()


class Predictor:
    """A run's network with its preprocessing, in memory."""

    def __init__(self, native: _native.Predictor) -> None:
        self._native = native

    @cached_property
    def classes(self) -> list[str]:
        """Names of the classes, in the order of the probabilities."""
        return self._native.classes()

    @overload
    def predict(self, pictures: PictureLike) -> Prediction: ...  # type: ignore[overload-overlap]
    @overload
    def predict(self, pictures: Sequence[PictureLike]) -> list[Prediction]: ...
    def predict(self, pictures: PictureLike | Sequence[PictureLike]) -> Prediction | list[Prediction]:
        """Predicts a picture, or several; see :meth:`Run.predict`."""
        if _pictures.is_one(pictures):
            return self._all([pictures])[0]  # type: ignore[list-item]
        return self._all(pictures)  # type: ignore[arg-type]

    def _all(self, pictures: Sequence[PictureLike]) -> list[Prediction]:
        said = self._native.predict([_pictures.native(picture) for picture in pictures])
        return [Prediction(self.classes[best], dict(zip(self.classes, values))) for best, values in said]


class Run:
    """The folder of a run, or of a group of runs (seeds or folds)."""

    def __init__(self, path: Path) -> None:
        """Opens a folder; raises :class:`RunError` where it holds no run."""
        self._native = _native.Run.open(path)

    @classmethod
    def load(cls, path: Path) -> Run:
        """Opens a folder; raises :class:`RunError` where it holds no run."""
        return cls(path)

    @classmethod
    def _wrap(cls, native: _native.Run) -> Run:
        run = cls.__new__(cls)
        run._native = native
        return run

    @property
    def path(self) -> pathlib.Path:
        """Its folder."""
        return pathlib.Path(self._native.path())

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.path.name

    @property
    def is_finished(self) -> bool:
        """Whether it was trained to its end and scored."""
        return self._native.is_finished()

    @property
    def experiment(self) -> Experiment:
        """What it was trained by."""
        from ferrotype._experiment import Experiment

        return Experiment._wrap(self._native.experiment())

    @property
    def metrics(self) -> dict[str, float]:
        """The test set's metrics by name, such as ``accuracy``, ``uar`` and ``macro_f1``; rates as parts of 1.

        Raises :class:`RunError` of a run that is not finished.
        """
        return self._native.scores()

    @property
    def details(self) -> dict[str, Any]:
        """All of ``metrics.json``: each set with intervals, values per class and the confusion matrix."""
        self._native.scores()
        whole: dict[str, Any] = json.loads((self.path / "metrics.json").read_text(encoding="utf-8"))
        return whole

    @property
    def history(self) -> Table:
        """A row per epoch: losses, learning rate, seconds, and validation metrics as ``val_<name>``."""
        rows = json.loads(self._native.epochs())
        return Table(
            {
                **{name: value for name, value in row.items() if name != "validation"},
                **{f"val_{name}": value for name, value in row["validation"].items()},
            }
            for row in rows
        )

    @property
    def predictions(self) -> Table:
        """A row per picture of the test set: its row in the source, the true class, the predicted one, probabilities."""
        path = self.path / "predictions.csv"
        if not path.is_file():
            raise _native.RunError(f"{self.path} has no predictions.csv: it is not finished, or of a system that writes none")
        return read_csv(path)

    @property
    def plots(self) -> dict[str, Plot]:
        """The pictures of the report by name, such as ``loss`` and ``confusion_matrix``."""
        return {path.stem: Plot(path) for path in sorted((self.path / "plots").glob("*.png"))}

    @property
    def report(self) -> pathlib.Path:
        """The report, a page for the browser."""
        return self.path / "report.html"

    @property
    def members(self) -> list[Run]:
        """The runs of a group, in their order; none of a single run."""
        return [Run._wrap(native) for native in self._native.members()]

    def resume(self, *, on_epoch: OnEpoch | None = None, progress: bool | None = None) -> Run:
        """Trains on from the last checkpoint; the result is the same, bit for bit, as without the interruption."""
        from ferrotype._experiment import _called

        quiet, show = _progress.chosen(progress)
        return Run._wrap(self._native.resume(quiet, _progress.told(show, _called(on_epoch))))

    def predictor(self, device: str | None = None, *, single_view: bool = False) -> Predictor:
        """Its network in memory, on another device (``"flex"``, the CPU, or ``"cuda:0"``) than it was trained on if wanted.

        With ``single_view`` it looks once at each picture, where the run is scored by the mean over mirror images or ten squares:
        faster, and not what the run's scores say.
        """
        return Predictor(self._native.predictor(device, single_view))

    @cached_property
    def _predictor(self) -> Predictor:
        return self.predictor()

    @overload
    def predict(self, pictures: PictureLike) -> Prediction: ...  # type: ignore[overload-overlap]
    @overload
    def predict(self, pictures: Sequence[PictureLike]) -> list[Prediction]: ...
    def predict(self, pictures: PictureLike | Sequence[PictureLike]) -> Prediction | list[Prediction]:
        """Predicts a face, or several, by the mean over the same views of it as in the run's scores.

        A picture is a file's path, an array of uint8 ``[height, width]``, ``[height, width, 1]`` or ``[height, width, 3]`` (RGB), or
        an image of Pillow; of any size. Several are a list of those, such as ``list(dataset.images[:5])``.

        Raises :class:`PictureError` where one cannot be read.
        """
        return self._predictor.predict(pictures)

    def to_onnx(self, path: Path | None = None, *, data: Path | None = None) -> pathlib.Path:
        """Writes the network as an ONNX file with the preprocessing inside, checked in a second runtime; gives its path.

        Without ``path`` it is the run's own ``model.onnx``, which is made where training did not. ``data`` is a prepared file to check it
        on in place of the run's test set. Raises :class:`ExportError` where the check fails; no file is left then.
        """
        target = self.path / "model.onnx" if path is None else pathlib.Path(path)
        if path is None and data is None and target.is_file():
            return target
        self._native.export(target, data)
        return target

    def __repr__(self) -> str:
        return f"Run({str(self.path)!r})"
