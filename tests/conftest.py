"""What many tests share: a small rendered data set, and configs made even smaller."""

import json
import os
import runpy
import sys
from dataclasses import asdict
from pathlib import Path

import pytest
import torch
from hypothesis import settings
from mmengine.config import Config

import mmpanonas.register  # noqa: F401
from mmpanonas.config import load_config
from mmpanonas.datasets.nas_split import split_nas
from mmpanonas.datasets.shapes import write_shapes
from mmpanonas.space import Arch, NetworkShape, SearchSpace

ROOT = Path(__file__).parents[1]

# The same examples each time: a run that fails is one that can be run again. MMPANONAS_TEST_SEED
# other than 0 draws new ones.
settings.register_profile("same", derandomize=not int(os.environ.get("MMPANONAS_TEST_SEED", 0)))
settings.load_profile("same")

#: Of all networks that fixtures make or train; CONTRIBUTING.md has the settings of a test run.
SEED = int(os.environ.get("MMPANONAS_TEST_SEED", 0))
THREADS = int(os.environ.get("MMPANONAS_TEST_THREADS", 1))
SHAPES = ROOT / "configs/auto_panoptic/shapes"

#: Overrides that make any of the shapes configs run in seconds.
SMALL = {
    "randomness.seed": SEED,
    "train_cfg.max_iters": 12,
    "default_hooks.checkpoint.interval": 12,
    "train_dataloader.batch_size": 2,
    "train_dataloader.num_workers": 0,
    "train_dataloader.persistent_workers": False,
    "val_dataloader.num_workers": 0,
    "val_dataloader.persistent_workers": False,
    "test_dataloader.num_workers": 0,
    "test_dataloader.persistent_workers": False,
}


def shapes_arch(block: str = "shuffle_3x3", head: str = "dw_3x3", ratio: str = "r4") -> Arch:
    """The architecture of the shapes space that has the same choice in all layers of a part."""
    return Arch((block,) * 10, (head,) * 2, (head,), (ratio,) * 4, (ratio,) * 5)


def write_latency_table(path: Path, space: SearchSpace, shape: NetworkShape, **changes) -> Path:
    """A table in which choice i of every layer takes i + 1 ms, the backbone 10, the neck 20."""
    layers = {
        part.name: [
            {choice: place + 1.0 for place, choice in enumerate(part.choices)}
            for _ in range(part.layers)
        ]
        for part in space.parts.values()
    }
    table = dict(device="an abacus", size=[64, 96], shape=asdict(shape), layers=layers)
    table["fixed"] = dict(backbone=10, neck=20.0)
    path.write_text(json.dumps(table | changes))
    return path


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Ray comes last: on Python 3.13 a process that drove several Rays cannot fork readers."""
    items.sort(key=lambda item: item.path.name == "test_ray.py")


@pytest.fixture(autouse=True, scope="session")
def _own_stamps(tmp_path_factory):
    """Tests leave no stamps of checked data among the user's."""
    os.environ["MMPANONAS_CACHE_DIR"] = str(tmp_path_factory.mktemp("stamps"))


@pytest.fixture(autouse=True, scope="session")
def _plain_configs():
    """MMEngine has yapf format a config five times a run: more than a small run takes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("yapf.yapflib.yapf_api.FormatCode", lambda text, **_: (text, False))
        yield


@pytest.fixture(autouse=True, scope="session")
def _threads():
    torch.set_num_threads(THREADS)


@pytest.fixture(autouse=True)
def _in_project(monkeypatch):
    monkeypatch.chdir(ROOT)


@pytest.fixture(scope="session")
def shapes_root(tmp_path_factory) -> Path:
    """12 training pictures (4 of them nas_val) and 4 validation pictures of 64 x 64."""
    root = tmp_path_factory.mktemp("shapes")
    write_shapes(root, {"train": 12, "val": 4}, size=(64, 64))
    split_nas(root / "annotations/panoptic_train.json", 4)
    return root


@pytest.fixture
def shapes_config(shapes_root, tmp_path):
    """A function from a config's name and overrides to a small, ready config."""

    def load(name: str, **options) -> Config:
        work_dir = tmp_path / Path(name).name
        chosen = SMALL | dict(data_root=str(shapes_root), work_dir=str(work_dir))
        # Of two runs with one visualizer's name, MMEngine logs the second with the first's.
        chosen["visualizer.name"] = str(work_dir)
        if name in ("search_evolution", "../ablations/backbone_only"):
            chosen |= {
                "val_cfg.recalibration.num_images": 4,
                "val_cfg.recalibration.batch_size": 2,
                "val_cfg.strategy.generations": 2,
                "val_cfg.strategy.population": 3,
                "val_cfg.strategy.parents": 1,
                "val_cfg.strategy.mutants": 1,
                "val_cfg.strategy.crosses": 1,
            }
        return load_config(str(SHAPES / f"{name}.py"), chosen | options)

    return load


@pytest.fixture
def call_tool(monkeypatch, capsys):
    """Run a tool from the repository's root; returns (exit code, stdout, stderr)."""

    def call(tool: str, *argv: object) -> tuple[int, str, str]:
        code = 0
        with monkeypatch.context() as patch:  # a tool may be run within another
            patch.setattr(sys, "argv", [tool, *map(str, argv)])
            try:
                runpy.run_path(str(ROOT / tool), run_name="__main__")
            except SystemExit as stop:
                code = stop.code
        return code, *capsys.readouterr()

    return call


class InlinePool:
    """Runs what a process pool is given at once and here."""

    def __init__(self, processes):
        pass

    def apply_async(self, function, args):
        value = function(*args)
        return type("Result", (), {"get": staticmethod(lambda: value)})


@pytest.fixture
def panopticapi(monkeypatch):
    """Its module of scores, in this process.

    Processes that are forked beside another package's threads (Ray's) may wait for ever. And its
    answer depends in the last bit on how it splits the pictures over processes: in as many parts
    as there are pictures it adds up whole pictures, as we do.
    """
    evaluation = pytest.importorskip("panopticapi.evaluation")
    monkeypatch.setattr(evaluation.multiprocessing, "cpu_count", lambda: 12)
    monkeypatch.setattr(evaluation.multiprocessing, "Pool", InlinePool)
    return evaluation
