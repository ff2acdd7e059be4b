"""Workers that are Ray actors: of a cluster, or of a local Ray that ends with the search."""

import os
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass

from mmpanonas.errors import InputError
from mmpanonas.execution.attempt import (
    WORKER_DIED,
    Attempt,
    Evaluate,
    Outcome,
    Task,
    WorkerBrokenError,
    describe,
    timeout_reason,
)
from mmpanonas.execution.executor import Executor, WorkersLostError

#: When so many workers in a row could not be built, no more are tried.
MAX_STILLBORN = 3
#: Seconds beyond the time-out until a worker that does not answer is killed.
GRACE = 30.0


class Worker:
    """What runs on the other side; ``build`` may take long (it loads the model and the data)."""

    def build(self, build: Callable[[], Evaluate], metric: str, timeout: float | None) -> str:
        """Make the evaluator; returns the worker's name."""
        name = f"ray {socket.gethostname()} {os.getpid()}"
        self._attempt = Attempt(build(), metric, timeout, name)
        return name

    def evaluate(self, task: Task) -> Outcome:
        """Try ``task``."""
        try:
            return self._attempt(task)
        except WorkerBrokenError:
            os._exit(1)  # dead for Ray as well: it is replaced


@dataclass(eq=False)
class _Hand:
    """A worker as its coordinator sees it; without a name it is still being built."""

    actor: object
    name: str = ""
    task: Task | None = None
    since: float = 0.0
    overdue: bool = False


class RayExecutor(Executor):
    """As many actors as ``workers``, each as soon as the cluster has room for it.

    Nodes may join (actors that waited begin), leave and die (an actor that dies is replaced,
    its candidate tried again). Ray starts at the first :meth:`wait`.

    Args:
        build: makes a worker's evaluator, in the worker. It is pickled.
        metric, timeout: of ``Attempt``. A worker that does not answer for ``GRACE`` seconds
            beyond ``timeout`` is killed.
        workers: None: one for each GPU of the cluster, or for each CPU where it has none.
        address: of a cluster: "auto" or "host:port"; None: a local Ray.

    Raises:
        InputError: Ray is not installed.
    """

    def __init__(
        self,
        build: Callable[[], Evaluate],
        metric: str,
        timeout: float | None = None,
        workers: int | None = None,
        address: str | None = None,
        grace: float = GRACE,
    ) -> None:
        self._ray = import_ray(local=address is None)
        self._arguments, self._timeout, self._grace = (build, metric, timeout), timeout, grace
        self._workers, self._address = workers, address
        self._hands: dict[object, _Hand] = {}  # by what Ray has promised of each
        self._idle: list[_Hand] = []
        self._started, self._stillborn = False, 0

    @property
    def free(self) -> int:
        """Workers that are built and have no task."""
        return len(self._idle)

    def submit(self, task: Task) -> None:
        """Give ``task`` to the worker that has been idle the longest."""
        hand = self._idle.pop(0)
        hand.task, hand.since = task, time.monotonic()
        self._hands[hand.actor.evaluate.remote(task)] = hand

    def wait(self) -> list[Outcome]:
        """See ``Executor``.

        Raises:
            WorkersLostError: none is left, and the last ones could not be built.
        """
        if not self._started:
            self._start()
        outcomes, idle = [], len(self._idle)
        while not outcomes and len(self._idle) <= idle:
            ready, _ = self._ray.wait(list(self._hands), timeout=1.0)
            for promise in ready:
                outcomes += self._collect(promise, self._hands.pop(promise))
            self._kill_overdue()
        return outcomes

    def close(self) -> None:
        """Free the workers' places; a local Ray ends."""
        if self._started:
            for hand in [*self._hands.values(), *self._idle]:
                self._ray.kill(hand.actor)
            self._ray.shutdown()

    def _start(self) -> None:
        self._started = True
        if self._address is None:
            cpus = self._workers or os.cpu_count()
            self._ray.init(num_cpus=cpus, include_dashboard=False, log_to_driver=False)
        else:
            self._ray.init(address=self._address, log_to_driver=False)
        cluster = self._ray.cluster_resources()
        gpus = int(cluster.get("GPU", 0))
        self._remote = self._ray.remote(num_cpus=1, num_gpus=int(gpus > 0))(Worker)
        for _ in range(self._workers or gpus or int(cluster["CPU"])):
            self._hire()

    def _hire(self) -> None:
        actor = self._remote.remote()
        self._hands[actor.build.remote(*self._arguments)] = _Hand(actor)

    def _collect(self, promise: object, hand: _Hand) -> list[Outcome]:
        """What a kept or broken promise means; a dead worker is replaced."""
        task, hand.task = hand.task, None
        try:
            answer = self._ray.get(promise)
        except self._ray.exceptions.RayActorError:
            return self._bury(hand, task, WORKER_DIED)
        except self._ray.exceptions.RayTaskError as error:  # of `build`: an attempt raises none
            return self._bury(hand, task, describe(error.cause))
        self._idle.append(hand)
        if task is not None:
            return [answer]
        hand.name, self._stillborn = answer, 0
        return []

    def _bury(self, hand: _Hand, task: Task | None, reason: str) -> list[Outcome]:
        """Replace a worker, unless several in a row could not be built."""
        self._stillborn += not hand.name
        if self._stillborn < MAX_STILLBORN:
            self._hire()
        elif not (self._hands or self._idle):
            raise WorkersLostError(f"no Ray worker could load the model and the data: {reason}")
        if task is None:
            return []
        if hand.overdue:
            reason = timeout_reason(self._timeout)
        return [Outcome(task.index, hand.name, time.monotonic() - hand.since, reason=reason)]

    def _kill_overdue(self) -> None:
        if self._timeout is None:
            return
        for hand in list(self._hands.values()):
            late = time.monotonic() - hand.since > self._timeout + self._grace
            if hand.task is not None and late and not hand.overdue:
                hand.overdue = True
                self._ray.kill(hand.actor)


def import_ray(local: bool):
    """The module ``ray``, which sends no usage statistics; a local one keeps to this machine.

    Raises:
        InputError: it is not installed.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    if local:  # Ray's own switch for nodes at 127.0.0.1
        os.environ.setdefault("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")
    try:
        import ray
    except ImportError:
        raise InputError(
            "--executor ray needs Ray, which is not installed: pip install -e '.[ray]' in the "
            "project's folder, on every machine of the cluster"
        ) from None
    return ray
