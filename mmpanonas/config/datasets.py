"""Where a config names its data sets and what is done to their pictures."""

import os
from collections.abc import Iterable, Iterator, Mapping

from mmengine.config import Config

from mmpanonas.config.judge.kinds import hooks_of
from mmpanonas.errors import ConfigError
from mmpanonas.recalibration import BNRecalibrationHook

LOADERS = ("train_dataloader", "val_dataloader", "test_dataloader")


def datasets_of(cfg: Config | Mapping, loaders: tuple[str, ...] = LOADERS) -> Iterator[dict]:
    """The data-set configs of the loaders and of BN recalibration, wrappers unwrapped."""
    return (dataset for _, dataset in named_datasets(cfg, loaders))


def named_datasets(
    cfg: Config | Mapping, loaders: tuple[str, ...] = LOADERS
) -> Iterator[tuple[str, dict]]:
    """Dotted place and config of what :func:`datasets_of` gives."""
    owners = [(key, cfg[key]) for key in loaders if cfg.get(key)]
    owners += hooks_of(cfg)
    search = (cfg.get("val_cfg") or {}).get("recalibration")
    owners += [("val_cfg.recalibration", search)] if search else []
    for place, owner in owners:
        yield from _inner(place, owner)


def recalibration_of(cfg: Config | Mapping) -> dict:
    """The arguments of ``RecalibrationBatches`` in a config: the search's, or the hook's.

    Raises:
        ConfigError: it recalibrates nothing.
    """
    found = (cfg.get("val_cfg") or {}).get("recalibration")
    found = found or next((hook for _, hook in hooks_of(cfg, BNRecalibrationHook)), None)
    if found is None:
        raise ConfigError(
            "the config recalibrates no batch norms: give that of a supernet or a search, with "
            "default_hooks.recalibration or val_cfg.recalibration"
        )
    return {key: value for key, value in found.items() if key not in ("type", "arch", "priority")}


def leaves(owner: dict) -> Iterator[dict]:
    """The data-set configs of a loader or a hook, wrappers unwrapped; none if it has none."""
    return (dataset for _, dataset in _inner("", owner))


def _inner(place: str, owner: object) -> Iterator[tuple[str, dict]]:
    """The innermost data sets that ``owner``, a loader, a hook or a wrapper, holds."""
    for key in ("dataset", "datasets"):
        held = owner.get(key)
        many = isinstance(held, list | tuple)
        for number, dataset in enumerate(held if many else [held]):
            inner = f"{place}.{key}.{number}" if many else f"{place}.{key}"
            if isinstance(dataset, Mapping):
                if dataset.get("dataset") or dataset.get("datasets"):
                    yield from _inner(inner, dataset)
                else:
                    yield inner, dataset


def annotation_paths(dataset: dict) -> tuple[str, str, str]:
    """Annotation file, picture folder and segment-map folder of a data-set config."""
    root, prefix = dataset.get("data_root") or "", dataset.get("data_prefix", {})
    parts = (dataset.ann_file, prefix.get("img"), prefix.get("seg"))
    return tuple(os.path.join(root, part or "") for part in parts)


def check_on_disks(cfg: Config | Mapping) -> None:
    """Raise ``ConfigError`` if a data set lies elsewhere than on this machine's disks.

    What is learnt from is decoded and stamped before a run, and the ground truth read again by each
    evaluation; of MMEngine's backends not all can even join paths.
    """
    for place, dataset in named_datasets(cfg):
        prefix = dataset.get("data_prefix") or {}
        prefixes = prefix if isinstance(prefix, Mapping) else {"": prefix}
        given = {key: dataset.get(key) for key in ("data_root", "ann_file", "things_file")}
        given |= {f"data_prefix.{key}".rstrip("."): value for key, value in prefixes.items()}
        said = [f"{key} {value!r}" for key, value in given.items() if "://" in str(value)]
        said += [f"backend_args of the backend {name!r}" for name in _backends(dataset)]
        if said:
            raise ConfigError(
                f"{place} has {said[0]}: data are read from this machine's disks alone; copy them, "
                "or mount where they lie as a folder, and give that as data_root"
            )


def _backends(node: object) -> Iterator[str]:
    """Backends for files, of a data set and its transforms, that are not local."""
    if isinstance(node, Mapping):
        args = node.get("backend_args")
        if isinstance(args, Mapping) and args.get("backend", "local") != "local":
            yield args["backend"]
        node = node.values()
    if not isinstance(node, str) and isinstance(node, Iterable):
        for item in node:
            yield from _backends(item)
