"""The architectures that a config names, as choices instead of files."""

import os
from collections.abc import Iterator, Mapping

from mmengine.config import Config
from mmengine.registry import MODELS

from mmpanonas.config.judge.kinds import kind_of
from mmpanonas.space import Arch, ArchError


def settle_archs(cfg: Config) -> None:
    """Replace each architecture file by its choices: what is dumped means the same for ever.

    A path begins at the current folder. A file that is not there stays named: what needs no
    network needs no architecture (:func:`check_archs`).

    Raises:
        ArchError: a file cannot be read, or what is given is no architecture.
    """
    for _, node in _holders(cfg):
        arch = node["arch"]
        if not isinstance(arch, str | os.PathLike) or os.path.exists(arch):
            node["arch"] = Arch.load(arch).to_dict()
        else:
            node["arch"] = str(arch)


def check_archs(cfg: Config) -> None:
    """Raise ``ArchError`` if a file that the config names is not there."""
    for place, node in _holders(cfg):
        if isinstance(node["arch"], str):
            raise ArchError(
                f"{place}: architecture file {node['arch']} does not exist; give another one with "
                f"--cfg-options {place}=FILE (a search writes arch.json into its work dir)"
            )


def _holders(cfg: Config) -> Iterator[tuple[str, dict]]:
    """Places and configs of the model and its parts that have an ``arch`` of our kind."""
    todo = [("model", cfg.get("model"))]
    while todo:
        place, node = todo.pop(0)
        if isinstance(node, Mapping):
            kind = kind_of(node, MODELS, cfg.get("default_scope"))
            if node.get("arch") is not None and hasattr(kind, "set_arch"):
                yield f"{place}.arch", node
            todo += [(f"{place}.{key}", item) for key, item in node.items() if key != "arch"]
