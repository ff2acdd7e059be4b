"""Data sets in COCO panoptic format; importing the package registers data set and transform."""

from mmpanonas.datasets.annotation_file import read_categories, read_panoptic_json
from mmpanonas.datasets.coco_panoptic import PanopticDataset, make_palette
from mmpanonas.datasets.loading import LoadPanopticSegments

__all__ = [
    "LoadPanopticSegments",
    "PanopticDataset",
    "make_palette",
    "read_categories",
    "read_panoptic_json",
]
