"""Rank correlation: counted by hand, against its definitions, and as a tool."""

import json
import math
import subprocess
import sys
from itertools import combinations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from mmpanonas.errors import InputError
from mmpanonas.evaluation import pair_scores, rank_correlation, read_stand_alone
from tests.conftest import ROOT, shapes_arch
from tests.made_up_search import write_search

EVOLUTION = dict(type="Evolution", generations=2, population=6, parents=2, mutants=2, crosses=2)


def tau_b(x, y):
    """(concordant - discordant) / sqrt(pairs untied in x * pairs untied in y)."""
    signs = [
        (np.sign(a - c), np.sign(b - d))
        for (a, b), (c, d) in combinations(zip(x, y, strict=True), 2)
    ]
    balance = sum(a * b for a, b in signs)
    return balance / math.sqrt(sum(a != 0 for a, _ in signs) * sum(b != 0 for _, b in signs))


def rho(x, y):
    """Pearson's correlation of the ranks, ties sharing the mean of theirs."""

    def ranks(values):
        return [
            sum(other < v for other in values) + (sum(other == v for other in values) - 1) / 2
            for v in values
        ]

    return np.corrcoef(ranks(x), ranks(y))[0, 1]


@pytest.mark.parametrize(
    ("second", "tau", "spearman"),
    [
        ([10, 20, 30, 40], 1, 1),
        ([40, 30, 20, 10], -1, -1),
        # the first two swapped: 5 concordant pairs, 1 discordant; rho = 1 - 6 * 2 / (4 * 15)
        ([20, 10, 30, 40], 4 / 6, 0.8),
        # the ends swapped: only the pair in the middle is concordant; rho = 1 - 6 * 18 / 60
        ([4, 2, 3, 1], -4 / 6, -0.8),
        # one tie in the second list: 5 concordant of sqrt(6 * 5)
        ([1, 1, 2, 3], 5 / math.sqrt(30), 4.5 / math.sqrt(5 * 4.5)),
    ],
)
def test_counted_by_hand(second, tau, spearman):
    found = rank_correlation([1, 2, 3, 4], second, resamples=100)
    assert found["kendall_tau"].value == pytest.approx(tau)
    assert found["spearman_rho"].value == pytest.approx(spearman)


@settings(deadline=None, max_examples=30)
@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), min_size=3, max_size=12))
def test_equal_to_the_definitions_and_unmoved_by_rising_functions(pairs):
    x, y = zip(*pairs, strict=True)
    assume(len(set(x)) > 1 and len(set(y)) > 1)
    found = rank_correlation(x, y, resamples=100)
    assert found["kendall_tau"].value == pytest.approx(tau_b(x, y))
    assert found["spearman_rho"].value == pytest.approx(rho(x, y))
    again = rank_correlation([math.exp(a) for a in x], [b**3 for b in y], resamples=100)
    assert again == found
    for correlation in found.values():
        assert -1.0000001 <= correlation.low <= correlation.high <= 1.0000001


def test_interval_is_that_of_all_resamples_and_narrows_with_more_pairs():
    """Three pairs have 27 equally likely resamples, which can be listed."""
    x, y = [1, 2, 3], [1, 3, 2]
    draws = [[a, b, c] for a in range(3) for b in range(3) for c in range(3)]
    taus = [
        tau_b([x[i] for i in draw], [y[i] for i in draw]) for draw in draws if len(set(draw)) > 1
    ]
    found = rank_correlation(x, y, resamples=3000)["kendall_tau"]
    assert (min(taus), max(taus)) == (-1, 1)
    assert (found.low, found.high) == pytest.approx((-1, 1))

    rng = np.random.default_rng(0)
    widths = []
    for count in (10, 40, 160):
        scores = rng.normal(size=count)
        found = rank_correlation(scores, scores + rng.normal(size=count), 300)["spearman_rho"]
        assert found.low < found.value < found.high
        widths.append(found.high - found.low)
    assert widths == sorted(widths, reverse=True)


@pytest.mark.parametrize(
    ("first", "second", "resamples", "message"),
    [
        ([1, 2], [1, 2], 2000, "needs 3 pairs or more, got 2"),
        ([1, 2, 3], [1, 2], 2000, "as many scores in both lists, got 3, 2"),
        ([1, 2, 3], [5, 5, 5], 2000, "all scores of one list are equal"),
        ([1, 2, 3], [1, 2, 3], 10, "needs 100 resamples or more, got 10"),
    ],
)
def test_what_cannot_be_correlated(first, second, resamples, message):
    with pytest.raises(InputError, match=message):
        rank_correlation(first, second, resamples)


def test_pairs_by_index_and_by_architecture():
    archs = [shapes_arch(), shapes_arch("xception"), shapes_arch(head="df_3x3")]
    supernet = {0: (archs[0], 5), 1: (archs[1], 6), 2: (archs[2], None)}
    alone = [(archs[1], 30.0), (0, 20.0), (1, 32.0)]
    assert pair_scores(supernet, alone) == {0: (5, 20.0), 1: (6, 31.0)}
    with pytest.raises(InputError, match="candidate 2 has no score of the supernet"):
        pair_scores(supernet, [(2, 1.0)])
    with pytest.raises(InputError, match="result of candidate 7 that the search lacks"):
        pair_scores(supernet, [(7, 1.0)])
    with pytest.raises(InputError, match="an architecture that the search lacks"):
        pair_scores(supernet, [(shapes_arch(ratio="r8"), 1.0)])


def test_files_of_either_form_say_the_same(tmp_path):
    arch = shapes_arch()
    (tmp_path / "a.json").write_text(
        json.dumps([dict(index=3, score=41.5), dict(arch=arch.to_dict(), score=40)])
    )
    quoted = json.dumps(arch.to_dict()).replace('"', '""')
    (tmp_path / "a.csv").write_text(f'index,arch,score\n3,,41.5\n,"{quoted}",40\n')
    for name in ("a.json", "a.csv"):
        assert read_stand_alone(tmp_path / name) == [(3, 41.5), (arch, 40.0)]


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.csv", "index,score\n1,2\n2,many\n", "a.csv, result 2: expected score"),
        ("a.csv", "index,PQ\n1,2\n", r"result 1.*lacks 'score'"),
        ("a.json", '[{"score": 3}]', r"result 1.*lacks 'arch'"),
        ("a.json", '[{"index": 1, "score": NaN}]', "score nan"),
        ("a.json", '[{"arch": {"backbone": ["x"]}, "score": 3}]', "unknown choice 'x'"),
        ("a.json", '{"index": 1}', "expected a list of objects"),
        ("a.json", "[1", "not JSON"),
        ("a.json", "[1]", "result 1"),
        ("a.txt", "", "expected a .json or .csv file"),
    ],
)
def test_bad_files(tmp_path, name, text, message):
    (tmp_path / name).write_text(text)
    with pytest.raises(InputError, match=message):
        read_stand_alone(tmp_path / name)


def test_missing_file(tmp_path):
    with pytest.raises(InputError, match=r"none\.csv do not exist"):
        read_stand_alone(tmp_path / "none.csv")


def run_tool(*args) -> subprocess.CompletedProcess:
    command = [sys.executable, "-W", "ignore", "tools/analysis_tools/rank_correlation.py"]
    return subprocess.run([*command, *map(str, args)], cwd=ROOT, capture_output=True, text=True)


def test_the_tool(tmp_path):
    search = write_search(tmp_path / "search", EVOLUTION)
    lines = [json.loads(line) for line in (search / "results.jsonl").read_text().splitlines()]
    scores = [line["metrics"]["coco_panoptic/PQ"] for line in lines]
    alone = [2 * score + 1 for score in scores[:5]]
    alone[0], alone[1] = alone[1], alone[0]
    rows = "".join(f"{i},{score!r}\n" for i, score in enumerate(alone))
    (tmp_path / "alone.csv").write_text(f"index,score\n{rows}")
    done = run_tool(search, tmp_path / "alone.csv", "--out", tmp_path / "out.json")
    assert done.returncode == 0, done.stderr
    found = json.loads((tmp_path / "out.json").read_text())
    assert found["n"] == 5
    assert found["kendall_tau"]["value"] == pytest.approx(tau_b(scores[:5], alone))
    assert found["pairs"][2] == dict(index=2, supernet=scores[2], stand_alone=alone[2])
    assert f"Kendall's tau-b {found['kendall_tau']['value']:7.3f}" in done.stdout
    assert "5 candidates, supernet score: coco_panoptic/PQ" in done.stdout
    assert run_tool(search / "results.jsonl", tmp_path / "alone.csv").stdout in done.stdout

    done = run_tool(tmp_path, tmp_path / "alone.csv")
    assert done.returncode == 2
    assert done.stderr.strip().endswith(
        f"error: {tmp_path} holds no results.jsonl: give the work dir of a search"
    )
