"""Panoptic results as files: the COCO panoptic format's JSON and PNGs."""

import json
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mmpanonas.errors import InputError
from mmpanonas.evaluation.samples import predicted_label
from mmpanonas.files import write_atomically
from mmpanonas.panoptic.png import VOID_ID, write_panoptic_png
from mmpanonas.panoptic.quality import segment_areas


class PanopticResults:
    """``<prefix>.panoptic.json`` and the folder ``<prefix>.panoptic`` of its PNGs.

    A segment's id is label + 1 + instance number * ``INSTANCE_OFFSET``; 0 is void.

    Args:
        prefix: path that the names begin with; its folder is made when it is missing.
        classes: names by label.
        num_things: how many of them, which come first, are things.
        category_ids: one per label; label + 1 by default.

    Raises:
        InputError: not as many category ids as classes.
    """

    def __init__(
        self,
        prefix: str | os.PathLike,
        classes: Sequence[str],
        num_things: int,
        category_ids: Sequence[int] | None = None,
    ) -> None:
        ids = range(1, len(classes) + 1) if category_ids is None else category_ids
        if len(ids) != len(classes):
            raise InputError(f"{len(ids)} category_ids for {len(classes)} classes")
        self.json_path = Path(f"{prefix}.panoptic.json")
        self.folder = Path(f"{prefix}.panoptic")
        self.categories = [
            {"id": int(i), "name": name, "isthing": int(label < num_things)}
            for label, (i, name) in enumerate(zip(ids, classes, strict=True))
        ]

    def annotation(self, image_id: int | str, stem: str, ids: np.ndarray) -> dict:
        """The JSON's entry of a picture of segment ids (H, W) whose PNG is ``<stem>.png``.

        The stem may have folders, as in ``seq1/0001``.
        """
        segments = [
            {"id": i, "category_id": self.categories[predicted_label(i)]["id"], "area": area}
            for i, area in segment_areas(ids).items()
            if i != VOID_ID
        ]
        return {"image_id": image_id, "file_name": f"{stem}.png", "segments_info": segments}

    def write_png(self, stem: str, ids: np.ndarray) -> None:
        """Write the segment ids (H, W) of a picture. Raises OSError where it cannot."""
        path = self.folder / f"{stem}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            write_panoptic_png(path, ids)
        except OSError:
            path.unlink(missing_ok=True)  # a full disk takes the name and a part
            raise

    def write_json(self, annotations: Sequence[dict], **more: object) -> None:
        """Write the JSON in one step: ``annotations``, the categories, and keys of ``more``.

        Raises:
            InputError: two annotations have one PNG.
        """
        if len({entry["file_name"] for entry in annotations}) < len(annotations):
            raise InputError("two pictures share a file name: their PNGs overwrote each other")
        write_json(
            self.json_path,
            {**more, "annotations": list(annotations), "categories": self.categories},
        )


def read_category_ids(
    ann_file: str | os.PathLike, classes: Sequence[str], trained: Sequence[int] | None = None
) -> list[int]:
    """The category id that an annotation file gives each of ``classes``.

    Those that it lacks have the ids of ``trained``, one per class, if those are given.

    Raises:
        InputError: the file does not exist, is no annotation file, or lacks a class.
    """
    path = Path(ann_file)
    if not path.is_file():
        raise InputError(f"annotation file {path} does not exist: category ids come from there")
    try:
        content = json.loads(path.read_bytes())  # finds out its encoding
        known = {entry["name"]: entry["id"] for entry in content["categories"]}
    except (ValueError, KeyError, TypeError, RecursionError):
        raise InputError(f"{path} is no annotation file: it holds no 'categories'") from None
    odd = [value for value in known.values() if type(value) is not int]
    if odd:
        raise InputError(f"{path} has the category ids {odd[:5]!r}; whole numbers were expected")
    known = {**dict(zip(classes, trained or (), strict=False)), **known}
    missing = [name for name in classes if name not in known]
    if missing:
        raise InputError(
            f"{path} lacks the categories {missing[:5]}, so their ids are unknown: give an "
            f"annotation file that has them (test_evaluator.ann_file)"
        )
    return [known[name] for name in classes]


def write_json(path: str | os.PathLike, content: object) -> None:
    """Replace a JSON file in one step; its folder is made when it is missing."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, json.dumps(content))
