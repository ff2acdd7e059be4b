"""What the two configs of one experiment must agree on."""

import os

from mmengine.config import Config

from mmpanonas.config.classes import built, settle_classes
from mmpanonas.config.datasets import annotation_paths, datasets_of, leaves
from mmpanonas.errors import ConfigError

_LOADERS = ("train_dataloader", "val_dataloader")


def check_experiment(supernet: Config, alone: Config, name: str) -> None:
    """Compare a study's config with that of its networks trained alone, by name.

    Both train on pictures of one folder, at one scale and with the same classes; the labels of
    the second follow the first.

    Args:
        name: of the second config's file, for errors.

    Raises:
        InputError: they differ.
    """
    settle_classes(supernet, _LOADERS)
    home = built(next(datasets_of(supernet, _LOADERS))).metainfo
    settle_classes(alone, _LOADERS, home, "the study's training data set")
    for what, read in (("pictures for training", _folders), ("scales", _scales)):
        ours, theirs = read(supernet), read(alone)
        if ours != theirs:
            raise ConfigError(
                f"{name} has the {what} {theirs}, the study's own config {ours}; networks trained "
                f"alone judge the supernet only if both are the same"
            )


def _folders(cfg: Config) -> list[str]:
    leaf = leaves(cfg.train_dataloader)
    return sorted({os.path.realpath(annotation_paths(dataset)[1]) for dataset in leaf})


def _scales(cfg: Config) -> list[tuple]:
    """What the resizes of training and validation say of sizes, in order."""
    steps = (
        step
        for loader in _LOADERS
        for dataset in leaves(cfg[loader])
        for step in dataset.pipeline
        if any("scale" in key for key in step)
    )
    return [_plain(step) for step in steps]


def _plain(value: object) -> object:
    if isinstance(value, dict):
        return tuple(sorted((key, _plain(item)) for key, item in value.items()))
    return tuple(map(_plain, value)) if isinstance(value, list | tuple) else value
