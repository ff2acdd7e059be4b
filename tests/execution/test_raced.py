"""Races of real strategies over made-up counts of pictures: who leaves, and what stays the same."""

import itertools
import json
import random
from functools import cache

import numpy as np
import pytest

from mmpanonas.execution import RacedSearch, Search, SerialExecutor
from mmpanonas.racing import Halving, PairedTest, PictureCounts
from mmpanonas.records import Part, SearchDirectory, SearchDirectoryError
from mmpanonas.space import Arch
from mmpanonas.strategies import STRATEGIES, Evolution, Random
from tests.execution.fake import METRIC, SPACE, Shuffled, make, score
from tests.execution.helpers import files, lines

PICTURES = 24
RACES = [Halving(), PairedTest(first=0.25, step=0.25, z=2)]


class Killed(BaseException):
    """What the core knows of a SIGKILL: nothing."""


class Counting:
    """Every architecture has a level of its own, every picture a difficulty, and both some noise.

    Args:
        calls: so many parts are seen until the search is killed.
        failing: of these scores every third fails, always.
    """

    def __init__(self, calls: int = 10**9, failing: bool = False) -> None:
        self.left, self.failing = calls, failing
        self.seen: list[tuple[Arch, int, int]] = []

    def part(self, arch: Arch, part: Part) -> tuple[dict[str, float], list]:
        if not self.left:
            raise Killed
        self.left -= 1
        if self.failing and int(score(arch) * 7000) % 3 == 0:
            raise RuntimeError("always")
        self.seen.append((arch, part.start, part.stop))
        new = [self.picture(arch, place) for place in range(part.start, part.stop)]
        return {METRIC: quality([*part.held, *new])}, new

    def __call__(self, arch: Arch) -> dict[str, float]:
        return self.part(arch, Part(0, PICTURES))[0]

    @staticmethod
    @cache
    def picture(arch: Arch, place: int) -> list:
        rng = np.random.default_rng([place, int(score(arch) * 7000)])
        hard = np.random.default_rng(place).uniform(0, 0.2)
        iou = 0.5 + 0.04 * score(arch) + hard + rng.uniform(0, 0.04)
        return [place, f"{place}.png", [[0, 1, 0, 0, iou], [1, 0, int(rng.integers(2)), 1, 0.0]]]


def quality(pictures: list) -> float:
    by_label = [{label: counts for label, *counts in rows} for *_, rows in pictures]
    return PictureCounts.of(by_label, range(2)).quality


def race(folder, strategy, evaluate=None, rule=RACES[0], executor=None, say=None) -> list[dict]:
    """Run a raced search; returns the lines of its results."""
    say = say or (lambda sentence: None)
    directory = SearchDirectory(folder, dict(what="fake"), True, None, say)
    evaluate = evaluate or Counting()
    executor = executor or SerialExecutor(lambda: evaluate, METRIC)
    options = dict(race=rule, pictures=PICTURES, classes=range(2), say=say)
    try:
        RacedSearch(strategy, directory, METRIC, give_up_after=None, **options).run(executor)
    finally:
        directory.close()
    return lines(folder / "results.jsonl")


def evolution() -> Evolution:
    return Evolution(SPACE, 1, None, 3, 12, parents=3, mutants=4, crosses=4)


STRATEGY = dict(
    evolution=evolution, random=lambda: Random(SPACE, total=20), pareto=lambda: make("Pareto", 24)
)


@pytest.mark.parametrize("rule", RACES)
@pytest.mark.parametrize("name", STRATEGY)
def test_scores_and_answer_are_of_all_pictures(tmp_path, name, rule):
    evaluate = Counting()
    results = race(tmp_path, STRATEGY[name](), evaluate, rule)
    assert [r["index"] for r in results] == list(range(len(results)))
    for r in results:
        arch, seen = Arch.from_dict(r["arch"]), r["pictures"]
        pictures = [Counting.picture(arch, place) for place in range(seen)]
        assert r["metrics"] == {METRIC: quality(pictures)}
        assert (r["state"], "interval" in r) == (
            ("done", False) if seen == PICTURES else ("left", True)
        )
    done = [r for r in results if r["state"] == "done"]
    assert 0 < len(done) < len(results)
    best = max(done, key=lambda r: r["metrics"][METRIC])
    assert json.loads((tmp_path / "arch.json").read_text()) == best["arch"]
    parts = sorted(evaluate.seen, key=lambda part: (str(part[0]), part[1]))
    assert len({part[:2] for part in parts}) == len(parts)  # no picture twice
    assert sum(stop - start for _, start, stop in parts) == sum(r["pictures"] for r in results)


def test_parents_were_seen_whole(tmp_path):
    strategy = evolution()
    results = race(tmp_path, strategy)
    parents = strategy.report()["parents"]
    assert len(parents) == 3
    assert {results[index]["state"] for index in parents} == {"done"}
    assert {r["generation"] for r in results if r["state"] == "left"} == {0, 1, 2}


@pytest.mark.parametrize("name", STRATEGY)
def test_a_race_that_nobody_leaves_is_the_search_without(tmp_path, name):
    evaluate = Counting()
    raced = race(tmp_path / "raced", STRATEGY[name](), rule=PairedTest(first=1))
    directory = SearchDirectory(tmp_path / "plain", dict(what="fake"))
    Search(STRATEGY[name](), directory, METRIC).run(SerialExecutor(lambda: evaluate, METRIC))
    directory.close()
    plain = lines(tmp_path / "plain/results.jsonl")
    assert [r | dict(pictures=PICTURES) for r in plain] == raced
    assert not (tmp_path / "plain/rungs.jsonl").exists()
    for name in ("arch.json", "ranking.csv"):
        assert (tmp_path / "plain" / name).read_bytes() == (tmp_path / "raced" / name).read_bytes()


@pytest.mark.parametrize(("name", "failing"), [("evolution", True), ("pareto", False)])
def test_killed_again_and_again_it_ends_the_same_and_sees_nothing_twice(tmp_path, name, failing):
    whole = Counting(failing=failing)
    race(tmp_path / "whole", STRATEGY[name](), whole)
    seen = []
    for length in itertools.cycle((1, 4, 7)):
        evaluate = Counting(length, failing)
        try:
            race(tmp_path / "parts", STRATEGY[name](), evaluate)
            break
        except Killed:
            seen += evaluate.seen
    seen += evaluate.seen
    assert seen == whole.seen
    assert files(tmp_path / "parts") == files(tmp_path / "whole")


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("failing", [False, True])
def test_the_order_in_which_workers_answer_changes_nothing(tmp_path, seed, failing):
    evaluate = Counting(failing=failing)
    race(tmp_path / "one", evolution(), evaluate)
    executor = Shuffled(evaluate, random.Random(seed), 4)
    race(tmp_path / "four", evolution(), executor=executor)
    assert files(tmp_path / "four") == files(tmp_path / "one")


def test_a_damaged_part_is_seen_again_and_changed_results_are_refused(tmp_path):
    race(tmp_path, evolution())
    before = files(tmp_path)
    path, said, evaluate = tmp_path / "rungs.jsonl", [], Counting()
    text = path.read_text().splitlines()
    text[4] = text[4].replace('"start": 0', '"start": 1')
    path.write_text("\n".join(text) + "\n")
    race(tmp_path, evolution(), evaluate, say=said.append)
    assert files(tmp_path) == before
    assert any("rungs.jsonl, line 5, is not what was written" in sentence for sentence in said)
    assert len({arch for arch, *_ in evaluate.seen}) == 1
    results = (tmp_path / "results.jsonl").read_text().splitlines()
    results[0] = results[0].replace('"pictures": ', '"pictures": 1')
    (tmp_path / "results.jsonl").write_text("\n".join(results) + "\n")
    (tmp_path / "times.jsonl").unlink()
    with pytest.raises(SearchDirectoryError, match=r"candidate 0 another result than its pictures"):
        race(tmp_path, evolution())


def test_strategies_say_how_many_of_the_best_matter():
    seats = {name: make(name, 24).seats for name in STRATEGIES}
    assert seats["PathPriority"] is None
    assert (seats["Random"], seats["Pareto"]) == (1, 1)
    assert evolution().seats == 3
