"""docs/data.md, run: from archives of the official names to the data sets of the configs."""

import json
import re
import shlex
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import numpy as np
import pytest
import torch
from mmdet.datasets import CocoPanopticDataset
from mmdet.registry import DATASETS
from mmdet.structures import INSTANCE_OFFSET
from PIL import Image

from mmpanonas.config import check_data, datasets_of, load_config
from mmpanonas.evaluation import PanopticQualityMetric
from mmpanonas.panoptic.png import read_panoptic_png, write_panoptic_png
from mmpanonas.panoptic.segments import describe_segments
from tests.conftest import ROOT
from tests.datasets.ade20k_release import write_release

#: The documented numbers of held-out pictures, for archives of five training pictures.
SMALL = {"5000": "2", "2000": "2"}
SIZE = (36, 48)


def commands(section: str) -> list[list[str]]:
    """The commands of a section's code blocks, as words."""
    text = (ROOT / "docs/data.md").read_text()
    (body,) = re.findall(rf"^## {section}\n(.*?)(?=^## |\Z)", text, re.M | re.S)
    code = "".join(re.findall(r"```bash\n(.*?)```", body, re.S)).replace("\\\n", " ")
    return [shlex.split(line) for line in code.splitlines()]


@pytest.fixture
def follow(call_tool, tmp_path, monkeypatch):
    """A function that runs a section's commands in ``tmp_path``; what our tools printed."""
    monkeypatch.chdir(tmp_path)

    def follow(section: str) -> list[str]:
        printed = []
        for words in commands(section):
            words = [SMALL.get(word, word) for word in words]
            if words[1].startswith("tools/"):
                code, out, error = call_tool(*words[1:])
                assert code == 0, (words, out, error)
                printed.append(out)
            else:
                words[0] = {"python": sys.executable}.get(words[0], words[0])
                subprocess.run(words, check=True)
        return printed

    return follow


def archive(folder: Path, name: str) -> None:
    """Zip ``folder / name``, without its parents, to ``folder / name.zip``, and remove it."""
    shutil.make_archive(str(folder / name), "zip", folder, name)
    shutil.rmtree(folder / name)


def coco_categories() -> list[dict]:
    """COCO's 133, with a gap in the ids."""
    meta = CocoPanopticDataset.METAINFO
    names = [(name, 1) for name in meta["thing_classes"]]
    names += [(name, 0) for name in meta["stuff_classes"]]
    return [
        {"id": place + (1 if isthing else 12), "name": name, "isthing": isthing}
        for place, (name, isthing) in enumerate(names)
    ]


def write_coco_archives(folder: Path) -> None:
    """Pictures of a person (1) and a dog (17) on grass: 5 for training, 2 for validation."""
    grass = next(c["id"] for c in coco_categories() if c["name"] == "grass-merged")
    annotations = folder / "annotations"
    for split, number in (("train2017", 5), ("val2017", 2)):
        (folder / split).mkdir(parents=True)
        (annotations / f"panoptic_{split}").mkdir(parents=True)
        content = {"images": [], "annotations": [], "categories": coco_categories()}
        things = [c for c in coco_categories() if c["isthing"]]
        whole = {"images": content["images"], "annotations": [], "categories": things}
        for image_id in range(1, number + 1):
            ids = np.full(SIZE, 256 * grass)
            ids[4:20, 3:17], ids[8:30, 22:40], ids[:3] = 256 * 1 + 1, 256 * 17 + 2, 0
            stem = f"{image_id:012d}"
            Image.fromarray(np.full((*SIZE, 3), 90, np.uint8)).save(folder / split / f"{stem}.jpg")
            write_panoptic_png(annotations / f"panoptic_{split}" / f"{stem}.png", ids)
            content["images"].append(
                {"id": image_id, "file_name": f"{stem}.jpg", "height": SIZE[0], "width": SIZE[1]}
            )
            segments = describe_segments(ids, lambda segment_id: segment_id // 256)
            content["annotations"].append(
                {"image_id": image_id, "file_name": f"{stem}.png", "segments_info": segments}
            )
            boxes = [(each["category_id"], each["bbox"]) for each in segments if each["id"] < 5000]
            whole["annotations"] += [as_instance(image_id, *box) for box in boxes]
        (annotations / f"panoptic_{split}.json").write_text(json.dumps(content))
        (folder / "instances" / "annotations").mkdir(parents=True, exist_ok=True)
        (folder / f"instances/annotations/instances_{split}.json").write_text(json.dumps(whole))
        archive(folder, split)
        archive(annotations, f"panoptic_{split}")
    shutil.make_archive(
        str(folder / "panoptic_annotations_trainval2017"), "zip", folder, "annotations"
    )
    shutil.rmtree(annotations)
    instances = folder / "instances"
    shutil.make_archive(str(folder / "annotations_trainval2017"), "zip", instances, "annotations")
    shutil.rmtree(instances)


def as_instance(image_id: int, category: int, box: list[int]) -> dict:
    """A box of a panoptic file, as a polygon of COCO's instance format."""
    x, y, width, height = box
    polygon = [x, y, x + width, y, x + width, y + height, x, y + height]
    own = {"bbox": box, "segmentation": [polygon], "area": width * height, "iscrowd": 0}
    return {"image_id": image_id, "category_id": category, **own}


def write_ade20k_archives(folder: Path) -> None:
    root = folder / "ADEChallengeData2016"
    write_release(root, train=5, val=2, size=SIZE)
    with tarfile.open(folder / "annotations_instance.tar", "w") as file:
        file.add(root / "annotations_instance", "annotations_instance")
    shutil.rmtree(root / "annotations_instance")
    archive(folder, "ADEChallengeData2016")


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
