"""Workers that are Ray actors: of a cluster, or of a local Ray that ends with the search."""

import os
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass

from mmpanonas.execution.attempt import (
    WORKER_DIED,
    Attempt,
    Evaluate,
    WorkerBrokenError,
    describe,
    timeout_reason,
)
from mmpanonas.execution.executor import Executor, WorkersLostError
from mmpanonas.execution.ray_cluster import import_ray, start_ray
from mmpanonas.records import Outcome, Task
from mmpanonas.values import NotNegative, Positive, RayAddress, Workers, checked

#: When so many workers in a row could not be built, no more are tried.
MAX_FAILED_STARTS = 3
#: Why a candidate has no result whose worker was told to end.
STOPPED = "its worker was told to stop"
#: Seconds beyond the time-out until a worker that does not answer is killed.
GRACE = 30.0
#: Seconds until it is said what is waited for.
PATIENCE = 30.0


class Worker:
    """What runs on the other side; ``build`` may take long (it loads the model and the data)."""

    def build(
        self, build: Callable[[], Evaluate], metric: str, timeout: float | None
    ) -> tuple[str, str]:
        """Make the evaluator; returns the worker's name and Ray's of its machine."""
        self._name = f"ray {socket.gethostname()} {os.getpid()}"
        self._attempt = Attempt(build(), metric, timeout, self._name)
        return self._name, import_ray().get_runtime_context().get_node_id()

    def evaluate(self, task: Task) -> Outcome:
        """Try ``task``."""
        try:
            return self._attempt(task)
        except (SystemExit, KeyboardInterrupt):
            return Outcome(task.index, self._name, 0.0, reason=STOPPED, counts=False)
        except WorkerBrokenError:
            os._exit(1)  # dead for Ray as well: it is replaced


@dataclass(eq=False)
class _Handle:
    """A worker as its coordinator sees it; without a name it is still being built."""

    actor: object
    name: str = ""
    node: str = ""
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
        workers: None: as many as the cluster's GPUs have room for, or one for each CPU where it
            has none.
        address: of a cluster: "auto", "host:port" or "ray://host:port"; None or "local": a Ray
            of its own.
        gpus: of each worker, where the cluster has any; a fraction lets workers share one.
        patience: seconds until ``say`` is told what is waited for; then again after twice as
            long, and so on.
        say: called with a sentence on what the search waits for, or gets over.

    Raises:
        InputError: Ray is not installed.
    """

    remote = True

    @checked
    def __init__(
        self,
        build: Callable[[], Evaluate],
        metric: str,
        timeout: Positive | None = None,
        workers: Workers | None = None,
        address: RayAddress | None = None,
        gpus: Positive = 1,
        grace: NotNegative = GRACE,
        patience: Positive = PATIENCE,
        say: Callable[[str], None] = lambda sentence: None,
    ) -> None:
        address = None if address == "local" else address
        self._ray = import_ray(local=address is None)
        self._arguments, self._timeout, self._grace = (build, metric, timeout), timeout, grace
        self._workers, self._address, self._gpus = workers, address, gpus
        self._running: dict[object, _Handle] = {}  # by Ray's reference to what each will answer
        self._idle: list[_Handle] = []
        self._started, self._failed_starts = False, 0
        self._patience, self._say = patience, say
        self._since, self._next_word = 0.0, patience

    @property
    def free(self) -> int:
        """Workers that are built and have no task."""
        return len(self._idle)

    def submit(self, task: Task) -> None:
        """Give ``task`` to the worker that has been idle the longest."""
        handle = self._idle.pop(0)
        handle.task, handle.since = task, time.monotonic()
        self._running[handle.actor.evaluate.remote(task)] = handle

    def wait(self) -> list[Outcome]:
        """See ``Executor``.

        Raises:
            WorkersLostError: none is left, and the last ones could not be built; or this
                machine's Ray has ended.
            InputError: the cluster does not answer.
        """
        if not self._started:
            self._start()
        self._since, self._next_word = time.monotonic(), self._patience
        outcomes, idle = [], len(self._idle)
        while not outcomes and len(self._idle) <= idle:
            ready, _ = self._ray.wait(list(self._running), timeout=1.0)
            for reference in ready:
                outcomes += self._collect(reference, self._running.pop(reference))
            outcomes += self._kill_overdue()
            if not ready:
                self._check_node()
                self._tell_what_is_awaited()
        return outcomes

    def close(self) -> None:
        """Free the workers' places; a local Ray ends."""
        if self._started:
            for handle in [*self._running.values(), *self._idle]:
                self._ray.kill(handle.actor)
            self._ray.shutdown()

    def _start(self) -> None:
        start_ray(self._ray, self._address, self._workers or os.cpu_count(), self._patience)
        self._started = True
        self._node = self._ray.get_runtime_context().get_node_id()
        cluster = self._ray.cluster_resources()
        gpus = cluster.get("GPU", 0)
        self._remote = self._ray.remote(num_cpus=1, num_gpus=self._gpus if gpus else 0)(Worker)
        room = int(gpus / self._gpus) if gpus else int(cluster["CPU"])
        for _ in range(self._workers or max(1, room)):
            self._spawn()

    def _is_alive(self, node: str) -> bool:
        return any(each["Alive"] for each in self._ray.nodes() if each["NodeID"] == node)

    def _check_node(self) -> None:
        """All that a driver asks for goes through the raylet of its own machine."""
        if not self._is_alive(self._node):
            raise WorkersLostError(
                f"Ray has ended on this machine ({socket.gethostname()}), so no worker can come: "
                f"start the cluster again if it is one, then go on with --resume"
            )

    def _tell_what_is_awaited(self) -> None:
        waited = time.monotonic() - self._since
        if waited < self._next_word:
            return
        self._next_word *= 2
        handles = self._running.values()
        unbuilt, busy = sum(not each.name for each in handles), sum(bool(h.task) for h in handles)
        has = self._ray.cluster_resources()
        room = ", ".join(f"{has.get(kind, 0):g} {kind}s" for kind in ("CPU", "GPU"))
        need = f"a CPU, and {self._gpus:g} GPUs" if has.get("GPU") else "a CPU"
        self._say(
            f"waiting for {waited:.0f} s: {busy} workers evaluate, {unbuilt} load or find no room "
            f"(a worker takes {need}; the cluster has {room})"
        )

    def _spawn(self) -> None:
        actor = self._remote.remote()
        self._running[actor.build.remote(*self._arguments)] = _Handle(actor)

    def _collect(self, reference: object, handle: _Handle) -> list[Outcome]:
        """The answer behind a reference; a dead worker is replaced."""
        task, handle.task = handle.task, None
        try:
            answer = self._ray.get(reference)
        except self._ray.exceptions.RayActorError:
            return self._replace(handle, task, WORKER_DIED)
        except self._ray.exceptions.RayTaskError as error:  # of `build`: an attempt raises none
            return self._replace(handle, task, describe(error.cause))
        if task is None:
            (handle.name, handle.node), self._failed_starts = answer, 0
        elif not answer.counts:
            self._ray.kill(handle.actor)
            self._spawn()
            return [answer]
        self._idle.append(handle)
        return [] if task is None else [answer]

    def _replace(self, handle: _Handle, task: Task | None, reason: str) -> list[Outcome]:
        """Spawn another worker, unless several in a row could not be built.

        The death of a whole machine is no fault of the candidate that was evaluated on it.
        """
        if not handle.name:
            self._failed_starts += 1
            self._say(f"a worker could not load the model and the data: {reason}")
        if self._failed_starts < MAX_FAILED_STARTS:
            self._spawn()
        elif not (self._running or self._idle):
            raise WorkersLostError(
                f"no Ray worker could load the model and the data: {reason}; fix that, then go "
                f"on with --resume"
            )
        if task is None:
            return []
        if handle.overdue:
            reason = timeout_reason(self._timeout)
        counts = handle.overdue or self._is_alive(handle.node)
        took = time.monotonic() - handle.since
        return [Outcome(task.index, handle.name, took, reason=reason, counts=counts)]

    def _kill_overdue(self) -> list[Outcome]:
        """Kill who does not answer; who does not even die is given up and replaced."""
        outcomes: list[Outcome] = []
        if self._timeout is None:
            return outcomes
        for reference, handle in list(self._running.items()):
            late = time.monotonic() - handle.since - self._timeout
            if handle.task is None or late <= self._grace:
                continue
            if not handle.overdue:
                handle.overdue = True
                self._ray.kill(handle.actor)
            elif late > 2 * self._grace:
                del self._running[reference]
                task, handle.task = handle.task, None
                outcomes += self._replace(handle, task, WORKER_DIED)
        return outcomes
