"""Rows of named values."""

from __future__ import annotations

import csv
import html
from os import PathLike
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas

#: Rows that a notebook shows.
_SHOWN = 20


class Table(list[dict[str, Any]]):
    """A list of rows, each a dict of the column's name and its value.

    ``pandas.DataFrame(table)`` takes it as it is; :meth:`to_pandas` does that.
    """

    @property
    def columns(self) -> list[str]:
        """Names of the columns, in the order in which they first appear."""
        return list(dict.fromkeys(name for row in self for name in row))

    def column(self, name: str) -> list[Any]:
        """The values of a column, ``None`` where a row has none.

        Raises ``KeyError`` where no row has the column.
        """
        if name not in self.columns:
            raise KeyError(f"there is no column {name!r}; there are {', '.join(self.columns)}")
        return [row.get(name) for row in self]

    def to_pandas(self) -> pandas.DataFrame:
        """The same as a data frame; needs pandas."""
        import pandas

        return pandas.DataFrame(list(self), columns=self.columns)

    def _repr_html_(self) -> str:
        names = self.columns
        head = "".join(f"<th>{html.escape(name)}</th>" for name in names)
        rows = (
            "".join(f"<td>{html.escape(_shown(row.get(name)))}</td>" for name in names) for row in self[:_SHOWN]
        )
        body = "".join(f"<tr>{row}</tr>" for row in rows)
        more = f"<p>{len(self)} rows</p>" if len(self) > _SHOWN else ""
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{more}"


def _shown(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.5g}" if isinstance(value, float) else str(value)


def read_csv(path: str | PathLike[str]) -> Table:
    """A CSV file; columns of numbers become numbers."""
    with open(path, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    table = Table(dict(row) for row in rows)
    for name in table.columns:
        values = [row[name] for row in rows]
        for kind in (int, float):
            try:
                numbers = [kind(value) if value else None for value in values]
            except ValueError:
                continue
            for row, number in zip(table, numbers):
                row[name] = number
            break
    return table
