"""A candidate to evaluate, and what came of one try: a line of ``times.jsonl`` each."""

import time
from dataclasses import dataclass, field

from mmpanonas.space import Arch


@dataclass(frozen=True)
class Part:
    """Some of the pictures, in a raced search's order: from ``start`` up to ``stop``.

    Attributes:
        held: what was seen of those before (:data:`mmpanonas.records.rungs.Picture`).
    """

    start: int
    stop: int
    held: list = field(default_factory=list)


@dataclass(frozen=True)
class Task:
    """A candidate to evaluate: its place in the strategy's order of proposals, and what it is.

    Attributes:
        part: of the pictures; None: all.
    """

    index: int
    arch: Arch
    part: Part | None = None


@dataclass(frozen=True)
class Outcome:
    """What came of one try.

    Attributes:
        index: of the task.
        worker: who tried.
        seconds: it took.
        metrics: by name; None if the try failed.
        reason: a short text that is the same for the same failure; None if it did not fail.
        counts: whether a failed try is the candidate's; False where its worker was told to
            stop.
        ended: when, in seconds since 1970.
        pictures: what was seen of the task's part, if it had one; ``metrics`` are of all so far.
    """

    index: int
    worker: str
    seconds: float
    metrics: dict[str, float] | None = None
    reason: str | None = None
    counts: bool = True
    ended: float = field(default_factory=time.time)
    pictures: list | None = None
