"""A program that kills itself: ``python -m tests.dying WRITES PROGRAM WORD ...``.

It dies by SIGKILL once it has written ``WRITES`` lines of results. Killed from outside, it could
have ended first wherever the killer gets less of the machine than it does.
"""

import os
import runpy
import signal
import sys

from mmpanonas.execution import JsonLines


def main(writes: int, program: str) -> None:
    """Run the program with an ``append`` that counts."""
    append, left = JsonLines.append, [writes]

    def count(self: JsonLines, item: dict) -> None:
        append(self, item)
        left[0] -= self.path.name == "results.jsonl"
        if not left[0]:
            os.kill(os.getpid(), signal.SIGKILL)

    JsonLines.append = count
    runpy.run_path(program, run_name="__main__")


if __name__ == "__main__":
    sys.argv = sys.argv[1:]
    main(int(sys.argv.pop(0)), sys.argv[0])
