"""From a config file to a config that is ready to run."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path

from mmengine.config import Config

from mmpanonas.config.archs import settle_archs
from mmpanonas.config.classes import fill_classes
from mmpanonas.config.datasets import check_on_disks
from mmpanonas.config.entrance import check_config
from mmpanonas.config.inheritance import merge_options, read_file
from mmpanonas.config.judge.forms import settle_hooks
from mmpanonas.config.reach import say_what_kept
from mmpanonas.config.schedule import check_length
from mmpanonas.config.spread import settle_scales
from mmpanonas.datasets import Classes
from mmpanonas.errors import ConfigError, InputError, in_a_line
from mmpanonas.options import check_options
from mmpanonas.space.widths import check_widths

#: Classes, or a function from a config to them.
Known = Classes | Callable[[Config], Classes | None]


def load_config(
    path: str | os.PathLike, options: dict | None = None, classes: Known | None = None
) -> Config:
    """Read a config as MMDetection's tools do, then fill in what follows from other keys.

    ``data_root``, ``image_scale``, ``recalibration``, ``max_iters`` and ``model_widths``, where a
    file or an option sets them anew, reach every place that still holds what was inherited
    (:mod:`mmpanonas.config.inheritance`). Architecture files become their choices. Class counts
    that the model leaves open (None) are those of ``classes`` (also a function of the config) or,
    without them, of the first data set.

    Raises:
        ConfigError: the file or one that it inherits from cannot be read, an option does not fit,
            the config describes no network, says a key that nobody reads, or a value that does
            not fit, or its data are not on this machine's disks.
        ArchError: an architecture file cannot be read.
    """
    if not Path(path).is_file():
        raise ConfigError(f"config file {path} does not exist")
    cfg = read_config(path)
    check_options(cfg, options or {})
    try:
        merge_options(cfg, options or {})
    except (TypeError, KeyError, AttributeError) as error:
        raise ConfigError(f"options for {path}: {in_a_line(error)}") from None
    model = cfg.get("model")
    if not isinstance(model, Mapping) or "type" not in model:
        raise ConfigError(f"config file {path} describes no network: it lacks the key model.type")
    settle_hooks(cfg)
    check_config(cfg, path, options)
    check_on_disks(cfg)
    settle_scales(cfg)
    check_length(cfg)
    check_widths(model, cfg.get("model_widths") or {})
    say_what_kept(cfg, options or {})
    settle_archs(cfg)
    fill_classes(cfg, classes(cfg) if callable(classes) else classes)
    return cfg


def read_config(path: str | os.PathLike) -> Config:
    """What a config file and those that it inherits from say, unjudged.

    Raises:
        ConfigError: one of them cannot be read.
    """
    try:
        return read_file(str(path))
    except InputError:
        raise
    except FileNotFoundError as error:
        raise ConfigError(
            f"config file {path} inherits from {error.filename}, which does not exist; paths in "
            f"_base_ begin at the folder of the file that names them"
        ) from None
    except Exception as error:  # a config is a program, which may fail in any way
        raise ConfigError(
            f"config file {path} cannot be read: {type(error).__name__}: {in_a_line(error)}"
        ) from None
