"""From a config file to a config that is ready to run."""

import os
from collections.abc import Callable
from pathlib import Path

from mmengine.config import Config

from mmpanonas.config.classes import fill_classes
from mmpanonas.config.datasets import datasets_of
from mmpanonas.config.errors import ConfigError
from mmpanonas.config.schedule import set_length
from mmpanonas.datasets import Classes

#: Classes, or a function from a config to them.
Known = Classes | Callable[[Config], Classes | None]


def load_config(
    path: str | os.PathLike, options: dict | None = None, classes: Known | None = None
) -> Config:
    """Read a config as MMDetection's tools do, then fill in what follows from other keys.

    A top-level ``data_root`` (also from ``--cfg-options data_root=...``) becomes the root
    of every data set, a top-level ``image_scale`` the scale of every ``Resize``, a top-level
    ``max_iters`` the length of the training, with its schedule in proportion; class counts that
    the model leaves open (None) are those of ``classes`` (also a function of the config) or,
    without them, of the first data set.

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
    fill_classes(cfg, classes(cfg) if callable(classes) else classes)
    return cfg
