"""Prepared files of pictures as NumPy's arrays."""

from __future__ import annotations

import os
from functools import cached_property
from typing import TYPE_CHECKING, Union

from ferrotype import _native

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray


class Dataset:
    """A prepared file of pictures, read into memory once. Its arrays are read-only views of that memory, no copies."""

    def __init__(self, path: Union[str, os.PathLike[str]]) -> None:
        """Reads a file that ``ferrotype data prepare`` or a training made; raises :class:`DatasetError` where it is not whole."""
        self._native = _native.Dataset(path)

    @cached_property
    def images(self) -> NDArray[numpy.uint8]:
        """All pictures, ``[count, height, width, channels]``, 0..255; one channel is grey, three are RGB."""
        import numpy

        return numpy.asarray(self._native.pixels())

    @cached_property
    def labels(self) -> NDArray[numpy.int16]:
        """The class of each row by its place in :attr:`classes`; -1 where it has none."""
        import numpy

        return numpy.asarray(self._native.labels())

    @cached_property
    def classes(self) -> list[str]:
        """Names of the classes."""
        return self._native.classes()

    @cached_property
    def parts(self) -> NDArray[numpy.str_]:
        """The part of each row by the set's own division: ``training``, ``validation``, ``test`` or ``undivided``."""
        import numpy

        return numpy.array(self._native.parts(), dtype=numpy.str_)

    @cached_property
    def subjects(self) -> NDArray[numpy.str_] | None:
        """The person on each row, empty where nobody knows; ``None`` where the set has no persons."""
        import numpy

        subjects = self._native.subjects()
        return None if subjects is None else numpy.array(subjects, dtype=numpy.str_)

    @cached_property
    def names(self) -> list[str]:
        """The file's name of each row; empty where the source has none."""
        return self._native.names()

    @cached_property
    def source_rows(self) -> NDArray[numpy.uint32]:
        """The row of the source that each row was: the column ``row`` of a run's predictions."""
        import numpy

        return numpy.asarray(self._native.source_rows())

    @cached_property
    def votes(self) -> tuple[NDArray[numpy.uint8], list[str]] | None:
        """Votes of several people, ``[rows, columns]``, with the names of the columns; ``None`` where there are none."""
        import numpy

        votes = self._native.votes()
        return None if votes is None else (numpy.asarray(votes[0]), votes[1])

    def __len__(self) -> int:
        return len(self.labels)

    def __str__(self) -> str:
        """Counts per part and class, and where the pictures come from."""
        return self._native.describe()

    def __repr__(self) -> str:
        count, height, width, channels = self.images.shape
        return f"Dataset({len(self)} rows, {count} pictures of {width} x {height} x {channels}, {len(self.classes)} classes)"
