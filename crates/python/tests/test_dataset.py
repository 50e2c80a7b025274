"""Prepared files."""

from __future__ import annotations

import numpy
import pytest

import ferrotype


def test_arrays_show_the_memory_of_the_dataset(trained: ferrotype.Run) -> None:
    faces = ferrotype.Dataset(trained.path.parent.parent / "small.h5")
    images = faces.images
    assert images.shape == (240, 24, 24, 1) and images.dtype == numpy.uint8 and len(faces) == 240
    assert numpy.shares_memory(images, numpy.asarray(faces._native.pixels()))
    assert not images.flags.writeable and not images.flags.owndata
    assert sorted(set(faces.parts)) == ["test", "training", "validation"]
    assert faces.labels.dtype == numpy.int16 and faces.labels.max() < len(faces.classes)
    assert faces.subjects is not None and len(set(faces.subjects)) == 12
    assert "SYNTHETIC" in str(faces) and "240 rows" in repr(faces)
    total = int(images.sum())
    del faces
    # The array keeps what it shows.
    assert int(images.sum()) == total


def test_rows_are_those_of_the_predictions(trained: ferrotype.Run) -> None:
    faces = ferrotype.Dataset(trained.path.parent.parent / "small.h5")
    place = {int(row): i for i, row in enumerate(faces.source_rows)}
    for row in trained.predictions:
        assert faces.classes[faces.labels[place[row["row"]]]] == row["truth"]
        assert faces.parts[place[row["row"]]] == "test"


def test_what_is_no_prepared_file_is_refused(trained: ferrotype.Run) -> None:
    with pytest.raises(ferrotype.DatasetError, match="no/such.h5"):
        ferrotype.Dataset("no/such.h5")
    with pytest.raises(ferrotype.DatasetError, match="metrics.json"):
        ferrotype.Dataset(trained.path / "metrics.json")
