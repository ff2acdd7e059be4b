"""Things from an annotation file in COCO's instance format, beside a panoptic one.

A panoptic segment is what is seen of a thing once nothing overlaps; the instance annotation that
it was made from may also cover pixels that the panoptic map gives to others. COCO has both.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from mmpanonas.datasets.annotations.file import read_bytes, read_json
from mmpanonas.errors import InputError

_NEEDED = {"image_id", "category_id", "bbox", "segmentation"}


def read_things(
    path: str | os.PathLike, things: Sequence[str], backend_args: dict | None = None
) -> dict[int, list[dict]]:
    """The things of each picture that has any, by image id.

    Args:
        path: a file in COCO's instance format, such as ``instances_train2017.json``.
        things: names of the classes, whose places are the labels; objects of others, crowds and
            objects without a pixel or a mask are left out.
        backend_args: as for MMDetection's data sets.

    Returns:
        per picture ``instances`` of MMDetection's data sets: ``bbox`` x1 y1 x2 y2, ``bbox_label``,
        ``ignore_flag`` 0 and ``mask``: polygons, each float64 (2 n,), or an RLE dictionary.

    Raises:
        InputError: there is no such file, it is not in that format, or lacks a class.
    """
    name = os.fspath(path)
    content = read_json(read_bytes(path, backend_args), name)
    if not isinstance(content, dict) or not {"annotations", "categories"} <= content.keys():
        raise InputError(
            f"things_file '{name}' is not in COCO's instance format, which has the keys "
            "'annotations' and 'categories'"
        )
    places = {thing: label for label, thing in enumerate(things)}
    names = {category["name"]: category["id"] for category in content["categories"]}
    missing = [thing for thing in things if thing not in names]
    if missing:
        raise InputError(f"things_file '{name}' lacks the categories {missing[:10]}")
    labels = {names[thing]: label for thing, label in places.items()}
    found = defaultdict(list)
    for place, annotation in enumerate(content["annotations"]):
        if not isinstance(annotation, dict) or not annotation.keys() >= _NEEDED:
            raise InputError(
                f"things_file '{name}': annotations[{place}] lacks some of {sorted(_NEEDED)}; a "
                "file of instances is expected, not a panoptic one"
            )
        label = labels.get(annotation["category_id"])
        mask = _mask(annotation["segmentation"])
        x, y, width, height = annotation["bbox"]
        if label is None or annotation.get("iscrowd") or not mask or width < 1 or height < 1:
            continue
        box = [x, y, x + width, y + height]
        thing = {"bbox": box, "bbox_label": label, "ignore_flag": 0, "mask": mask}
        found[annotation["image_id"]].append(thing)
    return dict(found)


def _mask(segmentation: list | dict) -> list[np.ndarray] | dict:
    """A mask as MMDetection decodes it; empty where it has no pixel."""
    if isinstance(segmentation, dict):
        return segmentation
    return [np.asarray(polygon, float) for polygon in segmentation if len(polygon) >= 6]
