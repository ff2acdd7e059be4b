"""A program that stops itself: ``python -m tests.dying HOW WRITES PROGRAM WORD ...``.

Once it has written ``WRITES`` lines of results it dies by SIGKILL (``die``) or waits to be
killed (``wait``). Killed from outside as it runs, it could have ended first wherever the killer
gets less of the machine than it does.
"""

import os
import runpy
import signal
import sys
import time

from mmpanonas.records import JsonLines


def main(how: str, writes: int, program: str) -> None:
    """Run the program with an ``append`` that counts."""
    append, left = JsonLines.append, [writes]

    def count(self: JsonLines, item: dict) -> None:
        append(self, item)
        left[0] -= self.path.name == "results.jsonl"
        while how == "wait" and left[0] <= 0:
            time.sleep(1)
        if not left[0]:
            os.kill(os.getpid(), signal.SIGKILL)

    JsonLines.append = count
    runpy.run_path(program, run_name="__main__")


if __name__ == "__main__":
    sys.argv = sys.argv[1:]
    main(sys.argv.pop(0), int(sys.argv.pop(0)), sys.argv[0])
