"""The full-size COCO networks on real photographs: a window and a candidate, a converted one."""

import json
from pathlib import Path

import pytest
import torch
from mmengine.runner import Runner

from mmpanonas.config import check_data, datasets_of, load_config
from mmpanonas.convert import Released, convert
from mmpanonas.space import Arch, SearchSpace
from tests.conftest import ROOT, SEED
from tests.reference import tagged_state

pytestmark = pytest.mark.timeout(300)  # networks of full size

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
    assert [len(part) for part in arch.to_dict().values()] == [40, 4, 3, 4, 5]


def test_the_published_architecture_retrains(coco, tmp_path):
    options = {"train_cfg.max_iters": 1, "train_cfg.val_interval": 1}
    cfg = coco("retrain", **options, **{"train_dataloader.batch_size": 1})
    runner = Runner.from_cfg(cfg)
    assert runner.model.active_arch == Arch.load("configs/auto_panoptic/archs/coco.json")
    runner.train()
    for name in ("train/loss", "val/coco_panoptic/PQ"):
        assert 0 <= runner.message_hub.get_scalar(name).current() <= 100
    (tmp_path / "retrain/iter_1.pth").unlink()  # 500 MB


def random_weight(key: str, like: torch.Tensor) -> torch.Tensor:
    """A start from which 40 blocks neither vanish nor grow."""
    if like.ndim > 1:
        return torch.randn(like.shape) * (2 / like[0].numel()) ** 0.5
    return torch.zeros_like(like) if key.endswith(("bias", "mean", "tracked")) else like * 0 + 1


def test_a_converted_detector_runs(coco, tmp_path):
    """Loaded by name, with the released conventions from anchors to fusion at work together."""
    torch.manual_seed(SEED)
    state = {k: random_weight(k, v) for k, v in tagged_state("keys_coco_3.8g.txt").items()}
    # Every class scores about 1 / 81: let the best through.
    limits = {"rcnn.score_thr": 0.013, "rcnn.max_per_img": 5, "panoptic.score_thr": 0.013}
    cfg = coco("released_retrain", **{f"model.test_cfg.{key}": v for key, v in limits.items()})
    cfg.load_from = str(tmp_path / "ours.pth")
    runner = Runner.from_cfg(cfg)
    weights = convert(state, runner.model.state_dict(), Released.inspect(state).naming).state
    torch.save(dict(state_dict=weights), cfg.load_from)
    things = []
    fuse = runner.model.panoptic_fusion_head.predict
    runner.model.panoptic_fusion_head.predict = lambda *args: things.extend(args[0]) or fuse(*args)
    metrics = runner.test()
    Path(cfg.load_from).unlink()  # 180 MB
    loaded = runner.model.state_dict()
    assert all(torch.equal(loaded[key], weights[key]) for key in weights)
    assert 0 <= metrics["coco_panoptic/PQ"] <= 100
    assert 0 <= metrics["coco_panoptic/paper/PQ"] <= 100  # of the same predictions
    assert [len(found) for found in things] == [5, 5]
    for found in things:
        assert all(crop.mask.any() for crop in found.masks)
