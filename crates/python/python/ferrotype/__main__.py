"""The command line: ``ferrotype``, and ``python -m ferrotype``."""

from __future__ import annotations

import json
import os
import signal
import sys

from ferrotype import _native


def main() -> int:
    """Does what the words of the command line say; gives the exit code."""
    # The native part listens itself where it can save; elsewhere Ctrl-C ends the program at once, as it does any other.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    os.environ["FERROTYPE_PROGRAM"] = json.dumps(_started_by())
    return _native.main(["ferrotype", *sys.argv[1:]])


def _started_by() -> list[str]:
    """The words that start this program again, for runs in processes of their own."""
    words = list(getattr(sys, "orig_argv", ()))
    own = len(words) - len(sys.argv) + 1
    if own >= 2 and words[own:] == sys.argv[1:]:
        return [sys.executable, *words[1:own]]
    return [sys.executable, "-m", "ferrotype"]


if __name__ == "__main__":
    sys.exit(main())
