"""The real search core with a made-up evaluator, as a program that tests start and kill.

It loads neither torch nor MMEngine.
"""

import argparse
import hashlib
import json
import os
import random
import signal
import time
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path

from mmpanonas.execution import (
    Attempt,
    Executor,
    RayExecutor,
    Search,
    SerialExecutor,
)
from mmpanonas.records import Outcome, SearchDirectory, Task
from mmpanonas.space import Arch, Part, SearchSpace
from mmpanonas.strategies import STRATEGIES, Strategy
from studies.strategies.sizes import sizes
from tests.strategies.common import GOALS

SPACE = SearchSpace([Part("backbone", 6), Part("things_to_stuff", 3)])
METRIC = "pq"


def number(arch: Arch) -> int:
    """A number that tells architectures apart and is the same in every process."""
    return int(hashlib.sha256(json.dumps(arch.to_dict()).encode()).hexdigest()[:12], 16)


def score(arch: Arch) -> float:
    return sum(c == "xception" for c in arch.backbone) + number(arch) % 1000 / 7000


@dataclass
class Fake:
    """An evaluator.

    Attributes:
        sleep: seconds of an evaluation.
        faulty: some candidates raise, some give NaN, always.
        killer: the first worker that evaluates the third candidate or a later one, and does
            so when this file does not exist, makes it and dies.
        log: every evaluation adds a line here.
    """

    sleep: float = 0.0
    faulty: bool = False
    killer: Path | None = None
    log: Path | None = None
    calls: int = 0

    def __call__(self, arch: Arch) -> dict[str, float]:
        self.calls += 1
        if self.log:
            with self.log.open("a") as file:
                file.write(f"{os.getpid()} {number(arch)}\n")
        if self.killer and self.calls > 2:
            with suppress(FileExistsError):
                self.killer.touch(exist_ok=False)
                os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(self.sleep)
        if self.faulty and number(arch) % 5 == 0:
            raise RuntimeError(f"bad at {hex(id(arch))} (pid {os.getpid()})\nand more")
        if self.faulty and number(arch) % 7 == 0:
            return {METRIC: float("nan")}
        return {METRIC: score(arch), "other": 1 / 3}


def build(fake: Fake) -> Fake:
    """What a Ray worker calls."""
    return fake


def make(strategy: str, evaluations: int, seed: int = 0) -> Strategy:
    options = sizes(strategy, evaluations) | GOALS.get(strategy, {})
    return STRATEGIES[strategy](SPACE, seed=seed, **options)


class Shuffled(Executor):
    """A few places whose outcomes come in the order of ``turns``."""

    def __init__(self, fake: Fake, turns: random.Random, places: int = 4) -> None:
        self.attempt, self.turns = Attempt(fake, METRIC), turns
        self.places, self.tasks = places, []

    @property
    def free(self) -> int:
        return self.places - len(self.tasks)

    def submit(self, task: Task) -> None:
        self.tasks.append(task)

    def wait(self) -> list[Outcome]:
        task = self.tasks.pop(self.turns.randrange(len(self.tasks)))
        return [self.attempt(task)]

    def close(self) -> None:
        assert self.tasks == []


def executor_of(args: argparse.Namespace, fake: Fake) -> Executor:
    if args.executor == "ray":
        return RayExecutor(partial(build, fake), METRIC, workers=args.workers)
    if args.executor == "shuffled":
        return Shuffled(fake, random.Random(0), args.workers)
    return SerialExecutor(partial(build, fake), METRIC)


def main(words: list[str], begun: Connection) -> None:
    """A search as a program; says when it begins."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("strategy")
    parser.add_argument("--executor", default="serial")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--evaluations", type=int, default=60)
    parser.add_argument("--sleep", type=float, default=0.0)
    parser.add_argument("--faulty", action="store_true")
    parser.add_argument("--killer", type=Path)
    parser.add_argument("--log", type=Path)
    parser.add_argument("--dies-after", type=float, help="seconds from its beginning")
    args = parser.parse_args(words)
    fake = Fake(args.sleep, args.faulty, args.killer, args.log)
    executor = executor_of(args, fake)
    directory = SearchDirectory(args.folder, dict(strategy=args.strategy), resume=True)
    strategy = make(args.strategy, args.evaluations)
    if args.dies_after is not None:
        # The kernel ends it: no line of Python sees it, however late everybody else is.
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.setitimer(signal.ITIMER_REAL, max(args.dies_after, 1e-6))
    begun.send("begin")
    Search(strategy, directory, METRIC).run(executor)
