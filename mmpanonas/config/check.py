"""What a config and the files that it names must agree on, checked before any long work."""

import os

from mmengine.config import Config

from mmpanonas.config.check_files import check_files
from mmpanonas.config.datasets import datasets_of
from mmpanonas.datasets.check import check_class_folders

LEARNT = ("train_dataloader", "val_dataloader")
"""Loaders whose data sets need annotations."""


def check_data(cfg: Config, loaders: tuple[str, ...]) -> None:
    """Check the annotations, pictures and segment maps that a run will read.

    Every picture is decoded as its pipeline decodes it, once: a data set that passed is not
    looked at again until a file changes. Each rank calls this, before it joins a process group:
    one checks, the others wait. Folders of classes (those of a classifier) are counted.

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
    elsewhere = list(datasets_of(cfg, ()))
    learnt = [d for d in datasets_of(cfg, tuple(set(loaders) & set(LEARNT))) if d not in elsewhere]
    for place, dataset in enumerate(datasets):
        if dataset not in datasets[:place]:
            check_files(dataset, needs_segments=dataset in learnt)
