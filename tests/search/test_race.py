"""A raced search of a real supernet: the same scores for fewer pictures; what it refuses."""

import json
from pathlib import Path

import pytest
from mmengine.runner import Runner

from mmpanonas.errors import InputError
from mmpanonas.search.evaluator import evaluator_of_config
from mmpanonas.space import Arch

RACE = dict(type="halving", rungs=[0.5])


@pytest.fixture
def config(shapes_config, checkpoint):
    """A function from overrides of ``val_cfg`` to a config of a search."""

    def make(name: str = "search", **changes):
        config = shapes_config("../ablations/backbone_only", work_dir=str(Path(name)))
        config.load_from = str(checkpoint)
        for key, value in changes.items():
            config.val_cfg[key] = value  # `update` would merge dictionaries
        return config

    return make


def results(folder: Path) -> dict[int, dict]:
    lines = map(json.loads, (folder / "results.jsonl").read_text().splitlines())
    return {line["index"]: line for line in lines}


def test_who_stays_scores_as_without_a_race(config, tmp_path):
    Runner.from_cfg(config(tmp_path / "raced", race=RACE)).val()
    raced = results(tmp_path / "raced")
    assert {r["pictures"] for r in raced.values()} == {2, 4}
    evaluate = evaluator_of_config(config(tmp_path / "plain").to_dict(), str(Path.cwd()))
    for r in raced.values():
        if r["state"] == "done":
            assert r["metrics"] == evaluate(Arch.from_dict(r["arch"]))
        else:
            low, high = r["interval"]
            assert low <= r["metrics"]["coco_panoptic/PQ"] <= high
    before = (tmp_path / "raced/results.jsonl").read_bytes()
    lines = (tmp_path / "raced/rungs.jsonl").read_text()
    (tmp_path / "raced/results.jsonl").write_bytes(before[: before.index(b"\n") + 1])
    Runner.from_cfg(config(tmp_path / "raced", race=RACE, resume=True)).val()
    assert (tmp_path / "raced/results.jsonl").read_bytes() == before
    assert (tmp_path / "raced/rungs.jsonl").read_text() == lines  # nothing was seen again


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (dict(race=dict(type="hare")), r"race.type: expected one of \['halving', 'paired'\]"),
        (dict(strategy=dict(type="PathPriority")), r"PathPriority ranks all .* none may leave"),
        (dict(cache="shared"), r"the cache keeps no counts"),
        (dict(metric="coco_panoptic/RQ"), r"compares PQ, PQ_th or PQ_st .* is coco_panoptic/RQ"),
        (dict(race=dict(type="paired", z=-1)), r"z: expected a number of 0 or more, got -1"),
    ],
)
def test_what_cannot_race_is_a_line(config, tmp_path, changes, message):
    cfg = config(tmp_path / "search", **dict(race=RACE) | changes)
    with pytest.raises(InputError, match=message):
        Runner.from_cfg(cfg).val()
    assert not (tmp_path / "search/results.jsonl").exists()
