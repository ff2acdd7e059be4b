"""What a config and the files that it names must agree on, checked before any long work."""

import os
from collections.abc import Iterator

import cv2
import mmcv
from mmcv.transforms import (
    BaseTransform,
    LoadImageFromFile,
    RandomChoiceResize,
    RandomResize,
    Resize,
)
from mmdet.datasets import CocoPanopticDataset
from mmdet.registry import DATASETS, TRANSFORMS
from mmengine.config import Config

from mmpanonas.config.datasets import annotation_paths, datasets_of
from mmpanonas.config.judge.kinds import is_kind
from mmpanonas.config.judge.labels import holds_instances
from mmpanonas.datasets.annotations.file import read_bytes
from mmpanonas.datasets.annotations.instances import check_instances
from mmpanonas.datasets.check import check_class_folders, check_panoptic
from mmpanonas.datasets.stamps import checked_once, stamp_key
from mmpanonas.errors import ConfigError

VERSION = 1
"""Raise it when a check finds more: older stamps count no longer."""

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


def check_files(dataset: Config, needs_segments: bool) -> None:
    """Check all pictures and segment PNGs of a data-set config; see :func:`checked_once`.

    Args:
        dataset: of COCO's panoptic or instance format; of another one nothing is checked.
        needs_segments: whether it is learnt from or scored by.

    Raises:
        InputError: a run would stop at a file or learn something else from it.
    """
    paths = annotation_paths(dataset)
    things = os.path.join(dataset.get("data_root") or "", dataset.get("things_file") or "")
    if dataset.get("things_file") and not os.path.isfile(things):
        raise ConfigError(
            f"things_file '{things}' does not exist: it is COCO's file of instances "
            "(docs/data.md), or None for things as the panoptic map shows them"
        )
    loader = next(_transforms(dataset, LoadImageFromFile), None) or LoadImageFromFile()

    if holds_instances(dataset):
        _check_instances(dataset, *paths[:2], loader)
        return
    if not is_kind(dataset, CocoPanopticDataset, DATASETS):
        _say(f"'{paths[0]}' is read by {dataset['type']}: its pictures are not checked")
        return
    data = read_bytes(paths[0])

    def check() -> tuple[dict, list[str]]:
        report = check_panoptic(*paths, loader=loader, data=data)
        result = report._asdict() | {"remarks": report.remarks[:1], "more": len(report.remarks)}
        return result, result.pop("files")

    places = [os.path.abspath(path) for path in paths[1:]]
    versions = VERSION, cv2.__version__, mmcv.__version__
    result = checked_once(stamp_key(data, places, repr(loader), versions), paths[0], check)
    if needs_segments and not result["segments"]:
        raise ConfigError(
            f"annotation file '{paths[0]}' has no segments; a training, a search and a validation "
            "need annotations, only a test and inference do without"
        )
    _check_longest(dataset, paths[0], *result["longest"])
    if result["more"]:
        _say(
            f"'{paths[0]}': {result['more']} remarks, the first: {result['remarks'][0]} "
            "(tools/dataset_converters/check_panoptic.py lists them)"
        )


def _check_instances(
    dataset: Config, ann_file: str, folder: str, loader: LoadImageFromFile
) -> None:
    data = read_bytes(ann_file)

    def check() -> tuple[dict, list[str]]:
        report = check_instances(ann_file, folder, data)
        return report, report.pop("files")

    versions = VERSION, "instances", cv2.__version__, mmcv.__version__
    key = stamp_key(data, os.path.abspath(folder), repr(loader), versions)
    result = checked_once(key, ann_file, check)
    if not result["annotations"]:
        raise ConfigError(f"annotation file '{ann_file}' has no annotations to learn or score by")
    _check_longest(dataset, ann_file, *result["longest"])


def _check_longest(dataset: Config, ann_file: str, name: str, width: int, height: int) -> None:
    """Raise if a resize that keeps the shape leaves no pixel of the shorter side."""
    for step in _transforms(dataset, Resize, RandomResize, RandomChoiceResize):
        for scale in _scales(step):
            size = mmcv.rescale_size((width, height), scale)
            if min(size) < 1:
                raise ConfigError(
                    f"picture '{name}' of '{ann_file}' is {width} x {height}, and "
                    f"{type(step).__name__} to {scale} makes it {size[0]} x {size[1]} (width x "
                    "height); cut the picture, or choose a larger scale"
                )


def _scales(step: BaseTransform) -> list:
    """All scales of a resize that keeps the shape of pictures; of ranges, the ends."""
    if isinstance(step, RandomChoiceResize):
        keeps, scales = step.resize.keep_ratio, step.scales
    elif isinstance(step, RandomResize):
        keeps = step.resize.keep_ratio
        scales = step.scale if isinstance(step.scale, list) else [step.scale]
    else:
        keeps, scales = step.keep_ratio, [step.scale or min(step.scale_factor)]
    return [scale if isinstance(scale, int | float) else tuple(scale) for scale in scales * keeps]


def _transforms(dataset: Config, *kinds: type) -> Iterator[BaseTransform]:
    """The steps of a data set's pipeline that are of one of the kinds, built."""
    for step in dataset.get("pipeline") or ():
        kind = step.type if isinstance(step.type, type) else TRANSFORMS.get(step.type)
        if kind is not None and issubclass(kind, kinds):
            yield TRANSFORMS.build(step)


def _say(line: str) -> None:
    if int(os.environ.get("RANK", os.environ.get("SLURM_PROCID", 0))) == 0:
        print(line, flush=True)
