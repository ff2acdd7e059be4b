from pathlib import Path

import pytest

from mmpanonas.datasets.shapes import write_shapes

SHARED_DATA = Path(__file__).parents[3] / "shared" / "data"


@pytest.fixture(scope="session")
def shapes_root(tmp_path_factory):
    """A small shapes data set; tests must not change it."""
    root = tmp_path_factory.mktemp("shapes")
    write_shapes(root, {"train": 8, "val": 3}, (64, 80))
    return root


@pytest.fixture(scope="session")
def real_data():
    """The folder of real data sets, which is not part of the repository."""
    if not SHARED_DATA.is_dir():
        pytest.skip(f"no real data at {SHARED_DATA}")
    return SHARED_DATA


@pytest.fixture(scope="session")
def dataset_arguments():
    """A function (root, split) -> arguments of a data set in the usual layout."""
    return lambda root, split: {
        "data_root": str(root),
        "ann_file": f"annotations/panoptic_{split}.json",
        "data_prefix": {"img": f"images/{split}/", "seg": f"annotations/panoptic_{split}/"},
    }
