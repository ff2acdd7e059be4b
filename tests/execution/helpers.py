"""A search of 12 candidates in this process, and an evaluator that fails on demand."""

import json
from itertools import count
from pathlib import Path

from mmpanonas.execution import Search, SerialExecutor
from mmpanonas.records import SearchDirectory
from mmpanonas.space import Arch
from mmpanonas.strategies import Random
from tests.execution.fake import METRIC, SPACE, score

ANSWER = ("results.jsonl", "arch.json", "ranking.csv", "strategy.json")


def search(
    folder: Path,
    evaluate=None,
    strategy=None,
    executor=None,
    resume: bool = True,
    timeout=None,
    start: dict | None = None,
    **options,
) -> list[dict]:
    """Run a search of 12 candidates; returns the lines of its results."""
    say = options.get("say", lambda sentence: None)
    directory = SearchDirectory(folder, dict(what="fake"), resume, start, say)
    strategy = strategy or Random(SPACE, total=12)
    evaluate = evaluate or Faulty({})
    executor = executor or SerialExecutor(lambda: evaluate, METRIC, timeout)
    try:
        Search(strategy, directory, METRIC, **options).run(executor)
    finally:
        directory.close()
    return lines(folder / "results.jsonl")


def lines(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def files(folder: Path) -> list[bytes]:
    return [(folder / name).read_bytes() for name in ANSWER]


class Faulty:
    """Raises what ``errors`` holds for the number of the call; counts calls per architecture."""

    def __init__(self, errors: dict[int, BaseException | dict]) -> None:
        self.errors, self.calls, self.archs = errors, count(), []

    def __call__(self, arch: Arch) -> dict[str, float]:
        call = next(self.calls)
        self.archs.append(arch)
        answer = self.errors.get(call, {METRIC: score(arch)})
        if isinstance(answer, BaseException):
            raise answer
        return answer
