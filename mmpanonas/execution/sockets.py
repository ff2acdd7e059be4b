"""Workers in other processes, each at the other end of a socket (used under torchrun).

The coordinator sends tasks and gets outcomes; a worker that dies closes its end, so its death
and its candidate are known at once, without time-outs.
"""

from collections.abc import Callable
from contextlib import suppress
from multiprocessing import AuthenticationError
from multiprocessing.connection import Connection, Listener, wait

from mmpanonas.execution.attempt import WORKER_DIED, Outcome, Task
from mmpanonas.execution.executor import Executor, WorkersLostError


class SocketExecutor(Executor):
    """The coordinator's side.

    Args:
        listener: whose address and key the workers know.
        workers: how many will call.
    """

    def __init__(self, listener: Listener, workers: int) -> None:
        self._idle: list[Connection] = []
        while len(self._idle) < workers:
            with suppress(AuthenticationError, EOFError, OSError):  # a stranger, such as a scan
                self._idle.append(listener.accept())
        self._names = {connection: connection.recv() for connection in self._idle}
        self._busy: dict[Connection, Task] = {}

    @property
    def free(self) -> int:
        """Workers without a task."""
        return len(self._idle)

    def submit(self, task: Task) -> None:
        """Send ``task`` to the worker that has been idle the longest."""
        connection = self._idle.pop(0)
        self._busy[connection] = task
        with suppress(OSError):  # it has died: `wait` finds that out
            connection.send(task)

    def wait(self) -> list[Outcome]:
        """See ``Executor``.

        Raises:
            WorkersLostError: every worker has died or was told to stop.
        """
        outcomes: list[Outcome] = []
        while not outcomes:
            if not (self._idle or self._busy):
                raise WorkersLostError("no worker is left; go on with --resume")
            for connection in wait([*self._idle, *self._busy]):
                outcomes += self._receive(connection)
        return outcomes

    def _receive(self, connection: Connection) -> list[Outcome]:
        task = self._busy.pop(connection, None)
        try:
            message = connection.recv()
        except (EOFError, OSError):
            message = None
        if isinstance(message, Outcome):
            self._idle.append(connection)
            return [message]
        if task is None:
            self._idle.remove(connection)
        connection.close()
        reason, counts = (WORKER_DIED, True) if message is None else (message, False)
        name = self._names[connection]
        return [Outcome(task.index, name, 0.0, reason=reason, counts=counts)] if task else []

    def close(self) -> None:
        """The workers wait for :meth:`dismiss`."""

    def dismiss(self, farewell: object) -> None:
        """Send every worker home; ``farewell`` is what their :func:`serve` returns."""
        for connection in [*self._idle, *self._busy]:
            with suppress(OSError):
                connection.send(farewell)


def serve(connection: Connection, attempt: Callable[[Task], Outcome], name: str) -> object:
    """The worker's side: try what is sent until the farewell comes, and return that.

    A worker that is told to stop (SystemExit, KeyboardInterrupt) says so before it goes: its
    candidate is not to blame.

    Raises:
        EOFError: the coordinator has died.
    """
    connection.send(name)
    try:
        while isinstance(task := connection.recv(), Task):
            connection.send(attempt(task))
        return task
    except (SystemExit, KeyboardInterrupt):
        connection.send("stopped")
        raise
