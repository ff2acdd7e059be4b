"""Config files that a config names: found from any folder."""

import os
from collections.abc import Mapping
from pathlib import Path

from mmengine.config import Config

from mmpanonas.config.inheritance import base_path, read_file


def find_named(cfg: Config, key: str, options: Mapping | None = None) -> str:
    """The file that the dotted ``key`` of a config names, as a path from the current folder.

    A relative name begins at the folder of the file that states it (the config's own, or one that
    it inherits from) or at one above, the nearest first, and else at the current folder. One of
    the command line's ``options`` begins at the current folder.

    Returns:
        The name itself where there is no such file.
    """
    name = str(_value(cfg, key))
    parts = key.split(".")
    given = any(".".join(parts[:count]) in (options or {}) for count in range(1, len(parts) + 1))
    if given or os.path.isabs(name):
        return name
    home = _stating(Path(cfg.filename).absolute(), key, name).parent
    places = (folder / name for folder in (home, *home.parents))
    return next((str(place) for place in places if place.is_file()), name)


def _stating(path: Path, key: str, value: str) -> Path:
    """The file that says so: ``path``, or the first of those it inherits from that does."""
    for base in Config._get_base_files(str(path)):
        file, scope = base_path(base, str(path))
        if scope is None and Path(file).is_file() and _value(read_file(file), key) == value:
            return _stating(Path(os.path.normpath(file)), key, value)
    return path


def _value(cfg: Mapping, key: str) -> object:
    node: object = cfg
    for part in key.split("."):
        node = node.get(part) if isinstance(node, Mapping | Config) else None
    return node
