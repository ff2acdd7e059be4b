"""Curves of a training: read from MMEngine's logs over several starts, and drawn."""

import json
import re

import cv2
import pytest
from mmengine.runner import Runner

from mmpanonas.errors import InputError
from mmpanonas.visualization import draw_training, read_training
from mmpanonas.visualization.charts.training import TrainingCurves
from tests.conftest import shapes_arch


def log(work_dir, start: str, *lines: dict) -> None:
    folder = work_dir / start / "vis_data"
    folder.mkdir(parents=True)
    (folder / "scalars.json").write_text("".join(json.dumps(line) + "\n" for line in lines))


def losses(step: int, value: float) -> dict:
    return dict(lr=value / 100, loss=value, loss_mask=value / 2, acc=9.0, iter=step, step=step)


def score(step: int, value: float) -> dict:
    return {"coco_panoptic/PQ": value, "coco_panoptic/SQ": 1.0, "time": 1.0, "step": step}


def test_a_later_start_replaces_what_it_goes_over_again(tmp_path):
    log(tmp_path, "20260101_1", losses(50, 4.0), losses(100, 3.0), score(100, 10.0))
    log(tmp_path, "20260101_2", losses(100, 2.5), losses(150, float("nan")), score(150, 20.0))
    log(tmp_path, "20260101_3", {"coco_panoptic/PQ": 99.0, "step": 0})  # a test
    curves = read_training(tmp_path)
    assert curves.losses == {
        "loss": {50: 4.0, 100: 2.5},
        "loss_mask": {50: 2.0, 100: 1.25},
    }
    assert curves.rates == {"lr": {50: 0.04, 100: 0.025}}
    assert curves.scores == {"PQ": {150: 20.0}}


def test_a_start_from_scratch_leaves_nothing_of_the_one_before(tmp_path):
    log(tmp_path, "20260101_1", losses(50, 4.0), losses(100, 3.0), score(100, 10.0))
    log(tmp_path, "20260101_2", losses(50, 5.0))
    curves = read_training(tmp_path)
    assert curves.losses["loss"] == {50: 5.0}
    assert curves.scores == {}


def test_a_torn_line_is_left_out_and_every_curve_is_named(tmp_path):
    log(tmp_path, "1", losses(50, 4.0), losses(100, 1.0), score(100, 62.25))
    path = tmp_path / "1/vis_data/scalars.json"
    path.write_text(path.read_text() + '{"loss": 3.0, "st')
    draw_training(read_training(tmp_path), tmp_path / "a.svg", title="Training of me")
    svg = (tmp_path / "a.svg").read_text()
    words = re.findall(r"<text[^>]*>([^<]*)</text>", svg)
    assert "Training of me" in words
    assert {"loss  1.00", "loss_mask  0.50", "lr  0.01", "PQ  62.25"} <= set(words)
    assert {"loss", "learning rate", "score (%)", "iteration"} <= set(words)


def test_without_validation_there_is_no_score(tmp_path):
    log(tmp_path, "1", losses(50, 4.0))
    draw_training(read_training(tmp_path), tmp_path / "a.png")
    log(tmp_path, "2", losses(100, 3.0), score(100, 1.0))
    draw_training(read_training(tmp_path), tmp_path / "b.png")
    heights = [cv2.imread(str(tmp_path / name)).shape[0] for name in ("a.png", "b.png")]
    assert 3 * heights[0] == 2 * heights[1]


def test_what_cannot_be_drawn(tmp_path):
    with pytest.raises(InputError, match=r"holds no losses: give the work dir of tools/train\.py"):
        read_training(tmp_path)
    log(tmp_path, "1", losses(50, 4.0))
    with pytest.raises(InputError, match=r"a\.pdf: its name must end in \.png or \.svg"):
        draw_training(read_training(tmp_path), tmp_path / "a.pdf")


def test_a_real_training(shapes_config, tmp_path):
    shapes_arch().dump(tmp_path / "arch.json")
    changes = {"model.arch": str(tmp_path / "arch.json"), "default_hooks.logger.interval": 2}
    changes |= {"train_cfg.max_iters": 4, "train_cfg.val_interval": 3}
    config = shapes_config("retrain", **changes)
    Runner.from_cfg(config).train()
    curves = read_training(config.work_dir)
    assert list(curves.losses["loss"]) == [2, 4]
    terms = [curve for name, curve in curves.losses.items() if name != "loss"]
    for step in (2, 4):
        total = sum(curve[step] for curve in terms)
        assert curves.losses["loss"][step] == pytest.approx(total, rel=1e-4)
    assert set(curves.scores) == {"PQ", "PQ_th", "PQ_st"}
    assert list(curves.scores["PQ"]) == [3, 4]  # and at the end


def test_a_title_with_dollars_is_no_formula(tmp_path):
    curves = TrainingCurves({"loss": {1: 2.0, 2: 1.0}}, {}, {})
    draw_training(curves, tmp_path / "x.png", title=r"Training of $\no$")
    assert (tmp_path / "x.png").is_file()
