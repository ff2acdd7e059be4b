"""A trained supernet, for the tests of the search."""

import pytest
from mmengine.registry import init_default_scope
from mmengine.runner import Runner

from mmpanonas.config import load_config
from tests.conftest import SHAPES, SMALL

#: The backbone alone is searched: it tells candidates apart after a few steps already.
CONFIG = SHAPES / "../ablations/backbone_only.py"


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory, shapes_root):
    """A supernet of the shapes config that has begun to tell stuff apart."""
    work_dir = tmp_path_factory.mktemp("supernet")
    options = {"data_root": str(shapes_root), "work_dir": str(work_dir)}
    options |= {"train_cfg.max_iters": 84, "default_hooks.checkpoint.interval": 84}
    options |= {"param_scheduler": [], "train_dataloader.batch_size": 2}
    options |= {"val_cfg": None, "val_dataloader": None, "val_evaluator": None}
    config = load_config(str(CONFIG), SMALL | options)
    init_default_scope("mmdet")
    Runner.from_cfg(config).train()
    return work_dir / "iter_84.pth"
