"""Which candidates have killed a worker, remembered where the launcher starts all again."""

import os
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from mmpanonas.execution.history import read_history
from mmpanonas.execution.jsonlines import JsonLines
from mmpanonas.execution.record import is_count

_SIGNS = dict(died=1, started=1, ended=-1)


class Attempts:
    """The file ``attempts.jsonl``: tries that ended because a worker died, of one launch.

    The death of a worker under a living coordinator is the candidate's failure. A coordinator
    that dies cannot tell why, so a kill of the whole search counts for nothing, with one
    exception: a launcher that outlives the coordinator has started the search again
    (``torchrun --max-restarts``). Then what the coordinator's own process was evaluating, and
    did not end in good order, counts as well.

    Args:
        folder: of the search.
        launch: names the launch; what other launches left is not counted.
        say: called with a sentence on damaged lines, which are set aside.
    """

    def __init__(
        self,
        folder: str | os.PathLike,
        launch: str,
        say: Callable[[str], None] = lambda sentence: None,
    ) -> None:
        self._lines, self._launch = JsonLines(Path(folder) / "attempts.jsonl"), launch
        self._say = say

    def _append(self, index: int, event: str) -> None:
        self._lines.append(dict(launch=self._launch, index=index, event=event))

    def died(self, index: int) -> None:
        """A worker of another process died over candidate ``index``."""
        self._append(index, "died")

    def started(self, index: int) -> None:
        """The coordinator's own process begins to evaluate."""
        self._append(index, "started")

    def ended(self, index: int) -> None:
        """It has not died of it."""
        self._append(index, "ended")

    def deaths(self) -> Counter[int]:
        """How many tries of each candidate ended in a death."""
        deaths: Counter[int] = Counter()
        for line in read_history(self._lines, _is_note, self._say):
            if line["launch"] == self._launch:
                deaths[line["index"]] += _SIGNS[line["event"]]
        return +deaths


def _is_note(line: dict) -> bool:
    known = isinstance(line.get("event"), str) and line["event"] in _SIGNS
    return known and isinstance(line.get("launch"), str) and is_count(line.get("index"))
