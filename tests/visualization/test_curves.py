import re

import cv2
import pytest

from mmpanonas.visualization import draw_front, draw_search
from mmpanonas.visualization.charts.curves import _points

PQ = "coco_panoptic/PQ"


def results(scores, generation=None):
    return [
        {"index": i, "generation": generation and generation(i), "metrics": {PQ: score}}
        for i, score in enumerate(scores)
    ]


def test_candidates_without_a_score_are_left_out_and_order_is_by_index():
    given = results([30.0, float("nan"), 20.0, None], lambda i: i // 2)[::-1]
    given += [{"index": 9, "metrics": {"other": 1}}, {"index": 10, "metrics": None}]
    assert _points(given, PQ) == [(0, 30.0, 0), (2, 20.0, 1)]
    assert _points([{"metrics": {"mAP": 1}}, {"metrics": {"mAP": 2}}], "mAP") == [
        (0, 1.0, 0),
        (1, 2.0, 0),
    ]


def test_every_candidate_has_a_dot_and_the_best_is_named(tmp_path):
    draw_search(results([11.0, 14.25, 12.0, 13.0], lambda i: i // 2), tmp_path / "a.svg")
    svg = (tmp_path / "a.svg").read_text()
    assert "best: 14.25 (candidate 1)" in svg
    dots = re.search(r'<g id="PathCollection_1">.*?</g>\s*</g>', svg, re.S).group()
    assert dots.count("<use") == 4
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


def front(scale=1.0):
    points = [dict(score=s, cost=c * scale) for s, c in ((10, 1), (20, 2), (15, 3), (30, 4))]
    return dict(
        cost="MACs of the network at 64x96", candidates=points, front=points[:2] + points[3:]
    )


def test_every_candidate_and_the_front_have_their_dots(tmp_path):
    draw_front(front(1e9), tmp_path / "a.svg")
    svg = (tmp_path / "a.svg").read_text()
    groups = [
        re.search(rf'<g id="PathCollection_{n}">.*?</g>\s*</g>', svg, re.S).group() for n in (1, 2)
    ]
    assert [group.count("<use") for group in groups] == [4, 3]
    for text in ("MACs of the network at 64x96", ">PQ<", "front (3)", "evaluated candidates"):
        assert text in svg
    assert "2 G" in svg
    draw_front(front(), tmp_path / "a.png", title="Latency")
    assert cv2.imread(str(tmp_path / "a.png")).shape == (585, 1040, 3)


def test_an_empty_front_is_not_drawn(tmp_path):
    with pytest.raises(ValueError, match="the front is empty"):
        draw_front(dict(cost="x", front=[], candidates=[]), tmp_path / "a.png")
    assert not list(tmp_path.iterdir())
