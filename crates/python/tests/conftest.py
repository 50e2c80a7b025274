"""A small experiment on synthetic faces, trained once for all tests that look at a run."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys
from typing import Any

import pytest

import ferrotype

#: 200 training, 20 validation and 20 test rows.
SMALL = """name: small
seed: 3
threads: 2
data:
  path: small.h5
  source: {synthetic: {count: 240, seed: 1, size: 24, identities: 12}}
  split: own
  preprocess: {size: 24, scale: signed}
  augment: {flip: 0.5, shift: 0.1}
model: tiny_xception
train:
  epochs: 2
  batch_size: 32
  lr: 4e-3
"""


class Place:
    """A folder with the small experiment in it, and the command line run there."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.folder = folder
        self.config = folder / "small.yaml"
        self.config.write_text(SMALL)

    def words(self, *words: str) -> list[str]:
        """A command line of the installed program."""
        return [str(pathlib.Path(sys.executable).parent / "ferrotype"), *words]

    def start(self, *words: str) -> subprocess.Popen[str]:
        """Starts it."""
        pipe = subprocess.PIPE
        return subprocess.Popen(self.words(*words), cwd=self.folder, stdout=pipe, stderr=pipe, text=True)

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Runs it to its end."""
        return subprocess.run(self.words(*words), cwd=self.folder, capture_output=True, text=True, check=False)

    def ok(self, *words: str) -> str:
        """Runs what must succeed; gives standard output."""
        ended = self.run(*words)
        assert ended.returncode == 0, ended.stderr
        return ended.stdout

    def only(self, folder: str) -> pathlib.Path:
        """The only folder in a folder."""
        (found,) = [path for path in (self.folder / folder).iterdir() if path.is_dir()]
        return found


def epochs(run: pathlib.Path) -> list[dict[str, Any]]:
    """The epochs of a run's history, without what differs from time to time."""
    events = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    return [{k: v for k, v in e.items() if k != "seconds"} for e in events if e["event"] == "epoch"]


@pytest.fixture
def place(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    """A place of its own for one test, which works there."""
    monkeypatch.chdir(tmp_path)
    return Place(tmp_path)


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> ferrotype.Run:
    """A run that was trained by the module."""
    folder = tmp_path_factory.mktemp("trained")
    before = os.getcwd()
    os.chdir(folder)
    try:
        run = ferrotype.train(Place(folder).config, progress=False)
        return ferrotype.Run.load(run.path.resolve())
    finally:
        os.chdir(before)
