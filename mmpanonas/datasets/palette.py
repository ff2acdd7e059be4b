"""Colours of classes."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import cv2
import numpy as np
from mmdet.datasets import ADE20KSegDataset, CocoPanopticDataset

Colour = tuple[int, int, int]


def make_palette(
    classes: Sequence[str], stated: Mapping[str, Colour] = MappingProxyType({})
) -> list[Colour]:
    """One RGB colour per class, the same at every call.

    Colours that the annotation file states (``color`` of a category) are ``stated``. Names known
    to COCO panoptic or to ADE20K (whichever knows more of them) keep that data set's colour; each
    other class takes the colour of a grid that is farthest (CIELAB) from black, which shows void,
    and from all colours taken before.
    """
    coco, ade = CocoPanopticDataset.METAINFO, ADE20KSegDataset.METAINFO
    tables = [dict(zip(meta["classes"], meta["palette"], strict=True)) for meta in (coco, ade)]
    known = max(tables, key=lambda table: sum(name in table for name in classes)) | stated
    taken = [(0, 0, 0), *(known[name] for name in classes if name in known)]
    grid = np.stack(np.meshgrid(*[np.arange(3, 256, 36)] * 3, indexing="ij"), -1).reshape(-1, 3)
    grid_lab = _rgb_to_lab(grid)
    distance = np.linalg.norm(grid_lab[:, None] - _rgb_to_lab(np.array(taken)), axis=-1).min(1)
    palette = []
    for name in classes:
        if name in known:
            palette.append(tuple(known[name]))
            continue
        best = int(distance.argmax())
        palette.append(tuple(int(value) for value in grid[best]))
        distance = np.minimum(distance, np.linalg.norm(grid_lab - grid_lab[best], axis=-1))
    return palette


def _rgb_to_lab(colours: np.ndarray) -> np.ndarray:
    """RGB colours 0..255 (N, 3) as CIELAB (N, 3)."""
    return cv2.cvtColor((colours[:, None] / 255).astype(np.float32), cv2.COLOR_RGB2LAB)[:, 0]
