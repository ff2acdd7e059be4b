"""Reading search directories: finished, running, of older form, damaged."""

import json

import pytest

from mmpanonas.errors import InputError
from mmpanonas.records import read_search
from tests.conftest import shapes_arch
from tests.made_up_search import REASONS, write_search

PQ = "coco_panoptic/PQ"
EVOLUTION = dict(type="Evolution", generations=3, population=8, parents=3, mutants=3, crosses=3)


def result(index, score=20.0, arch=None, **more):
    arch = (arch or shapes_arch()).to_dict()
    return dict(index=index, arch=arch, metrics={PQ: score}, cost=dict(backbone_macs=5)) | more


def write(folder, *results, end="\n"):
    (folder / "results.jsonl").write_text("\n".join(map(json.dumps, results)) + end)


def test_a_finished_search(tmp_path):
    search = write_search(tmp_path / "search", EVOLUTION, failed=2)
    data = read_search(search)
    assert [c.index for c in data.candidates] == list(range(24))
    assert data.remarks == ()
    assert data.metric == PQ
    assert [(c.index, c.reason, len(data.tries[c.index]), c.metrics) for c in data.failed] == [
        (6, REASONS[0], 3, {}),
        (18, REASONS[1], 3, {}),
    ]
    scores = [c.score(PQ) for c in data.ranked]
    assert len(scores) == 22
    assert scores == sorted(scores, reverse=True)
    assert data.winner == data.ranked[0]
    assert data.winner.arch == data.answer
    assert {g: len(members) for g, members in data.by_generation().items()} == {0: 7, 1: 8, 2: 7}
    assert data.tries[3][-1]["worker"] == "serial"
    assert 0 < data.seconds[3] < 14
    assert data.run["starts"][0]["versions"]["torch"] == "2.13.0"
    assert data.identity["seed"] == 0


def test_a_stopped_search_has_a_best_but_no_answer(tmp_path):
    data = read_search(write_search(tmp_path / "search", EVOLUTION, stop_after=10))
    assert len(data.candidates) == 10
    assert data.answer is None
    assert data.winner == data.ranked[0]


def test_an_answer_that_later_candidates_outdate_is_none(tmp_path):
    """A longer search was begun where a shorter one had ended."""
    search = write_search(tmp_path / "search", EVOLUTION)
    with (search / "results.jsonl").open("a") as file:
        line = json.loads((search / "results.jsonl").read_text().splitlines()[0])
        file.write(json.dumps(line | dict(index=24)) + "\n")
    assert read_search(search).answer is None


def test_tries_and_times(tmp_path):
    """Of several tries the last one counts; without times.jsonl nothing is known of them."""
    write(tmp_path, result(1, 9.5, generation=0), result(0, 9.5))
    tries = [dict(index=1, seconds=1.0, worker="a", reason="lost")]
    tries.append(dict(index=1, seconds=2.5, worker="b"))
    (tmp_path / "times.jsonl").write_text("\n".join([*map(json.dumps, tries), ""]))
    data = read_search(tmp_path)
    assert [(c.index, c.state) for c in data.candidates] == [(0, "done"), (1, "done")]
    assert {index: len(each) for index, each in data.tries.items()} == {1: 2}
    assert data.seconds == {1: 2.5}
    assert data.winner.index == 0, "the earlier of equals"
    assert data.remarks == ("search.json is missing: what was searched, and how, is unknown.",)


def test_scores_that_are_none(tmp_path):
    done = [result(i, score) for i, score in enumerate((3.0, float("nan"), float("inf")))]
    write(tmp_path, *done, result(3, metrics={}, state="failed", reason="why"))
    data = read_search(tmp_path)
    assert [c.index for c in data.ranked] == [0]
    assert data.candidates[3].reason == "why"


def test_a_candidate_that_comes_twice_is_refused_as_a_resumed_search_does(tmp_path):
    write(tmp_path, result(0, 3.0), result(1, 2.0), result(0, 4.0))
    with pytest.raises(InputError, match="line 3, holds candidate 0, as line 1 does"):
        read_search(tmp_path)


@pytest.mark.parametrize("end", ["\n" + '{"index": 2, "ar', "\n" + json.dumps(result(2))])
def test_a_last_line_without_its_end_is_left_out(tmp_path, end):
    write(tmp_path, result(0), result(1), end=end)
    (tmp_path / "times.jsonl").write_text('{"index": 1, "seconds": 7.0, "worker": "a"}\n{"ind')
    data = read_search(tmp_path)
    assert [c.index for c in data.candidates] == [0, 1]
    assert data.seconds[1] == 7.0
    assert [remark.split(" is")[0] for remark in data.remarks] == [
        "The last line of results.jsonl",
        "The last line of times.jsonl",
        "search.json",
    ]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"index": 1, "ar', r"results.jsonl, line 2, is no JSON .*restore that line"),
        ("[1]", r"line 2, is no JSON object but \[1\]"),
        ("", "line 2, is no JSON"),
        ('{"index": 1}', r"line 2, lacks arch, cost, metrics"),
        (json.dumps(result(1) | dict(arch=dict(backbone=["x"]))), "line 2.*unknown choice 'x'"),
        (json.dumps(result(1) | dict(arch=dict(backbone=["xception"]))), "line 2.*other parts or"),
        (json.dumps(result(1) | dict(metrics=3)), "line 2, has metrics 3, expected numbers"),
        (json.dumps(result(1) | dict(cost=dict(macs="many"))), "line 2.*many"),
    ],
)
def test_a_damaged_line_is_named(tmp_path, line, message):
    text = f"{json.dumps(result(0))}\n{line}\n{json.dumps(result(2))}\n"
    (tmp_path / "results.jsonl").write_text(text)
    with pytest.raises(InputError, match=message) as error:
        read_search(tmp_path)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "holds no results.jsonl: give the work dir of a search"),
        ("", "holds no result yet"),
        ('{"index": 0, "ar', "holds no result yet"),
    ],
)
def test_nothing_to_read(tmp_path, text, message):
    if text is not None:
        (tmp_path / "results.jsonl").write_text(text)
    with pytest.raises(InputError, match=message):
        read_search(tmp_path)


def test_not_a_directory(tmp_path):
    with pytest.raises(InputError, match="none is not a directory: give the work dir of a search"):
        read_search(tmp_path / "none")


@pytest.mark.parametrize(
    "text", ["{", "[" * 99_999, "[]", "\0", '{"metric": 3}', '{"model": 3}', '{"strategy": null}']
)
def test_a_damaged_identity_is_named(tmp_path, text):
    write(tmp_path, result(0))
    (tmp_path / "search.json").write_text(text)
    with pytest.raises(InputError, match=r"search\.json.*restore"):
        read_search(tmp_path)


BOARD = dict(finished_paths=9, paths=3, note="", scoreboard=dict(backbone=[dict(xception=1)]))
POINT = dict(score=1.0, cost=2.0, arch=dict(backbone=["xception"]))
FRONT = dict(cost="macs", front=[POINT], candidates=[POINT])
REPORTS = ["{", "[" * 99_999, "[]", *({"front": [], "cost": "x"}, FRONT | dict(front=3))]
REPORTS += [{k: v for k, v in BOARD.items() if k != key} for key in ("note", "paths")]
REPORTS += [BOARD | dict(scoreboard=each) for each in ({}, 3, dict(backbone=[]), dict(x=[{}]))]
REPORTS += [BOARD | dict(paths=0), BOARD | dict(finished_paths=2**60), BOARD | dict(note=3)]
REPORTS += [FRONT | dict(front=[POINT | bad]) for bad in (dict(cost="x"), dict(arch=3))]
DAMAGED = [("strategy.json", report) for report in REPORTS]
DAMAGED += [("run.json", text) for text in ("{", "[" * 99_999, "[]", "\0")]
DAMAGED += [("arch.json", text) for text in ("{", "[" * 99_999, '{"backbone": ["xception"]}')]
DAMAGED += [("ranking.csv", f'index\n"{"a" * 200_000}"\n')]
TRIES = (
    dict(index="x"),
    dict(index=[1]),
    dict(seconds="long"),
    dict(seconds=1e999),
    dict(worker=3),
)
DAMAGED += [("times.jsonl", json.dumps(dict(index=0, seconds=1.0, worker="a") | t)) for t in TRIES]


@pytest.mark.parametrize(("name", "content"), DAMAGED)
def test_what_decides_nothing_is_left_out_when_it_is_damaged(tmp_path, name, content):
    write(tmp_path, result(0))
    shapes_arch().dump(tmp_path / "arch.json")
    (tmp_path / "ranking.csv").write_text("rank,index\n1,0\n")
    (tmp_path / "search.json").write_text("{}")
    assert read_search(tmp_path).remarks == ()
    text = content if isinstance(content, str) else json.dumps(content)
    (tmp_path / name).write_text(text + "\n")
    data = read_search(tmp_path)
    assert [c.index for c in data.candidates] == [0]
    (remark,) = data.remarks
    assert "\n" not in remark
    assert name in remark or "The answer" in remark
    assert not data.strategy
    assert not data.run
    assert (data.answer is None) == (name in ("arch.json", "ranking.csv"))


def test_whole_reports_of_strategies_are_read(tmp_path):
    write(tmp_path, result(0))
    for report in (BOARD, FRONT):
        (tmp_path / "strategy.json").write_text(json.dumps(report))
        assert read_search(tmp_path).strategy == report
