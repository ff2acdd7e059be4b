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
    Outcome,
    Task,
    WorkerBrokenError,
    describe,
    timeout_reason,
)
from mmpanonas.execution.executor import Executor, WorkersLostError
from mmpanonas.execution.ray_cluster import import_ray, start_ray
from mmpanonas.values import NotNegative, Positive, RayAddress, Workers, checked

#: When so many workers in a row could not be built, no more are tried.
MAX_STILLBORN = 3
#: Seconds beyond the time-out until a worker that does not answer is killed.
GRACE = 30.0
#: Seconds until it is said what is waited for.
PATIENCE = 30.0


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
        address: of a cluster: "auto", "host:port" or "ray://host:port"; None or "local": a Ray
            of its own.
        patience: seconds until ``say`` is told what is waited for; then again after twice as
            long, and so on.
        say: called with a sentence on what the search waits for, or gets over.

    Raises:
        InputError: Ray is not installed.
    """

    @checked
    def __init__(
        self,
        build: Callable[[], Evaluate],
        metric: str,
        timeout: Positive | None = None,
        workers: Workers | None = None,
        address: RayAddress | None = None,
        grace: NotNegative = GRACE,
        patience: Positive = PATIENCE,
        say: Callable[[str], None] = lambda sentence: None,
    ) -> None:
        address = None if address == "local" else address
        self._ray = import_ray(local=address is None)
        self._arguments, self._timeout, self._grace = (build, metric, timeout), timeout, grace
        self._workers, self._address = workers, address
        self._hands: dict[object, _Hand] = {}  # by what Ray has promised of each
        self._idle: list[_Hand] = []
        self._started, self._stillborn = False, 0
        self._patience, self._say = patience, say
        self._since, self._next_word = 0.0, patience

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
            WorkersLostError: none is left, and the last ones could not be built; or this
                machine's Ray has ended.
            InputError: the cluster does not answer.
        """
        if not self._started:
            self._start()
        self._since, self._next_word = time.monotonic(), self._patience
        outcomes, idle = [], len(self._idle)
        while not outcomes and len(self._idle) <= idle:
            ready, _ = self._ray.wait(list(self._hands), timeout=1.0)
            for promise in ready:
                outcomes += self._collect(promise, self._hands.pop(promise))
            outcomes += self._kill_overdue()
            if not ready:
                self._check_node()
                self._tell_what_is_awaited()
        return outcomes

    def close(self) -> None:
        """Free the workers' places; a local Ray ends."""
        if self._started:
            for hand in [*self._hands.values(), *self._idle]:
                self._ray.kill(hand.actor)
            self._ray.shutdown()

    def _start(self) -> None:
        start_ray(self._ray, self._address, self._workers or os.cpu_count(), self._patience)
        self._started = True
        self._node = self._ray.get_runtime_context().get_node_id()
        cluster = self._ray.cluster_resources()
        gpus = int(cluster.get("GPU", 0))
        self._remote = self._ray.remote(num_cpus=1, num_gpus=int(gpus > 0))(Worker)
        for _ in range(self._workers or gpus or int(cluster["CPU"])):
            self._hire()

    def _check_node(self) -> None:
        """All that a driver asks for goes through the raylet of its own machine."""
        alive = {node["NodeID"]: node["Alive"] for node in self._ray.nodes()}
        if not alive.get(self._node, False):
            raise WorkersLostError(
                f"Ray has ended on this machine ({socket.gethostname()}), so no worker can come: "
                f"start the cluster again if it is one, then go on with --resume"
            )

    def _tell_what_is_awaited(self) -> None:
        waited = time.monotonic() - self._since
        if waited < self._next_word:
            return
        self._next_word *= 2
        hands = self._hands.values()
        unbuilt, busy = sum(not hand.name for hand in hands), sum(bool(h.task) for h in hands)
        has = self._ray.cluster_resources()
        room = ", ".join(f"{has.get(kind, 0):g} {kind}s" for kind in ("CPU", "GPU"))
        self._say(
            f"waiting for {waited:.0f} s: {busy} workers evaluate, {unbuilt} load or find no room "
            f"(a worker takes a CPU, and a GPU where there are any; the cluster has {room})"
        )

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
        if not hand.name:
            self._stillborn += 1
            self._say(f"a worker could not load the model and the data: {reason}")
        if self._stillborn < MAX_STILLBORN:
            self._hire()
        elif not (self._hands or self._idle):
            raise WorkersLostError(
                f"no Ray worker could load the model and the data: {reason}; mend that, then go "
                f"on with --resume"
            )
        if task is None:
            return []
        if hand.overdue:
            reason = timeout_reason(self._timeout)
        return [Outcome(task.index, hand.name, time.monotonic() - hand.since, reason=reason)]

    def _kill_overdue(self) -> list[Outcome]:
        """Kill who does not answer; who does not even die is given up and replaced."""
        outcomes: list[Outcome] = []
        if self._timeout is None:
            return outcomes
        for promise, hand in list(self._hands.items()):
            late = time.monotonic() - hand.since - self._timeout
            if hand.task is None or late <= self._grace:
                continue
            if not hand.overdue:
                hand.overdue = True
                self._ray.kill(hand.actor)
            elif late > 2 * self._grace:
                del self._hands[promise]
                task, hand.task = hand.task, None
                outcomes += self._bury(hand, task, WORKER_DIED)
        return outcomes
