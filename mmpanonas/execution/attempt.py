"""One try at one candidate: whatever goes wrong becomes a reason, not the end of the search."""

import math
import re
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from mmpanonas.records import Outcome, Task
from mmpanonas.space import Arch

#: The one interface of evaluators: metrics of an architecture, by name.
Evaluate = Callable[[Arch], Mapping[str, float]]

WORKER_DIED = "worker died"

#: What differs from one failure to the next of its kind: process ids and addresses.
_CHANGING = re.compile(r"\(?\bpids?\(?s?\)? *[\d, ]+\)?|\b0x[0-9a-f]+\b", re.IGNORECASE)


@dataclass
class Attempt:
    """Call the evaluator once; an exception, a time-out or a NaN becomes an outcome.

    Only what is no ``Exception`` passes, such as KeyboardInterrupt and ``WorkerBrokenError``.

    Attributes:
        evaluate: the evaluator. One of a raced search also has ``part``: from an architecture
            and a ``Part`` to the metrics of all pictures so far and what was seen of these.
        metric: the fitness, which must be finite.
        timeout: seconds, or None. Python code is interrupted; a call into C that never
            returns is not.
        worker: this one's name.
    """

    evaluate: Evaluate
    metric: str
    timeout: float | None = None
    worker: str = "serial"

    def __call__(self, task: Task) -> Outcome:
        """Try ``task`` on the main thread."""
        start, metrics, pictures, reason = time.perf_counter(), None, None, None
        try:
            with _time_limit(self.timeout):
                if task.part is None:
                    found = self.evaluate(task.arch)
                else:
                    found, pictures = self.evaluate.part(task.arch, task.part)
                metrics = {key: float(v) for key, v in found.items()}
            reason = self._objection(metrics)
        except Exception as error:
            reason = describe(error)
        return Outcome(
            index=task.index,
            worker=self.worker,
            seconds=time.perf_counter() - start,
            metrics=None if reason else metrics,
            reason=reason,
            pictures=None if reason else pictures,
        )

    def _objection(self, metrics: dict[str, float]) -> str | None:
        if self.metric not in metrics:
            return f"no metric {self.metric!r}: the evaluator gives {', '.join(metrics)}"
        if not math.isfinite(metrics[self.metric]):
            return f"{self.metric} is {metrics[self.metric]}"
        return None


class CandidateTimeoutError(Exception):
    """An evaluation took too long."""


class WorkerBrokenError(BaseException):
    """This process can evaluate no more, as after a lost GPU: it must end, like one that died."""


def describe(error: Exception) -> str:
    """The kind of an error and the first line of its message, without what changes by chance."""
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return "out of memory"
    if isinstance(error, CandidateTimeoutError):
        return str(error)
    first = str(error).strip().partition("\n")[0]
    text = f"{type(error).__name__}: {_CHANGING.sub('...', first)[:200]}"
    return text.removesuffix(": ")


def timeout_reason(seconds: float) -> str:
    """What is recorded of a candidate that took too long."""
    return f"timed out after {seconds:g} s"


@contextmanager
def _time_limit(seconds: float | None) -> Iterator[None]:
    """Raise ``CandidateTimeoutError`` inside after ``seconds``; needs the main thread."""
    if seconds is None:
        yield
        return

    late = CandidateTimeoutError(timeout_reason(seconds))
    struck = []

    def stop(*_) -> None:
        struck.append(True)
        raise late

    previous = signal.signal(signal.SIGALRM, stop)
    # Again and again: the first may be swallowed by an `except Exception` of a library.
    others = signal.setitimer(signal.ITIMER_REAL, seconds, min(seconds, 5.0))
    try:
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
    finally:  # it may have struck within the line above
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)
        signal.setitimer(signal.ITIMER_REAL, *others)
    if struck:
        raise late
