"""Progress where no terminal shows it: in a notebook."""

from __future__ import annotations

import html
import json
import sys
from typing import Any, Callable

#: Takes an event as the native part tells it.
Show = Callable[[dict[str, Any]], None]


def in_notebook() -> bool:
    """Whether a notebook shows what is displayed."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return type(shell).__name__ == "ZMQInteractiveShell"


def chosen(progress: bool | None) -> tuple[bool, Show | None]:
    """Whether the native part is quiet, and who shows progress in its place."""
    if progress is False:
        return True, None
    if in_notebook():
        return True, Notebook()
    return False, None


def told(show: Show | None, on_epoch: Callable[[dict[str, Any]], object] | None) -> Callable[[str], bool] | None:
    """The function that the native part calls with each event."""
    if show is None and on_epoch is None:
        return None

    def tell(text: str) -> bool:
        event: dict[str, Any] = json.loads(text)
        if show is not None:
            show(event)
        return on_epoch is None or event["event"] != "epoch" or on_epoch(event) is not False

    return tell


class Notebook:
    """A bar and a table of the epochs, renewed in place."""

    def __init__(self) -> None:
        self._notes: list[str] = []
        self._epochs: list[dict[str, Any]] = []
        self._now = ""
        self._handle: Any = None

    def __call__(self, event: dict[str, Any]) -> None:
        kind = event["event"]
        if kind == "step":
            share = (event["epoch"] - 1 + event["batch"] / event["batches"]) / event["epochs"]
            left = f"{event['seconds_left']:.0f} s left" if event["seconds_left"] is not None else ""
            self._now = _bar(share, f"epoch {event['epoch']} of {event['epochs']}, loss {event['loss']:.4f}, {left}")
        elif kind == "epoch":
            if self._epochs and event["epoch"] <= self._epochs[-1]["epoch"]:
                # The next seed or fold has begun.
                self._epochs.clear()
            self._epochs.append(event)
            if event["epoch"] == event["epochs"]:
                self._now = ""
        elif kind == "work":
            is_done = event["done"] >= event["all"]
            self._now = "" if is_done else _bar(event["done"] / max(event["all"], 1), event["what"])
        elif kind in ("note", "warning"):
            self._notes.append(("warning: " if kind == "warning" else "") + event["text"])
        self._display()

    def _display(self) -> None:
        from IPython.display import HTML, display

        page = HTML(self.html())
        if self._handle is None:
            self._handle = display(page, display_id=True)
        else:
            self._handle.update(page)

    def html(self) -> str:
        """What is shown."""
        notes = html.escape("\n".join(self._notes))
        return f"<pre>{notes}</pre>{self._table()}{self._now}"

    def _table(self) -> str:
        if not self._epochs:
            return ""
        names = list(self._epochs[-1]["validation"])
        head = "".join(f"<th>{html.escape(name)}</th>" for name in ["epoch", "train loss", *names, "s", ""])
        rows = []
        for epoch in self._epochs:
            values = [epoch["train_loss"], *(epoch["validation"].get(name) for name in names)]
            cells = [str(epoch["epoch"]), *("" if v is None else f"{v:.4f}" for v in values), f"{epoch['seconds']:.1f}"]
            cells.append("best" if epoch["best"] else "")
            rows.append("<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>")
        return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"


def _bar(share: float, text: str) -> str:
    return f'<progress max="1" value="{share:.4f}"></progress> {html.escape(text)}'
