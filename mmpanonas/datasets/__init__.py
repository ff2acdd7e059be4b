"""Data sets in COCO panoptic format; importing the package registers data set and transform."""

import contextlib
import io
import warnings

# MMDetection tells which packages it lacks for data sets and metrics that are unused here.
with contextlib.redirect_stdout(io.StringIO()):
    warnings.filterwarnings("ignore", "faster_coco_eval is not installed")
    import mmdet.datasets  # noqa: F401

from mmpanonas.datasets.annotations.file import read_categories, read_panoptic_json
from mmpanonas.datasets.batches import InfiniteGroupBatchSampler
from mmpanonas.datasets.classes import Classes, check_same
from mmpanonas.datasets.coco_panoptic import PanopticDataset, make_palette
from mmpanonas.datasets.loading import LoadPanopticSegments

__all__ = [
    "Classes",
    "InfiniteGroupBatchSampler",
    "LoadPanopticSegments",
    "PanopticDataset",
    "check_same",
    "make_palette",
    "read_categories",
    "read_panoptic_json",
]
