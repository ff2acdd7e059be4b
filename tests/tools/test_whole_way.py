"""From the archives' form to ``test.py --out``: COCO's photographs and ADE20K's release, small.

The full configs, narrowed by options alone. Some steps of training teach such a network nothing, so
the last layer of its semantic head is fitted to the pictures before it is tested.
"""

import json
from pathlib import Path

import pytest
import torch
from mmdet.registry import DATASETS, MODELS
from mmengine.dataset import pseudo_collate
from mmengine.registry import init_default_scope
from mmengine.runner import load_checkpoint
from torch.utils.data import DataLoader

from mmpanonas.config import load_config
from mmpanonas.panoptic.png import read_panoptic_png
from tests.conftest import ROOT, SMALL
from tests.datasets.ade20k_release import write_rendered_release
from tests.networks import tell_stuff
from tests.official_archives import pack_ade20k, read_pictures, write_coco_archives
from tests.ranks import free_port
from tests.tools.conftest import tool

pytestmark = pytest.mark.timeout(400)  # tools on one rank and two

SAMPLE = ROOT.parent / "shared/data/coco_sample"
NUM_TRAIN, NUM_VAL = 5, 3  # of two ranks one tests a picture twice

#: The published network and its data, made narrow and small.
NARROW = {
    "image_scale": (192, 128),
    "train_cfg.max_iters": 2,
    "train_cfg.val_interval": 100,
    "default_hooks.checkpoint.interval": 2,
    "model.backbone.channels": (8, 16, 24, 32, 40),
    "model.neck.in_channels": [16, 24, 32, 40],
    "model.neck.out_channels": 32,
    "model.rpn_head.in_channels": 32,
    "model.rpn_head.feat_channels": 32,
    "model.roi_head.bbox_roi_extractor.out_channels": 32,
    "model.roi_head.bbox_head.in_channels": 32,
    "model.roi_head.bbox_head.fc_out_channels": 32,
    "model.roi_head.mask_roi_extractor.out_channels": 32,
    "model.roi_head.mask_head.in_channels": 32,
    "model.roi_head.mask_head.conv_out_channels": 32,
    "model.semantic_head.in_channels": 32,
    "model.semantic_head.channels": 32,
    "model.things_to_stuff.in_channels": 128,
    "model.things_to_stuff.out_channels": 32,
    "model.stuff_to_things.in_channels": 128,
    "model.stuff_to_things.out_channels": 32,
    "model.train_cfg.rpn_proposal.max_per_img": 50,
    "model.train_cfg.rcnn.sampler.num": 32,
    "model.test_cfg.rpn.max_per_img": 50,
    # Chance finds some things, which are counted as wrong.
    "model.test_cfg.rcnn.max_per_img": 3,
    "model.test_cfg.panoptic.score_thr": 0.0,
}


def write_photographs(folder: Path) -> None:
    """COCO's archives: the two photographs, landscape and, turned with their maps, portrait."""
    if not SAMPLE.is_dir():
        pytest.skip(f"the COCO sample pictures are absent: {SAMPLE}")
    landscape, categories = read_pictures(SAMPLE, "val")
    pictures = (landscape + [each.turned() for each in landscape]) * 2
    splits = {"train2017": pictures[:NUM_TRAIN], "val2017": pictures[1 : 1 + NUM_VAL]}
    write_coco_archives(folder, splits, categories)


def write_rendered(folder: Path) -> None:
    root = folder / "ADEChallengeData2016"
    write_rendered_release(root, {"train": NUM_TRAIN, "val": NUM_VAL}, (96, 144))
    pack_ade20k(folder)


#: Section of data.md, its archives, the data's root, the validation's annotation file.
DATA = {
    "coco": ("COCO", write_photographs, "data/coco", "annotations/panoptic_val2017"),
    "ade20k": ("ADE20K", write_rendered, "data/ADEChallengeData2016", "ade20k_panoptic_val"),
}


def fit(config: Path, chosen: dict, trained: Path, path: Path) -> None:
    """Save the trained network with a semantic head fitted to the pictures of validation."""
    cfg = load_config(str(config), chosen)
    init_default_scope(cfg.default_scope)
    model, told = MODELS.build(cfg.model), cfg.train_dataloader.dataset
    load_checkpoint(model, str(trained))
    told.update({key: cfg.val_dataloader.dataset[key] for key in ("ann_file", "data_prefix")})
    told.pipeline = [step for step in told.pipeline if step.type != "RandomFlip"]
    tell_stuff(model, DataLoader(DATASETS.build(told), 1, collate_fn=pseudo_collate))
    state = torch.load(trained, weights_only=False)
    torch.save(state | dict(state_dict=model.state_dict()), path)


def score_of(work_dir: Path) -> dict:
    """The scores that a test left, by MMDetection's names."""
    (path,) = work_dir.glob("*/*.json")
    found = json.loads(path.read_text())
    return {key: value for key, value in found.items() if key.startswith("coco_panoptic/")}


@pytest.mark.parametrize("data", DATA)
def test_from_archives_to_scored_results(data, follow, call_tool, panopticapi, tmp_path):
    section, write_archives, root, truth = DATA[data]
    write_archives(tmp_path)
    follow(section)
    root = tmp_path / root
    truth = root / truth
    images = json.loads(truth.with_suffix(".json").read_text())["images"]
    assert {image["height"] > image["width"] for image in images} == {True, False}

    config = ROOT / f"configs/auto_panoptic/{data}/retrain.py"
    chosen = SMALL | NARROW | {"data_root": f"{root}/", "visualizer.name": str(tmp_path)}
    options = ["--cfg-options", *(f"{key}={value}" for key, value in chosen.items())]
    argv = [config, "--from-scratch", "--work-dir", tmp_path / "train", *options]
    code, _, error = call_tool("tools/train.py", *argv)
    assert code == 0, error[-3000:]

    network = tmp_path / "network.pth"
    fit(config, chosen, tmp_path / "train/iter_2.pth", network)
    argv = ["--work-dir", tmp_path / "one", "--out", tmp_path / "out/one", *options]
    code, printed, error = call_tool("tools/test.py", config, network, *argv)
    assert code == 0, error[-3000:]
    scores = score_of(tmp_path / "one")
    assert f"coco_panoptic/PQ: {scores['coco_panoptic/PQ']:.4f}" in printed
    assert scores["coco_panoptic/PQ_st"] > 5
    result = results(tmp_path / "out/one", panopticapi, truth, scores)
    sizes = {image["id"]: (image["height"], image["width"]) for image in images}
    assert {i: ids.shape for i, (_, ids) in result.items()} == sizes

    if data == "coco":  # once is enough: two ranks are ten seconds of imports
        argv = ["--work-dir", tmp_path / "two", "--out", tmp_path / "out/two", *options]
        tool("dist_test.sh", config, network, 2, *argv, env=dict(PORT=free_port()))
        assert score_of(tmp_path / "two") == scores
        second = results(tmp_path / "out/two", panopticapi, truth, scores)
        assert all(second[i][0] == result[i][0] for i in result)
        assert all((second[i][1] == result[i][1]).all() for i in result)


def results(prefix: Path, panopticapi, truth: Path, scores: dict) -> dict:
    """What ``--out`` wrote: entry and segment ids by picture, after panopticapi has scored it."""
    written = Path(f"{prefix}.panoptic.json")
    theirs = panopticapi.pq_compute(str(truth.with_suffix(".json")), str(written), str(truth))
    for group, suffix in (("All", ""), ("Things", "_th"), ("Stuff", "_st")):
        for key in ("PQ", "SQ", "RQ"):
            expected = pytest.approx(100 * theirs[group][key.lower()], rel=1e-12)
            assert scores[f"coco_panoptic/{key}{suffix}"] == expected
    entries = json.loads(written.read_text())["annotations"]
    folder = written.with_suffix("")
    return {
        entry["image_id"]: (entry, read_panoptic_png(folder / entry["file_name"]))
        for entry in entries
    }
