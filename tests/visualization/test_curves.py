import math
import re

import cv2
import pytest

from mmpanonas.records import Candidate
from mmpanonas.visualization import draw_front, draw_search
from tests.conftest import shapes_arch

PQ = "coco_panoptic/PQ"


def results(scores, generation=lambda index: None):
    return [
        Candidate(i, shapes_arch(), {PQ: score}, {}, generation(i))
        for i, score in enumerate(scores)
    ]


def test_candidates_without_a_score_are_left_out_and_order_is_by_index(tmp_path):
    given = results([30.0, math.nan, 20.0, 40.0])[::-1]
    failed = Candidate(9, shapes_arch(), {}, {}, state="failed", reason="no memory")
    draw_search([*given, failed], tmp_path / "a.svg")
    draw_search(results([30.0, math.nan, 20.0, 40.0]), tmp_path / "b.svg")
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()
    svg = (tmp_path / "a.svg").read_text()
    assert dots(svg, 1) == 3
    assert "best: 40.00 (candidate 3)" in svg


def dots(svg, group):
    found = re.search(rf'<g id="PathCollection_{group}">.*?</g>\s*</g>', svg, re.S).group()
    return found.count("<use")


def test_every_candidate_has_a_dot_and_the_best_is_named(tmp_path):
    draw_search(results([11.0, 14.25, 12.0, 13.0], lambda i: i // 2), tmp_path / "a.svg")
    svg = (tmp_path / "a.svg").read_text()
    assert "best: 14.25 (candidate 1)" in svg
    assert dots(svg, 1) == 4
    assert ">generation<" in svg


@pytest.mark.parametrize("scores", [[3.0], [3.0, 3.0], [0.0, -1.0, 5.5]])
def test_without_generations(tmp_path, scores):
    draw_search(results(scores), tmp_path / "a.png", title="Random search")
    assert cv2.imread(str(tmp_path / "a.png")).shape == (585, 1040, 3)
    draw_search(results(scores), tmp_path / "a.svg")
    assert ">generation<" not in (tmp_path / "a.svg").read_text()


def test_nothing_to_draw(tmp_path):
    with pytest.raises(ValueError, match="none of 2 results has a finite 'x'"):
        draw_search(results([1.0, 2.0]), tmp_path / "a.png", score="x")
    assert not list(tmp_path.iterdir())


COSTS, SCORES = [1e9, 2e9, 3e9, 4e9], [10, 20, 15, 30]
LABELS = ("MACs of the network at 64x96", "PQ")


def test_every_candidate_and_the_front_have_their_dots(tmp_path):
    draw_front(COSTS, SCORES, tmp_path / "a.svg", LABELS)
    svg = (tmp_path / "a.svg").read_text()
    assert [dots(svg, 1), dots(svg, 2)] == [4, 3]
    for text in ("MACs of the network at 64x96", ">PQ<", "front (3)", ">candidate<", "2 G"):
        assert text in svg
    draw_front([1, 2, 3, 4], SCORES, tmp_path / "a.png", LABELS, title="Latency")
    assert cv2.imread(str(tmp_path / "a.png")).shape == (572, 832, 3)


def test_an_empty_front_is_not_drawn(tmp_path):
    with pytest.raises(ValueError, match="the front is empty"):
        draw_front([], [], tmp_path / "a.png", LABELS)
    assert not list(tmp_path.iterdir())
