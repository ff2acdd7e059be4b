"""From a config file to a config that is ready to run, checked before any long work."""

import os
from collections.abc import Iterator
from pathlib import Path

from mmengine.config import Config
from mmengine.device import is_cuda_available

from mmpanonas.datasets import read_categories
from mmpanonas.datasets.check import check_class_folders, check_panoptic
from mmpanonas.errors import InputError

#: Data sets of up to this many pictures have every segment map decoded before a run.
FULL_CHECK_LIMIT = 1000

LOADERS = ("train_dataloader", "val_dataloader", "test_dataloader")
_AMP = {"OptimWrapper": "AmpOptimWrapper", "FairOptimWrapper": "FairAmpOptimWrapper"}


class ConfigError(InputError):
    """A config that cannot run, and what to change."""


#: Names of things and of stuff.
Classes = tuple[tuple[str, ...], tuple[str, ...]]


def load_config(
    path: str | os.PathLike, options: dict | None = None, classes: Classes | None = None
) -> Config:
    """Read a config as MMDetection's tools do, then fill in what follows from other keys.

    A top-level ``data_root`` (also from ``--cfg-options data_root=...``) becomes the root
    of every data set, a top-level ``image_scale`` the scale of every ``Resize``, a top-level
    ``max_iters`` the length of the training, with its schedule in proportion; class counts that
    the model leaves open (None) are those of ``classes`` or, without them, of the annotation file.

    Raises:
        ConfigError: the file or one that it inherits from does not exist, or it describes no
            network.
    """
    if not Path(path).is_file():
        raise ConfigError(f"config file {path} does not exist")
    try:
        cfg = Config.fromfile(path)
    except FileNotFoundError as error:
        raise ConfigError(
            f"config file {path} inherits from {error.filename}, which does not exist; paths in "
            f"_base_ begin at the folder of the file that names them"
        ) from None
    cfg.merge_from_dict(options or {})
    if "type" not in cfg.get("model", {}):
        raise ConfigError(f"config file {path} describes no network: it lacks the key model.type")
    datasets = list(datasets_of(cfg))
    if cfg.get("data_root") and len({dataset.get("data_root") for dataset in datasets}) == 1:
        for dataset in datasets:
            dataset.data_root = cfg.data_root
    if cfg.get("image_scale"):
        for step in (step for dataset in datasets for step in dataset.pipeline):
            if step.type == "Resize":
                step.scale = cfg.image_scale
    if "max_iters" in cfg:
        set_length(cfg)
    fill_classes(cfg, classes)
    return cfg


def set_length(cfg: Config) -> None:
    """Train for ``cfg.max_iters`` iterations: every point of the schedule moves in proportion.

    Those are ``train_cfg.val_interval`` and, of ``param_scheduler``, ends and milestones; points
    are rounded up. How often checkpoints are kept stays: one is always written at the end.

    Raises:
        ConfigError: the config counts no iterations, or ``max_iters`` is no positive integer.
    """
    loop, new = cfg.get("train_cfg") or {}, cfg.max_iters
    old = loop.get("max_iters")
    if not old:
        raise ConfigError("max_iters: this config has no train_cfg.max_iters to change")
    if not isinstance(new, int) or new < 1:
        raise ConfigError(f"max_iters: expected a positive number of iterations, got {new!r}")

    def moved(point: int) -> int:
        return -(-point * new // old)

    loop.max_iters = new
    if "val_interval" in loop:
        loop.val_interval = moved(loop.val_interval)
    for scheduler in cfg.get("param_scheduler") or ():
        for key in {"begin", "end", "T_max"} & scheduler.keys():
            scheduler[key] = moved(scheduler[key])
        if "milestones" in scheduler:
            scheduler.milestones = [moved(point) for point in scheduler.milestones]


def set_work_dir(cfg: Config, path: str, work_dir: str | None) -> None:
    """Choose the work dir (argument, config, or from the config's name) and try to write.

    Raises:
        ConfigError: unwritable or full.
    """
    path = Path(path).absolute()
    default = Path("work_dirs") / f"{path.parent.name}_{path.stem}"
    cfg.work_dir = work_dir or cfg.get("work_dir") or str(default)
    check_writable(cfg.work_dir, "work dir", "--work-dir")


def check_writable(folder: str | os.PathLike, what: str, option: str) -> None:
    """Make ``folder`` and try to write there.

    Raises:
        ConfigError: unwritable or full; ``option`` of the command line chooses another one.
    """
    probe = Path(folder) / f".writable-{os.getpid()}"
    try:
        probe.parent.mkdir(parents=True, exist_ok=True)
        probe.write_bytes(b"0" * 4096)  # a full disk takes names but no bytes
        probe.unlink()
    except OSError as error:
        raise ConfigError(
            f"cannot write to the {what} {folder}: {error.strerror}; choose another {option}"
        ) from None


def enable_amp(cfg: Config) -> None:
    """Train with automatic mixed precision. Raises ``ConfigError`` without a GPU."""
    if not is_cuda_available():
        raise ConfigError("--amp needs a GPU: on a CPU train without it")
    kind = cfg.optim_wrapper.get("type", "OptimWrapper")
    if kind in _AMP:
        cfg.optim_wrapper.type, cfg.optim_wrapper.loss_scale = _AMP[kind], "dynamic"
    elif kind not in _AMP.values():
        raise ConfigError(f"--amp: expected optim_wrapper.type in {list(_AMP)}, got {kind!r}")


def datasets_of(cfg: Config, loaders: tuple[str, ...] = LOADERS) -> Iterator[dict]:
    """The data-set configs of the loaders and of BN recalibration, wrappers unwrapped."""
    owners = [cfg[key] for key in loaders if cfg.get(key)]
    owners += [*cfg.get("default_hooks", {}).values(), *cfg.get("custom_hooks", ())]
    owners.append((cfg.get("val_cfg") or {}).get("recalibration", {}))
    for owner in owners:
        dataset = owner
        while "dataset" in dataset:
            dataset = dataset["dataset"]
        if dataset is not owner:
            yield dataset


def annotation_paths(dataset: dict) -> tuple[str, str, str]:
    """Annotation file, picture folder and segment-map folder of a data-set config."""
    root, prefix = dataset.get("data_root") or "", dataset.get("data_prefix", {})
    parts = (dataset.ann_file, prefix.get("img"), prefix.get("seg"))
    return tuple(os.path.join(root, part or "") for part in parts)


def class_slots(model: dict) -> list[tuple[dict, str, int]]:
    """Where a model config holds class counts: (part, key, 0 for things or 1 for stuff)."""
    roi_head = model.get("roi_head", {})
    slots = [(roi_head.get(name), "num_classes", 0) for name in ("bbox_head", "mask_head")]
    for name in ("semantic_head", "panoptic_fusion_head"):
        slots += [
            (model.get(name), "num_things_classes", 0),
            (model.get(name), "num_stuff_classes", 1),
        ]
    return [slot for slot in slots if slot[0]]


def fill_classes(cfg: Config, classes: Classes | None = None) -> None:
    """Set the class counts that the model leaves open; see :func:`load_config`."""
    open_slots = [slot for slot in class_slots(cfg.model) if slot[0].get(slot[1]) is None]
    if open_slots:
        names = classes or read_categories(annotation_paths(next(datasets_of(cfg)))[0])
        for part, key, kind in open_slots:
            part[key] = len(names[kind])


def check_data(cfg: Config, loaders: tuple[str, ...]) -> None:
    """Check the annotations, pictures and segment maps that a run will read.

    Small data sets are checked to the last pixel, large ones by their lists and headers, folders
    of classes (those of a classifier) by their number.

    Raises:
        InputError: what is wrong with the files, or the model's class counts differ from
            the annotation file's.
    """
    datasets = list(datasets_of(cfg, loaders))
    if cfg.model.get("head"):
        for dataset in datasets:
            if not dataset.get("ann_file"):
                folder = os.path.join(dataset.get("data_root") or "", dataset.data_prefix)
                check_class_folders(folder, cfg.model.head.num_classes)
        return
    for paths in sorted({annotation_paths(dataset) for dataset in datasets}):
        names = read_categories(paths[0])
        for part, key, kind in class_slots(cfg.model):
            if part[key] != len(names[kind]):
                what = ("things", "stuff")[kind]
                raise ConfigError(
                    f"{part.type}.{key} is {part[key]}, but {paths[0]} has {len(names[kind])} "
                    f"classes of {what}; set the key to that, or to None to have it filled in"
                )
        if check_panoptic(*paths, decode=False) <= FULL_CHECK_LIMIT:
            check_panoptic(*paths, decode=True)
