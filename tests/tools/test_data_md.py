"""docs/data.md, run: from archives of the official names to the data sets of the configs."""

from pathlib import Path

import numpy as np
import pytest
import torch
from mmdet.registry import DATASETS
from mmdet.structures import INSTANCE_OFFSET

from mmpanonas.config import check_data, datasets_of, load_config
from mmpanonas.evaluation import PanopticQualityMetric
from mmpanonas.panoptic.png import read_panoptic_png
from tests.conftest import ROOT
from tests.datasets.ade20k_release import write_release
from tests.official_archives import SIZE, pack_ade20k, write_coco_archives
from tests.tools.conftest import commands


def write_ade20k_archives(folder: Path) -> None:
    write_release(folder / "ADEChallengeData2016", train=5, val=2, size=SIZE)
    pack_ade20k(folder)


def perfect_quality(dataset) -> tuple[dict, list]:
    """Metrics, and rows of the classes that occur, where the ground truth is the prediction."""
    metric = PanopticQualityMetric(table=False)
    metric.dataset_meta = dataset.metainfo
    for index in range(len(dataset)):
        sample = dataset.get_data_info(index)
        ids = read_panoptic_png(sample["seg_map_path"])
        panoptic = np.full(ids.shape, len(dataset.metainfo["classes"]))
        for place, segment in enumerate(sample["segments_info"]):
            number = place * INSTANCE_OFFSET if segment["is_thing"] else 0
            panoptic[ids == segment["id"]] = segment["category"] + number
        sample["pred_panoptic_seg"] = {"sem_seg": torch.tensor(panoptic)[None]}
        metric.process({}, [sample])
    rows = [row for row in metric.per_class(metric.results) if row["n_tp"]]
    return metric.compute_metrics(metric.results), rows


FPN = "panoptic_fpn/{}_r50.py"
CONFIGS = ["supernet", "search_evolution", "retrain"]
CONFIGS += ["supernet_released", "search_evolution_released", "retrain_released"]
DATA = {
    "coco": ("COCO", write_coco_archives, {"person", "dog", "grass-merged"}),
    "ade20k": ("ADE20K", write_ade20k_archives, {"bed", "person", "wall", "sky", "floor"}),
}


@pytest.mark.parametrize("data", DATA)
def test_from_archives_to_the_configs_data_sets(data, follow, tmp_path):
    section, write_archives, found = DATA[data]
    write_archives(tmp_path)
    printed = follow(section)
    assert [": 5 images are in order" in text for text in printed[-2:]] == [True, False]
    assert ": 2 images are in order" in printed[-1]

    different = []
    for place in [*(f"auto_panoptic/{data}/{name}.py" for name in CONFIGS), FPN.format(data)]:
        cfg = load_config(str(ROOT / "configs" / place))
        check_data(cfg, ("train_dataloader", "val_dataloader"))
        different += [options for options in datasets_of(cfg) if options not in different]
    sizes = {}
    for options in different:
        dataset = DATASETS.build(options)
        assert max(dataset[0]["inputs"].shape[1:]) == 1067  # decoded, resized
        metrics, rows = perfect_quality(dataset)
        assert metrics["PQ"] == metrics["PQ_th"] == metrics["PQ_st"] == 100
        assert {row["name"]: row["n_tp"] for row in rows} == dict.fromkeys(found, len(dataset))
        sizes.setdefault(options.ann_file, set()).add(len(dataset))
    prefix, suffix = ("annotations/", "2017") if data == "coco" else ("ade20k_", "")
    numbers = {"train": {5}, "nas_train": {3}, "nas_val": {2}, "val": {2}}
    assert sizes == {
        f"{prefix}panoptic_{split}{suffix}.json": number for split, number in numbers.items()
    }


def test_own_data_and_shapes(call_tool, tmp_path, monkeypatch):
    """The converters' lines of both sections, on few shapes at the place of PATH."""
    monkeypatch.chdir(tmp_path)
    shapes, *own = commands("shapes \\(embedded\\)")[:1] + commands("Your own data set")
    few = {"480": "30", "100": "3"}
    assert call_tool(*[few.get(word, word) for word in shapes[1:]])[0] == 0
    own = [words for words in own if "RAW" not in " ".join(words)]  # tests/datasets/test_converters
    converters = [words for words in own if "dataset_converters" in words[1]]
    assert len(converters) == 3
    for words in converters:
        code, out, _ = call_tool(*[word.replace("PATH", "data/shapes") for word in words[1:]])
        assert code == 0, out
    cfg = load_config(
        str(ROOT / "configs/auto_panoptic/custom/supernet.py"), {"data_root": "data/shapes"}
    )
    sizes = {options.ann_file: len(DATASETS.build(options)) for options in datasets_of(cfg)}
    assert sizes == {
        "annotations/panoptic_nas_train.json": 10,
        "annotations/panoptic_nas_val.json": 20,
    }
