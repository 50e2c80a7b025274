"""Videos and pictures described face by face."""

from __future__ import annotations

import json
import os
import pathlib
from typing import Any, Mapping, Sequence, Union, overload

from ferrotype import _native, _progress
from ferrotype._experiment import change_words
from ferrotype._run import Run
from ferrotype._table import Table, read_csv

#: The path of a file or folder.
Path = Union[str, "os.PathLike[str]"]


class Analysis:
    """The folder of what was said of a video."""

    def __init__(self, path: Path) -> None:
        """Opens a folder that :func:`analyze` or ``ferrotype analyze`` wrote."""
        self.path = pathlib.Path(path)

    @property
    def results(self) -> dict[str, Any]:
        """All of ``results.json``: the video, the parts that looked at it, persons, and frames with their faces."""
        whole: dict[str, Any] = json.loads((self.path / "results.json").read_text(encoding="utf-8"))
        return whole

    @property
    def frames(self) -> Table:
        """``frames.csv``: a row per face and frame."""
        return read_csv(self.path / "frames.csv")

    @property
    def report(self) -> pathlib.Path:
        """The report, a page for the browser."""
        return self.path / "report.html"

    def __repr__(self) -> str:
        return f"Analysis({str(self.path)!r})"


@overload
def analyze(  # type: ignore[overload-overlap]
    videos: Path,
    *,
    detector: Path | None = ...,
    runs: Mapping[str, Run | Path] | None = ...,
    config: Path | None = ...,
    changes: Mapping[str, object] | None = ...,
    out: Path = ...,
    progress: bool | None = ...,
) -> Analysis: ...
@overload
def analyze(
    videos: Sequence[Path],
    *,
    detector: Path | None = ...,
    runs: Mapping[str, Run | Path] | None = ...,
    config: Path | None = ...,
    changes: Mapping[str, object] | None = ...,
    out: Path = ...,
    progress: bool | None = ...,
) -> list[Analysis]: ...
def analyze(
    videos: Path | Sequence[Path],
    *,
    detector: Path | None = None,
    runs: Mapping[str, Run | Path] | None = None,
    config: Path | None = None,
    changes: Mapping[str, object] | None = None,
    out: Path = "results",
    progress: bool | None = None,
) -> Analysis | list[Analysis]:
    """Describes the faces of a video, a folder of pictures or a picture: boxes, persons, expressions, action units.

    Args:
        videos: One, or a list of them. Needs ffmpeg on the path.
        detector: The ONNX file of a face detector, or a published model by its name: ``"yunet"``.
        runs: Finished runs that are shown each face, with a name of your choice: ``{"expression": run}``.
        config: What is looked at, by what, and what is written: a file as ``ferrotype analyze --config`` takes it.
        changes: Changes of that file, such as ``{"sampling.every": 10, "parts.landmarks": "pfld68"}``.
        out: The folder in which each video gets a folder of its name.
        progress: ``False`` shows nothing.

    Raises:
        ExperimentError: An option is wrong.
        AnalysisError: A part or a video cannot be used.
    """
    given = dict(changes or {})
    if detector is not None:
        given["parts.detector"] = detector
    for name, run in (runs or {}).items():
        given[f"heads.{name}.run"] = run.path if isinstance(run, Run) else run
    _, show = _progress.chosen(progress)
    one = isinstance(videos, (str, os.PathLike))
    paths: list[Path] = [videos] if isinstance(videos, (str, os.PathLike)) else list(videos)
    told = _progress.told(show, None)
    done = [Analysis(path) for path in _native.analyze(paths, out, config, change_words(given), told)]
    return done[0] if one else done
