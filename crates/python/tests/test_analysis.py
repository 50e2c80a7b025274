"""Videos described."""

from __future__ import annotations

import os
import pathlib
import shutil

import pytest

import ferrotype


def test_mistakes_are_named() -> None:
    with pytest.raises(ferrotype.ExperimentError, match="detectr"):
        ferrotype.analyze("a.mp4", changes={"parts.detectr": "x"})
    with pytest.raises(ferrotype.AnalysisError):
        ferrotype.analyze("a.mp4", detector="no/such.onnx")


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="needs ffmpeg")
@pytest.mark.skipif("FERROTYPE_DETECTOR" not in os.environ, reason="FERROTYPE_DETECTOR names no YuNet or UltraFace ONNX file")
@pytest.mark.skipif("FERROTYPE_PICTURE" not in os.environ, reason="FERROTYPE_PICTURE names no picture with a face")
def test_a_picture_is_described(trained: ferrotype.Run, tmp_path: pathlib.Path) -> None:
    found = ferrotype.analyze(
        os.environ["FERROTYPE_PICTURE"],
        detector=os.environ["FERROTYPE_DETECTOR"],
        runs={"expression": trained},
        out=tmp_path / "results",
    )
    assert len(found.frames) >= 1 and any("expression" in name for name in found.frames.columns)
    assert found.results and found.report.is_file()
