"""What a config and the files that it names must agree on, checked before any long work."""

import os

from mmengine.config import Config

from mmpanonas.config.datasets import annotation_paths, datasets_of
from mmpanonas.datasets.check import check_class_folders, check_panoptic

#: Data sets of up to this many pictures have every segment map decoded before a run.
FULL_CHECK_LIMIT = 1000


def check_data(cfg: Config, loaders: tuple[str, ...]) -> None:
    """Check the annotations, pictures and segment maps that a run will read.

    Small data sets are checked to the last pixel, large ones by their lists and headers, folders
    of classes (those of a classifier) by their number.

    Raises:
        InputError: what is wrong with the files.
    """
    datasets = list(datasets_of(cfg, loaders))
    if cfg.model.get("head"):
        for dataset in datasets:
            if not dataset.get("ann_file"):
                folder = os.path.join(dataset.get("data_root") or "", dataset.data_prefix)
                check_class_folders(folder, cfg.model.head.num_classes)
        return
    for paths in sorted({annotation_paths(dataset) for dataset in datasets}):
        if check_panoptic(*paths, decode=False) <= FULL_CHECK_LIMIT:
            check_panoptic(*paths, decode=True)
