"""Plain MMDetection detectors with searched parts, on boxes of rendered pictures."""

from pathlib import Path

import pytest

from mmpanonas.datasets.annotations.instances import write_instances
from mmpanonas.datasets.nas_split import split_nas
from mmpanonas.datasets.shapes import write_shapes
from tests.conftest import ROOT, SMALL

CONFIGS = ROOT / "configs/detnas"


@pytest.fixture(scope="session")
def boxes_root(tmp_path_factory) -> Path:
    """12 training pictures (4 of them nas_val), 4 of validation, 64 x 64, and their instances."""
    root = tmp_path_factory.mktemp("boxes")
    write_shapes(root, {"train": 12, "val": 4}, size=(64, 64))
    annotations = root / "annotations"
    split_nas(annotations / "panoptic_train.json", 4)
    for part, folder in dict(train="train", val="val", nas_train="train", nas_val="train").items():
        write_instances(annotations / f"panoptic_{part}.json", annotations / f"panoptic_{folder}")
    return root


@pytest.fixture
def small(boxes_root, tmp_path) -> dict:
    """Overrides that make a config of shapes' boxes run in seconds."""
    return SMALL | {
        "data_root": str(boxes_root),
        "image_scale": (64, 64),
        "visualizer.name": str(tmp_path),
        "model.test_cfg.score_thr": 0.0,  # a network of few iterations finds something
        "recalibration.num_images": 4,
        "recalibration.batch_size": 2,
    }


@pytest.fixture
def run(call_tool, small, tmp_path):
    """Run a tool, on small pictures, into a work dir of this name; returns the folder."""

    def run(tool: str, name: str, *argv: object, **options) -> Path:
        folder = tmp_path / name
        words = [f"{key}={value}" for key, value in (small | options).items()]
        argv = (*argv, "--work-dir", folder, "--cfg-options", *words)
        code, out, err = call_tool(f"tools/{tool}.py", *argv)
        assert code == 0, (out[-2000:], err[-2000:])
        return folder

    return run
