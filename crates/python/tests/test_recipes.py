"""The recipes of docs/python.md, run against the real loggers."""

from __future__ import annotations

import pathlib
from typing import Any

import pytest

import ferrotype

from conftest import Place

PAGE = pathlib.Path(__file__).parents[3] / "docs" / "python.md"


def follow(name: str, place: Place) -> dict[str, Any]:
    """Runs a recipe on the small experiment; gives its variables."""
    text = PAGE.read_text(encoding="utf-8").split(f"<!-- recipe: {name} -->\n```python\n")[1].split("```")[0]
    (place.folder / "configs").mkdir()
    (place.folder / "configs/quickstart.yaml").write_text(place.config.read_text())
    variables: dict[str, Any] = {}
    exec(compile(text, f"{PAGE.name}: {name}", "exec"), variables)
    return variables


def test_mlflow(place: Place) -> None:
    mlflow = pytest.importorskip("mlflow")
    run: ferrotype.Run = follow("mlflow", place)["run"]
    client = mlflow.MlflowClient()
    (logged,) = client.search_runs([client.get_experiment_by_name("faces").experiment_id])
    losses = client.get_metric_history(logged.info.run_id, "train_loss")
    assert [(m.step, m.value) for m in losses] == list(enumerate(run.history.column("train_loss"), 1))
    assert logged.data.metrics["test_accuracy"] == run.metrics["accuracy"]
    assert {file.path for file in client.list_artifacts(logged.info.run_id)} == {"experiment.yaml", "model.onnx", "report.html"}


def test_aim(place: Place) -> None:
    aim = pytest.importorskip("aim")
    followed = follow("aim", place)
    run: ferrotype.Run = followed["run"]
    logged = aim.Run(followed["log"].hash, repo=".", read_only=True)
    values = {metric.name: metric.values.sparse_list()[1] for metric in logged.metrics()}
    assert values["train_loss"] == run.history.column("train_loss")
    assert logged["test"]["accuracy"] == run.metrics["accuracy"]
