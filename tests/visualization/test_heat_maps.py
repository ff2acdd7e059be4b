import re

import cv2
import numpy as np
import pytest

from mmpanonas.errors import InputError
from mmpanonas.space import Part, SearchSpace
from mmpanonas.strategies import Scoreboard
from mmpanonas.visualization import draw_scoreboard
from mmpanonas.visualization.charts.heat_maps import differences

BACKBONE = [
    dict(shuffle_3x3=7, shuffle_5x5=1, shuffle_7x7=7, xception=5),
    dict(shuffle_3x3=0, shuffle_5x5=6, shuffle_7x7=2, xception=12),
]
ATTENTION = [dict(r4=1, r8=2, r16=30)]


def drawn(path) -> tuple[dict[str, str], list[str]]:
    """The number in each cell by its id, and the ids of the rings."""
    svg = path.read_text()
    cells = re.findall(r'<g id="([a-z_]+_\d+_[a-z0-9_]+)">\s*<text[^>]*>([^<]*)</text>', svg)
    return dict(cells), re.findall(r'<g id="winner_([^"]+)">', svg)


def random_scores(space: SearchSpace, high: int = 120) -> dict:
    board = Scoreboard(space)
    board.points[:] = np.random.default_rng(0).integers(0, high, board.points.shape)
    return board.to_dict()


def test_every_choice_has_its_number_and_every_layer_a_ring(tmp_path):
    scores = dict(backbone=BACKBONE, things_to_stuff=ATTENTION)
    draw_scoreboard(scores, tmp_path / "a.svg", title="A & B")
    cells, rings = drawn(tmp_path / "a.svg")
    assert cells == {
        f"{part}_{layer}_{choice}": str(score)
        for part, layers in scores.items()
        for layer, row in enumerate(layers)
        for choice, score in row.items()
    }
    assert rings == ["backbone_0_shuffle_3x3", "backbone_1_xception", "things_to_stuff_0_r16"]
    svg = (tmp_path / "a.svg").read_text()
    for text in ("A &amp; B", "Backbone", "Things to stuff", "Xception", "r = 16"):
        assert f">{text}<" in svg


def test_colour_is_the_distance_from_the_mean_of_the_layer():
    assert differences([[7, 1, 7, 5], [0, 6, 2, 12]]).tolist() == [[2, -4, 2, 0], [-5, 1, -3, 7]]


def test_numbers_that_do_not_fit_are_left_out(tmp_path):
    scores = dict(backbone=[BACKBONE[0] | dict(xception=123_456)])
    draw_scoreboard(scores, tmp_path / "a.svg")
    cells, rings = drawn(tmp_path / "a.svg")
    assert cells == {}
    assert rings == ["backbone_0_xception"]


@pytest.mark.parametrize(
    ("space", "width", "height"),
    [
        (SearchSpace.full(), 16.5, 6.6),
        (SearchSpace.full((2, 2, 4, 2)), 10.4, 6.3),
        (SearchSpace([Part("backbone", 10)]), 10.4, 3.8),
        (SearchSpace([Part("stuff_to_things", 1)]), 10.4, 3.4),
    ],
)
def test_panels_lie_side_by_side_within_the_picture(tmp_path, space, width, height):
    draw_scoreboard(random_scores(space), tmp_path / "a.png")
    picture = cv2.imread(str(tmp_path / "a.png"))
    assert picture.shape[1] / 130 == pytest.approx(width, abs=0.2)
    assert picture.shape[0] / 130 == pytest.approx(height, abs=0.2)
    assert (picture[:, -10:] == 255).all(), "a panel runs over the right edge"
    draw_scoreboard(random_scores(space), tmp_path / "a.svg")
    cells, rings = drawn(tmp_path / "a.svg")
    assert len(cells) == space.num_choices.sum()
    assert len(rings) == len(space.num_choices)


def test_a_scoreboard_of_equal_scores(tmp_path):
    draw_scoreboard(Scoreboard(SearchSpace.full()).to_dict(), tmp_path / "a.svg")
    assert set(drawn(tmp_path / "a.svg")[0].values()) == {"0"}


def test_layers_that_choose_from_unlike_sizes_share_a_map(tmp_path):
    """Depths of unlike stages; points per use are no whole numbers."""
    scores = dict(stage_depths=[dict(d1=2.5, d2=7.0), dict(d2=1.0, d3=4.25, d4=4.0)])
    draw_scoreboard(scores, tmp_path / "a.svg")
    cells, rings = drawn(tmp_path / "a.svg")
    assert {name: text for name, text in cells.items() if text} == {
        "stage_depths_0_d1": "2.5", "stage_depths_0_d2": "7.0",
        "stage_depths_1_d2": "1.0", "stage_depths_1_d3": "4.2", "stage_depths_1_d4": "4.0",
    }  # fmt: skip
    assert rings == ["stage_depths_0_d2", "stage_depths_1_d3"]


def test_another_suffix_is_refused(tmp_path):
    with pytest.raises(InputError, match="must end in"):
        draw_scoreboard(dict(backbone=BACKBONE), tmp_path / "a.pdf")
