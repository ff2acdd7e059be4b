"""Where candidates are evaluated: the interface, and the executor that has no other process."""

from abc import ABC, abstractmethod
from collections.abc import Callable

from mmpanonas.errors import InputError
from mmpanonas.execution.attempt import Attempt, Evaluate
from mmpanonas.records import Outcome, Task
from mmpanonas.values import Positive


class WorkersLostError(InputError):
    """No worker is left, and none can come."""


class Executor(ABC):
    """Takes tasks while it is free, gives outcomes as they come, in any order.

    A context: inside it works.

    Attributes:
        remote: whether evaluators are built in other processes, so that what builds them is
            pickled.
    """

    remote = False

    @property
    @abstractmethod
    def free(self) -> int:
        """How many tasks could begin at once."""

    @abstractmethod
    def submit(self, task: Task) -> None:
        """Begin ``task``; there must be a free place."""

    @abstractmethod
    def wait(self) -> list[Outcome]:
        """Return at the next outcome, or, without one, when more places have become free."""

    def __enter__(self) -> "Executor":
        return self

    def __exit__(self, *exc) -> None:
        self.close()

    @abstractmethod
    def close(self) -> None:
        """The search is over, for good or by an error."""


class SerialExecutor(Executor):
    """One candidate after the other, in this thread.

    Args:
        build: makes the evaluator, when the first candidate needs it.
        metric, timeout: of ``Attempt``.
        say: called with a sentence on what this executor cannot do.
    """

    def __init__(
        self,
        build: Callable[[], Evaluate],
        metric: str,
        timeout: Positive | None = None,
        say: Callable[[str], None] = lambda sentence: None,
    ) -> None:
        self._build, self._metric, self._timeout, self._say = build, metric, timeout, say
        self._attempt: Attempt | None = None
        self._task: Task | None = None

    @property
    def free(self) -> int:
        """1, or 0 when a task waits for :meth:`wait`."""
        return int(self._task is None)

    def submit(self, task: Task) -> None:
        """Keep ``task``."""
        self._task = task

    def wait(self) -> list[Outcome]:
        """Try it."""
        if self._attempt is None:
            self._attempt = Attempt(self._build(), self._metric, self._timeout)
            if self._timeout is not None:
                self._say(
                    "val_cfg.timeout: serial interrupts Python, but cannot kill a candidate that "
                    "hangs in a call into C; --num-workers N can"
                )
        task, self._task = self._task, None
        return [self._attempt(task)] if task else []

    def close(self) -> None:
        """Nothing is left to end."""
