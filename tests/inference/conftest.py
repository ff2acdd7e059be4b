"""A tiny network with random weights that predicts something."""

import pytest
import torch
from mmdet.registry import DATASETS, MODELS
from mmengine.registry import init_default_scope

from mmpanonas.config import load_config
from mmpanonas.inference import PanopticInferencer
from tests.conftest import SEED, SHAPES, shapes_arch

RETRAIN = SHAPES / "retrain.py"


@pytest.fixture(scope="session")
def options(tmp_path_factory):
    """Of a fixed network whose random segments, low in score and small, all count."""
    path = tmp_path_factory.mktemp("archs") / "arch.json"
    shapes_arch().dump(path)
    limits = dict(score_thr=0.0, stuff_area_limit=1, thing_area_limit=1)
    return {
        "model.arch": str(path),
        "model.test_cfg.rcnn.score_thr": 0.0,
        "model.test_cfg.rcnn.max_per_img": 5,
        "data_root": "there/is/none",
    } | {f"model.test_cfg.panoptic.{key}": value for key, value in limits.items()}


@pytest.fixture(scope="session")
def save_network(shapes_root, options, tmp_path_factory):
    """A function (name, config, further options) -> checkpoint, weights at random."""

    def save(name: str, config=RETRAIN, with_meta: bool = True, **more):
        cfg = load_config(config, options | more | {"data_root": str(shapes_root)})
        init_default_scope(cfg.default_scope)
        torch.manual_seed(SEED)
        model = MODELS.build(cfg.model)
        content = dict(state_dict=model.state_dict(), meta={})
        if with_meta:
            dataset = DATASETS.build(cfg.train_dataloader.dataset)
            content["meta"]["dataset_meta"] = dataset.metainfo
        path = tmp_path_factory.mktemp("networks") / f"{name}.pth"
        torch.save(content, path)
        return path

    return save


@pytest.fixture(scope="session")
def checkpoint(save_network):
    return save_network("fixed")


@pytest.fixture(scope="session")
def inferencer(checkpoint, options):
    return PanopticInferencer(RETRAIN, checkpoint, "cpu", options, show_progress=False)
