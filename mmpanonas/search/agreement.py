"""Files that driver and workers must have alike, compared by their content."""

import os
import platform
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from mmengine.config import Config

from mmpanonas.errors import InputError
from mmpanonas.search.identity import digest


def search_files(cfg: Config) -> dict[str, str]:
    """The digests of checkpoint and annotation files of a search's config, by path."""
    paths = [cfg.get("load_from"), *_annotation_files(cfg.val_dataloader)]
    paths += _annotation_files(cfg.val_cfg.recalibration)
    return {str(path): _now(path) for path in paths if path and Path(path).is_file()}


def check_files(expected: Mapping[str, str]) -> None:
    """Raise ``InputError`` that names this machine and the first file that differs."""
    for path, there in expected.items():
        try:
            here = _now(path)
        except OSError as error:
            raise InputError(f"{path}: {error.strerror} on {platform.node()}") from None
        if here != there:
            raise InputError(
                f"{path} on {platform.node()} is not the file that the search began with (SHA-256 "
                f"{here[:12]}, not {there[:12]}): copy the driver's there, or begin a new search"
            )


def _annotation_files(config: object) -> list[str]:
    """Of all data sets in a config, whatever wraps them."""
    if isinstance(config, Mapping):
        if isinstance(config.get("ann_file"), str):
            return [os.path.join(config.get("data_root") or "", config["ann_file"])]
        config = list(config.values())
    if isinstance(config, list | tuple):
        return [path for each in config for path in _annotation_files(each)]
    return []


def _now(path: str | os.PathLike) -> str:
    status = os.stat(path)
    return _digest(str(path), status.st_size, status.st_mtime_ns, status.st_ino)


@lru_cache(maxsize=64)
def _digest(path: str, *version: int) -> str:
    return digest(path)
