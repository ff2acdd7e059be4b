"""A trained supernet, for the tests of the search."""

import pytest
from mmengine.registry import init_default_scope
from mmengine.runner import Runner

from mmpanonas.config import load_config
from tests.conftest import SHAPES, SMALL


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory, shapes_root):
    """A supernet of the shapes config that has begun to tell stuff apart."""
    work_dir = tmp_path_factory.mktemp("supernet")
    options = {"data_root": str(shapes_root), "work_dir": str(work_dir)}
    options |= {"train_cfg.max_iters": 252, "default_hooks.checkpoint.interval": 252}
    options |= {"param_scheduler": [], "train_dataloader.batch_size": 2}
    config = load_config(str(SHAPES / "supernet.py"), SMALL | options)
    init_default_scope("mmdet")
    Runner.from_cfg(config).train()
    return work_dir / "iter_252.pth"
