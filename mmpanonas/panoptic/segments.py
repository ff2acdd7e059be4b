"""What a map of segment ids says about its segments: areas and boxes."""

from collections.abc import Callable

import numpy as np
from scipy import ndimage

from mmpanonas.panoptic.png import VOID_ID
from mmpanonas.panoptic.runs import Runs


def describe_segments(ids: np.ndarray, category_of: Callable[[int], int]) -> list[dict]:
    """``segments_info`` of COCO panoptic format for a map of ids.

    Args:
        ids: integers (H, W), 0 is void.
        category_of: from a segment's id to its category id.

    Returns:
        one entry per id that has pixels, ids ascending: ``id``, ``category_id``, ``area`` in
        pixels, ``bbox`` [x, y, width, height] tight around them, ``iscrowd`` 0.
    """
    runs = Runs.of(ids)
    values = runs.values(ids)
    _, places = np.unique(values, return_inverse=True)
    boxes = ndimage.find_objects(runs.paint(places.astype(np.int32) + 1))
    return [
        {
            "id": value,
            "category_id": category_of(value),
            "area": area,
            "bbox": [columns.start, rows.start, *(s.stop - s.start for s in (columns, rows))],
            "iscrowd": 0,
        }
        for (value, area), (rows, columns) in zip(runs.pixels(values).items(), boxes, strict=True)
        if value != VOID_ID
    ]
