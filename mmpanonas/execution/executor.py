"""Where candidates are evaluated: the interface, and the executor that has no other process."""

from abc import ABC, abstractmethod
from collections.abc import Callable

from mmpanonas.errors import InputError
from mmpanonas.execution.attempt import Outcome, Task


class WorkersLostError(InputError):
    """No worker is left, and none can come."""


class Executor(ABC):
    """Takes tasks while it is free, gives outcomes as they come, in any order.

    A context: inside it works.
    """

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
        attempt: tries a task.
    """

    def __init__(self, attempt: Callable[[Task], Outcome]) -> None:
        self._attempt = attempt
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
        task, self._task = self._task, None
        return [self._attempt(task)] if task else []

    def close(self) -> None:
        """Nothing is left to end."""
