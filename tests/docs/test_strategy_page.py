"""The strategy of docs/strategy.md, as it stands there: registers, searches, keeps the laws."""

import random

import pytest

from mmpanonas.config import load_config
from mmpanonas.strategies import STRATEGIES, Random
from tests.conftest import ROOT
from tests.docs.page import Page
from tests.execution.fake import SPACE, score
from tests.execution.helpers import search
from tests.strategies import test_failures as laws
from tests.strategies.common import search as play

PAGE = Page.read(ROOT / "docs/strategy.md")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The page's module and config in a folder of their own."""
    (tmp_path / "hill_climb.py").write_text(PAGE.block("python"))
    config = PAGE.block("python", 1).replace('"../configs', f'"{ROOT}/configs')
    (tmp_path / "my_search.py").write_text(config)
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path
    STRATEGIES.pop("HillClimb", None)


@pytest.fixture
def strategy(folder):
    """A function that makes the strategy."""
    exec((folder / "hill_climb.py").read_text(), {"__name__": "hill_climb"})
    return lambda: STRATEGIES["HillClimb"](SPACE, generations=6, population=5)


def test_it_is_as_short_as_the_page_says():
    code = PAGE.block("python").partition("class ")[2]
    assert len(code.strip().splitlines()) <= 30


def test_it_climbs(strategy):
    climb = strategy()
    proposed = play(climb, score)
    assert len(set(proposed)) == len(proposed) == 30
    assert max(map(score, proposed)) > max(map(score, play(Random(SPACE, total=30), score)))
    best = max(proposed[:-5], key=score)
    codes = [SPACE.encode(arch) for arch in (best, *proposed[-5:])]
    assert [(codes[0] != code).sum() for code in codes[1:]] == [1] * 5


def test_killed_it_goes_on_to_the_same_files(strategy, tmp_path):
    whole = search(tmp_path / "whole", strategy=strategy())
    search(tmp_path / "killed", strategy=strategy())
    results = tmp_path / "killed/results.jsonl"
    results.write_text("".join(results.read_text().splitlines(keepends=True)[:7]))
    assert search(tmp_path / "killed", strategy=strategy()) == whole
    answers = [(tmp_path / name / "arch.json").read_bytes() for name in ("whole", "killed")]
    assert answers[0] == answers[1]


@pytest.mark.parametrize("failing", [0.0, 0.5, 1.0])
def test_the_order_of_telling_changes_nothing(strategy, failing):
    told = laws.scorer(0, failing)
    expected = laws.play(laws.make("HillClimb", 0), told)
    chance = random.Random(0)
    chunks = (lambda: chance.randint(1, 5), chance.shuffle)
    assert laws.play(laws.make("HillClimb", 0), told, *chunks) == expected


def test_its_config_finds_it(folder):
    config = load_config(str(folder / "my_search.py"))
    assert config.val_cfg.type == "SearchLoop"
    options = dict(config.val_cfg.strategy)
    climb = STRATEGIES[options.pop("type")](SPACE, **options)
    assert climb.total == 4 * 8
    assert len(climb.propose(99)) == 8
