"""Shares of choices, and the drawings of a population."""

import re

import numpy as np
import pytest

from mmpanonas.visualization.architecture.boxes import choice_label
from mmpanonas.visualization.charts.curves import _apart, draw_front, draw_generations
from mmpanonas.visualization.charts.heat_maps import draw_choice_maps
from mmpanonas.visualization.charts.population import choice_shares, draw_shares, mean_over_layers
from tests.conftest import shapes_arch
from tests.visualization.test_heat_maps import drawn

ARCHS = [shapes_arch(), shapes_arch("xception"), shapes_arch("xception", "df_5x5")]


def texts(path) -> list[str]:
    return re.findall(r"<text[^>]*>([^<]*)</text>", path.read_text())


def test_shares_are_counted_layer_by_layer():
    shares = choice_shares(ARCHS)
    layers = {part: len(rows) for part, rows in shares.items()}
    assert layers == dict(
        backbone=10, mask_head=2, semantic_head=1, things_to_stuff=4, stuff_to_things=5
    )
    assert shares["backbone"][7] == pytest.approx(
        dict(shuffle_3x3=1 / 3, shuffle_5x5=0, shuffle_7x7=0, xception=2 / 3)
    )
    assert shares["things_to_stuff"] == [dict(r4=1, r8=0, r16=0)] * 4
    assert mean_over_layers(shares)["mask_head"]["df_5x5"] == pytest.approx(1 / 3)
    for rows in shares.values():
        for layer in rows:
            assert sum(layer.values()) == pytest.approx(1)


def test_of_sizes_those_that_were_taken_are_shown():
    archs = [ARCHS[0].replace(mask_width=[width]) for width in ("x50", "x200", "x50")]
    assert choice_shares(archs)["mask_width"] == [pytest.approx(dict(x50=2 / 3, x200=1 / 3))]


def test_a_map_says_every_share_and_marks_the_largest(tmp_path):
    path = tmp_path / "a.svg"
    draw_choice_maps(choice_shares(ARCHS), path)
    found = texts(path)
    assert {"Backbone", "Stuff to things", "Xception", choice_label("df_5x5")} <= set(found)
    assert found.count("67") == 10 + 2 + 1  # xception; dw_3x3 in both heads
    assert found.count("100") == 4 + 5
    cells, rings = drawn(path)
    assert sorted(cells[ring] for ring in rings) == sorted(["67"] * 13 + ["100"] * 9)


def test_generations(tmp_path):
    draw_generations({0: [1.0, 2, 3], 2: [4.0]}, tmp_path / "a.svg", label="PQ $x$ <b>")
    assert {"generation", "median", "quartiles"} <= set(texts(tmp_path / "a.svg"))
    shares = {g: mean_over_layers(choice_shares(ARCHS[: g + 1])) for g in (0, 1, 2)}
    draw_shares(shares, tmp_path / "b.svg")
    assert {"Backbone", "Semantic head", choice_label("dw_3x3"), "r = 16", "60%"} <= set(
        texts(tmp_path / "b.svg")
    )


def test_the_trade_off_numbers_the_front_and_no_two_numbers_collide(tmp_path):
    costs, scores, numbers = [1.0, 2.0, 2.01, 3.0], [10.0, 20.0, 20.1, 5.0], [70, 71, 72, 73]
    draw_front(costs, scores, tmp_path / "a.svg", ("MACs (G)", "PQ"), numbers)
    found = set(texts(tmp_path / "a.svg"))
    assert {"70", "72", "MACs (G)", "PQ", "front (3)"} <= found
    assert not {"71", "73"} & found
    assert _apart([0, 1, 2], costs, scores) == [2, 0]


def test_one_candidate_is_enough_for_every_drawing(tmp_path):
    draw_generations({0: [1.0]}, tmp_path / "a.png", label="PQ")
    draw_front([1.0], [1.0], tmp_path / "b.png", ("a", "b"), [0])
    draw_choice_maps(choice_shares(ARCHS[:1]), tmp_path / "c.png")
    draw_shares({0: mean_over_layers(choice_shares(ARCHS[:1]))}, tmp_path / "d.png")
    for name in "abcd":
        assert np.fromfile(tmp_path / f"{name}.png", np.uint8)[:4].tobytes() == b"\x89PNG"
