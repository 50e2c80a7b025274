"""Finished runs."""

from __future__ import annotations

import csv
import pathlib

import numpy
import onnxruntime
import PIL.Image
import pytest

import ferrotype

from conftest import Place


def faces(count: int) -> list[numpy.typing.NDArray[numpy.uint8]]:
    """Colourful noise of several sizes."""
    random = numpy.random.default_rng(1)
    return [random.integers(0, 256, (20 + 7 * i, 31, 3), dtype=numpy.uint8) for i in range(count)]


def test_what_training_left_is_read(trained: ferrotype.Run) -> None:
    assert trained.is_finished and 0 < trained.metrics["accuracy"] < 1
    assert trained.details["test"]["metrics"]["accuracy"]["value"] == trained.metrics["accuracy"]
    assert trained.experiment.name == "small"
    rows = trained.predictions
    right = [row["truth"] == row["prediction"] for row in rows]
    assert len(rows) == 20 and sum(right) / len(right) == pytest.approx(trained.metrics["accuracy"])
    assert sum(rows[0][name] for name in rows.columns[3:]) == pytest.approx(1)
    assert [row["epoch"] for row in trained.history] == [1, 2]
    assert list(trained.history.to_pandas()["train_loss"]) == trained.history.column("train_loss")
    assert trained.plots["confusion_matrix"]._repr_png_()[1:4] == b"PNG"
    assert trained.plots["loss"].svg.is_file() and trained.report.is_file()
    assert trained.members == []


def test_files_arrays_and_images_are_predicted_alike(trained: ferrotype.Run, tmp_path: pathlib.Path) -> None:
    pictures = faces(3)
    paths = [tmp_path / f"{i}.png" for i in range(3)]
    for path, picture in zip(paths, pictures):
        PIL.Image.fromarray(picture).save(path)
    of_arrays = trained.predict(pictures)
    assert of_arrays == trained.predict(paths)
    assert of_arrays == trained.predict([PIL.Image.open(path) for path in paths])
    one = trained.predict(str(paths[0]))
    assert one.label == of_arrays[0].label and one.probability == max(one.probabilities.values())
    assert [p.label for p in trained.predict(list(numpy.stack([pictures[0]] * 2)))] == [one.label] * 2
    grey = pictures[0][:, :, 0]
    assert trained.predict(grey) == trained.predict(grey[:, :, None]) == trained.predict(PIL.Image.fromarray(grey))


def test_predictions_are_those_of_the_command_line(trained: ferrotype.Run, place: Place) -> None:
    for i, picture in enumerate(faces(3)):
        PIL.Image.fromarray(picture).save(f"{i}.png")
    place.ok("predict", "--run", str(trained.path), "0.png", "1.png", "2.png", "--csv", "out.csv")
    with open("out.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    for row, prediction in zip(rows, trained.predict(["0.png", "1.png", "2.png"])):
        # The table has all digits: these are the same bits.
        assert {name: float(row[name]) for name in prediction.probabilities} == prediction.probabilities


def test_transparent_and_turned_images_are_as_their_files(trained: ferrotype.Run, tmp_path: pathlib.Path) -> None:
    (face,) = faces(1)
    image = PIL.Image.fromarray(face)
    image.putalpha(PIL.Image.fromarray((face[:, :, 0] > 99).astype(numpy.uint8) * 255))
    image.save(tmp_path / "a.png")
    assert trained.predict(image) == trained.predict(tmp_path / "a.png")
    exif = PIL.Image.Exif()
    exif[0x0112] = 6
    PIL.Image.fromarray(face).save(tmp_path / "turned.png", exif=exif)
    assert trained.predict(PIL.Image.open(tmp_path / "turned.png")) == trained.predict(tmp_path / "turned.png")


def test_what_is_no_picture_is_refused(trained: ferrotype.Run) -> None:
    with pytest.raises(TypeError, match="uint8"):
        trained.predict(numpy.zeros((20, 20)))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"\(20, 20, 4\)"):
        trained.predict(numpy.zeros((20, 20, 4), numpy.uint8))
    with pytest.raises(ValueError, match=r"list\(pictures\)"):
        trained.predict(numpy.zeros((2, 20, 20, 3), numpy.uint8))
    with pytest.raises(ferrotype.PictureError, match="no/such.png"):
        trained.predict("no/such.png")
    with pytest.raises(ferrotype.RunError, match="no/such/run"):
        ferrotype.Run.load("no/such/run")


def test_the_onnx_file_computes_the_same(trained: ferrotype.Run, tmp_path: pathlib.Path) -> None:
    assert trained.to_onnx() == trained.path / "model.onnx"
    path = trained.to_onnx(tmp_path / "other.onnx")
    session = onnxruntime.InferenceSession(path)
    (inputs,) = session.get_inputs()
    (face,) = [f[:24, :24] for f in faces(2)[1:]]
    assert [d for d in inputs.shape[1:] if isinstance(d, int)] == [1, 24, 24]
    grey = numpy.asarray(face[:, :, 0], dtype=numpy.float32)[None, None]
    logits = session.run(None, {inputs.name: grey})[0][0].astype(numpy.float64)
    shares = numpy.exp(logits - logits.max())
    expected = trained.predict(face[:, :, 0].copy()).probabilities
    assert list(expected.values()) == pytest.approx(list(shares / shares.sum()), abs=1e-5)
    with pytest.raises(ferrotype.ExportError):
        trained.to_onnx(tmp_path / "x.onnx", data="no/such.h5")
