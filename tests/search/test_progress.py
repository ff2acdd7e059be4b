"""What a search says at its end."""

from mmpanonas.records import Candidate
from mmpanonas.search.progress import ranking_table
from mmpanonas.space import Arch

COST = dict(backbone_macs=27_300_000, backbone_params=80_000)


def ranked(*scores: float) -> list[Candidate]:
    arch = Arch(backbone=("shuffle_3x3",))
    return [Candidate(i, arch, {"quality/PQ": score}, COST, 0) for i, score in enumerate(scores)]


def test_the_table_holds_the_best_and_is_silent_about_a_best_one_alone():
    rows = ranking_table(ranked(31.04, 31.03, 31.03), "quality/PQ", 2).splitlines()
    assert [row.split() for row in rows[1:]] == [
        ["1", "0", "0", "31.04", "27.3", "0.08"],
        ["2", "1", "0", "31.03", "27.3", "0.08"],
    ]


def test_equal_best_scores_are_counted_beyond_the_table():
    last = ranking_table(ranked(31.03, 31.03, 31.03, 7.5), "quality/PQ", 2).splitlines()[-1]
    assert last.startswith("3 of 4 share the best score, of which the first proposed is taken")
