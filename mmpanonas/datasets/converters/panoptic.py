"""Annotations in COCO panoptic format that lie elsewhere, or lack areas and boxes, as scenes.

Mapillary Vistas' are: ``training/v2.0/panoptic/panoptic_2020.json`` and the PNGs beside it, of
``training/images``. Areas and boxes are measured on the PNGs, whatever the file says; segments
without a pixel go. Category, image and segment ids stay.
"""

import os
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import numpy as np

from mmpanonas.datasets.annotations.file import check_panoptic_content, read_bytes, read_json
from mmpanonas.datasets.annotations.problems import (
    image_problems,
    png_name,
    refuse_problems,
    segment_problems,
)
from mmpanonas.datasets.converters.writing import Scene, Source
from mmpanonas.errors import InputError
from mmpanonas.panoptic.png import VOID_ID, read_panoptic_png


def read_panoptic(ann_file: Path, pictures: Path, segments: Path) -> Source:
    """The annotated pictures of a panoptic file; the PNGs stay where they are.

    Raises:
        InputError: the file is not in COCO panoptic format, but for areas and boxes.
    """
    content = read_json(read_bytes(ann_file), os.fspath(ann_file))
    _forget_measures(content)
    content = check_panoptic_content(content, os.fspath(ann_file))
    refuse_problems([*image_problems(content), *segment_problems(content)], ann_file)
    annotations = {each["image_id"]: each for each in content["annotations"]}
    items = [(i, annotations[i["id"]]) for i in content["images"] if i["id"] in annotations]
    if not items:
        raise InputError(f"annotation file '{ann_file}' has no annotations: nothing to convert")
    rest = len(content["images"]) - len(items)
    notes = [f"{rest} pictures have no annotation and are left out"] if rest else []
    scene_of = partial(_scene, segments)
    return Source(pictures, items, scene_of, content["categories"], segments, notes)


def _forget_measures(content: object) -> None:
    """Whether areas and boxes are there and right does not matter."""
    annotations = content.get("annotations") if isinstance(content, dict) else None
    for annotation in annotations if isinstance(annotations, list) else ():
        segments = annotation.get("segments_info") if isinstance(annotation, dict) else None
        for segment in segments if isinstance(segments, list) else ():
            if isinstance(segment, dict):
                segment.update(area=0, bbox=[0, 0, 0, 0])


def _scene(folder: Path, item: tuple[Mapping, Mapping]) -> Scene:
    image, annotation = item
    png = png_name(image, annotation)
    ids = read_panoptic_png(folder / png)
    categories = {each["id"]: each["category_id"] for each in annotation["segments_info"]}
    crowds = {each["id"] for each in annotation["segments_info"] if each.get("iscrowd")}
    unlisted = sorted({*np.unique(ids).tolist()} - {VOID_ID, *categories})
    if unlisted:
        raise InputError(
            f"segment PNG '{folder / png}' holds {unlisted[:5]} ({len(unlisted)} in all) that the "
            "annotation file does not list; ids are R + 256 G + 65536 B"
        )
    return Scene(image["file_name"], ids, categories, frozenset(crowds), image["id"], png)
