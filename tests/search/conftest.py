"""A supernet for the tests of the search."""

import pytest

from mmpanonas.config import load_config
from tests.conftest import SHAPES, SMALL
from tests.networks import save_telling

#: The backbone alone is searched.
CONFIG = SHAPES / "../ablations/backbone_only.py"


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory, shapes_root):
    """A supernet whose candidates score above 0, and differently: see ``save_telling``."""
    work_dir = tmp_path_factory.mktemp("supernet")
    options = {"data_root": str(shapes_root), "work_dir": str(work_dir)}
    options |= {"val_cfg.recalibration.num_images": 4, "val_cfg.recalibration.batch_size": 2}
    return save_telling(load_config(str(CONFIG), SMALL | options), work_dir / "supernet.pth")
