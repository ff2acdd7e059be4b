"""The full-size COCO supernet on real photographs: a fair window, then a candidate's PQ."""

import json

import pytest
from mmengine.runner import Runner

from mmpanonas.config import check_data, datasets_of, load_config
from mmpanonas.space import Arch, SearchSpace
from tests.conftest import ROOT

SAMPLE = ROOT.parent / "shared/data/coco_sample"


@pytest.fixture
def coco(tmp_path):
    """A function from a config's name to it, on two small pictures."""
    if not SAMPLE.is_dir():
        pytest.skip(f"the COCO sample pictures are absent: {SAMPLE}")

    def load(name: str, **options):
        options |= {"work_dir": str(tmp_path / name), "sync_bn": None}
        options |= {"image_scale": (448, 280)}  # on a CPU; every width is the paper's
        for loader in ("train", "val", "test"):
            options[f"{loader}_dataloader.num_workers"] = 0
            options[f"{loader}_dataloader.persistent_workers"] = False
        cfg = load_config(f"configs/auto_panoptic/coco/{name}.py", options)
        for dataset in datasets_of(cfg):
            dataset.data_root = str(SAMPLE)
            dataset.ann_file = "annotations/panoptic_val.json"
            dataset.data_prefix = dict(img="images/val/", seg="annotations/panoptic_val/")
        return cfg

    return load


def test_a_window_of_training_and_a_candidate(coco, tmp_path):
    options = {"train_cfg.max_iters": 12, "default_hooks.checkpoint.interval": 12}
    options |= {"train_dataloader.batch_size": 1}
    cfg = coco("supernet", **options)
    check_data(cfg, ("train_dataloader",))
    runner = Runner.from_cfg(cfg)
    assert runner.model.search_space.size == SearchSpace.full().size == 4**40 * 6**7 * 3**9
    runner.train()
    losses = runner.message_hub.get_scalar("train/loss").current()
    assert 0 < losses < 100

    strategy = dict(type="Evolution", generations=1, population=1, mutants=0, crosses=0)
    cfg = coco("search_evolution", **{"val_cfg.strategy": strategy})
    cfg.load_from = str(tmp_path / "supernet/iter_12.pth")
    Runner.from_cfg(cfg).val()
    record = json.loads((tmp_path / "search_evolution/results.jsonl").read_text())
    assert 0 <= record["metrics"]["coco_panoptic/PQ"] <= 100
    arch = Arch.from_dict(record["arch"])
    assert [len(part) for part in vars(arch).values()] == [40, 4, 3, 4, 5]
