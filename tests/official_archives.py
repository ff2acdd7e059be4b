"""Miniatures of the archives that COCO and ADE20K publish, of the official names and forms."""

import json
import shutil
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from mmdet.datasets import CocoPanopticDataset
from PIL import Image

from mmpanonas.panoptic.png import read_panoptic_png, write_panoptic_png
from mmpanonas.panoptic.segments import describe_segments

SIZE = (36, 48)


class Picture(NamedTuple):
    """uint8 (H, W, 3), RGB; segment ids (H, W); ``segments_info`` of COCO's form."""

    image: np.ndarray
    ids: np.ndarray
    segments: list[dict]

    def turned(self) -> "Picture":
        """By 90 degrees: landscape becomes portrait."""
        ids = np.rot90(self.ids)
        told = {each["id"]: each for each in self.segments}
        measured = describe_segments(ids, lambda segment: told[segment]["category_id"])
        crowds = [dict(each, iscrowd=told[each["id"]]["iscrowd"]) for each in measured]
        return Picture(np.rot90(self.image), ids, crowds)


def coco_categories() -> list[dict]:
    """COCO's 133, with a gap in the ids."""
    meta = CocoPanopticDataset.METAINFO
    names = [(name, 1) for name in meta["thing_classes"]]
    names += [(name, 0) for name in meta["stuff_classes"]]
    return [
        {"id": place + (1 if isthing else 12), "name": name, "isthing": isthing}
        for place, (name, isthing) in enumerate(names)
    ]


def drawn_picture() -> Picture:
    """A person (1) and a dog (17) on grass, void above."""
    grass = next(c["id"] for c in coco_categories() if c["name"] == "grass-merged")
    ids = np.full(SIZE, 256 * grass)
    ids[4:20, 3:17], ids[8:30, 22:40], ids[:3] = 256 * 1 + 1, 256 * 17 + 2, 0
    segments = describe_segments(ids, lambda segment_id: segment_id // 256)
    return Picture(np.full((*SIZE, 3), 90, np.uint8), ids, segments)


def read_pictures(root: Path, split: str) -> tuple[list[Picture], list[dict]]:
    """The pictures of a data set in the usual layout, and its categories."""
    content = json.loads((root / f"annotations/panoptic_{split}.json").read_text())
    found = []
    for image, entry in zip(content["images"], content["annotations"], strict=True):
        pixels = np.asarray(Image.open(root / f"images/{split}/{image['file_name']}"))
        ids = read_panoptic_png(root / f"annotations/panoptic_{split}/{entry['file_name']}")
        found.append(Picture(pixels, ids, entry["segments_info"]))
    return found, content["categories"]


def archive(folder: Path, name: str) -> None:
    """Zip ``folder / name``, without its parents, to ``folder / name.zip``, and remove it."""
    shutil.make_archive(str(folder / name), "zip", folder, name)
    shutil.rmtree(folder / name)


def write_coco_archives(
    folder: Path, splits: Mapping[str, Sequence[Picture]] | None = None, categories=None
) -> None:
    """COCO's archives; by default 5 drawn pictures for training and 2 for validation."""
    splits = splits or {"train2017": [drawn_picture()] * 5, "val2017": [drawn_picture()] * 2}
    categories = categories or coco_categories()
    annotations, instances = folder / "annotations", folder / "instances"
    (instances / "annotations").mkdir(parents=True)
    for split, pictures in splits.items():
        content = write_split(folder, split, pictures) | {"categories": categories}
        (annotations / f"panoptic_{split}.json").write_text(json.dumps(content))
        whole = instances / f"annotations/instances_{split}.json"
        whole.write_text(json.dumps(as_instances(content)))
        archive(folder, split)
        archive(annotations, f"panoptic_{split}")
    shutil.make_archive(
        str(folder / "panoptic_annotations_trainval2017"), "zip", folder, "annotations"
    )
    shutil.rmtree(annotations)
    shutil.make_archive(str(folder / "annotations_trainval2017"), "zip", instances, "annotations")
    shutil.rmtree(instances)


def write_split(folder: Path, split: str, pictures: Sequence[Picture]) -> dict:
    """Write pictures and PNGs; the JSON's ``images`` and ``annotations``."""
    maps = folder / "annotations" / f"panoptic_{split}"
    (folder / split).mkdir(parents=True)
    maps.mkdir(parents=True)
    content = {"images": [], "annotations": []}
    for image_id, (image, ids, segments) in enumerate(pictures, start=1):
        stem = f"{image_id:012d}"
        Image.fromarray(image).save(folder / split / f"{stem}.jpg")
        write_panoptic_png(maps / f"{stem}.png", ids)
        height, width = ids.shape
        names = {"id": image_id, "file_name": f"{stem}.jpg"}
        content["images"].append(names | {"height": height, "width": width})
        content["annotations"].append(
            {"image_id": image_id, "file_name": f"{stem}.png", "segments_info": segments}
        )
    return content


def as_instances(content: dict) -> dict:
    """COCO's instance file for a panoptic one: every thing's box as a polygon."""
    things = [each for each in content["categories"] if each["isthing"]]
    kinds = {each["id"] for each in things}
    boxes = [
        as_instance(entry["image_id"], each["category_id"], each["bbox"])
        for entry in content["annotations"]
        for each in entry["segments_info"]
        if each["category_id"] in kinds
    ]
    return {"images": content["images"], "annotations": boxes, "categories": things}


def as_instance(image_id: int, category: int, box: list[int]) -> dict:
    """A box of a panoptic file, as a polygon of COCO's instance format."""
    x, y, width, height = box
    polygon = [x, y, x + width, y, x + width, y + height, x, y + height]
    own = {"bbox": box, "segmentation": [polygon], "area": width * height, "iscrowd": 0}
    return {"image_id": image_id, "category_id": category, **own}


def pack_ade20k(folder: Path) -> None:
    """The two archives of the release that lies in ``folder / "ADEChallengeData2016"``."""
    root = folder / "ADEChallengeData2016"
    with tarfile.open(folder / "annotations_instance.tar", "w") as file:
        file.add(root / "annotations_instance", "annotations_instance")
    shutil.rmtree(root / "annotations_instance")
    archive(folder, "ADEChallengeData2016")
