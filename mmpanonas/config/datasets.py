"""Where a config names its data sets."""

import os
from collections.abc import Iterator

from mmengine.config import Config

LOADERS = ("train_dataloader", "val_dataloader", "test_dataloader")


def datasets_of(cfg: Config, loaders: tuple[str, ...] = LOADERS) -> Iterator[dict]:
    """The data-set configs of the loaders and of BN recalibration, wrappers unwrapped."""
    owners = [cfg[key] for key in loaders if cfg.get(key)]
    owners += [*cfg.get("default_hooks", {}).values(), *cfg.get("custom_hooks", ())]
    owners.append((cfg.get("val_cfg") or {}).get("recalibration", {}))
    for owner in owners:
        yield from leaves(owner)


def leaves(owner: dict) -> Iterator[dict]:
    """The data-set configs of a loader or a hook, wrappers unwrapped; none if it has none."""
    if "datasets" in owner:
        for each in owner["datasets"]:
            yield from leaves({"dataset": each})
    elif "dataset" in owner:
        inner = owner["dataset"]
        if {"dataset", "datasets"} & inner.keys():
            yield from leaves(inner)
        else:
            yield inner


def annotation_paths(dataset: dict) -> tuple[str, str, str]:
    """Annotation file, picture folder and segment-map folder of a data-set config."""
    root, prefix = dataset.get("data_root") or "", dataset.get("data_prefix", {})
    parts = (dataset.ann_file, prefix.get("img"), prefix.get("seg"))
    return tuple(os.path.join(root, part or "") for part in parts)
