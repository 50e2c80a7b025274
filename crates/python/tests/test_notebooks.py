"""The notebooks of the repository; `scripts/build_wheel.sh notebooks` runs them."""

from __future__ import annotations

import json
import pathlib

FOLDER = pathlib.Path(__file__).parents[3] / "examples" / "notebooks"


def test_they_are_kept_without_outputs() -> None:
    books = sorted(FOLDER.glob("*.ipynb"))
    assert len(books) == 3
    for book in books:
        cells = json.loads(book.read_text(encoding="utf-8"))["cells"]
        code = [cell for cell in cells if cell["cell_type"] == "code"]
        assert code and all(not cell["outputs"] and cell["execution_count"] is None for cell in code), book.name
