"""The closed entrance: a config is judged before anything is built of it."""

import os
from collections.abc import Mapping

from mmengine.config import Config

from mmpanonas.config.judge.keys import Judge
from mmpanonas.config.judge.layout import TOP
from mmpanonas.config.judge.problems import Problem
from mmpanonas.config.judge.variables import spread, variables_of
from mmpanonas.config.schedule import schedulers_of
from mmpanonas.errors import ConfigError

#: Of so many problems a message tells.
SHOWN = 3


def check_config(cfg: Config, path: str | os.PathLike, options: Mapping | None = None) -> None:
    """Refuse a config with a key that nobody reads, or a value of the wrong kind or range.

    Args:
        cfg: merged with ``options``, not yet filled in.
        path: its file, whose own variables are allowed.
        options: of the command line, where variables are refused: their copies are made already.

    Raises:
        ConfigError: names the first keys, what was given, expected, and the nearest known ones.
    """
    tree = cfg.to_dict()
    variables = variables_of(path)
    for key in options or ():
        name = key.split(".")[0]
        if name in variables - set(TOP):
            place = spread(name, Config.fromfile(path, import_custom_modules=False).to_dict())
            hint = f"; set it where it is used, such as {place}" if place else ""
            raise ConfigError(
                f"--cfg-options {key}: {name} is a variable of the config file, which has been "
                f"read already{hint}"
            )
    problems = Judge(cfg.get("default_scope") or "mmdet").problems(tree, variables)
    problems += _at_odds(tree)
    if problems:
        more = f" (and {len(problems) - SHOWN} more)" if len(problems) > SHOWN else ""
        raise ConfigError(f"config {path}: {'; '.join(map(str, problems[:SHOWN]))}{more}")


def _at_odds(config: Mapping) -> list[Problem]:
    """Values that fit alone and not together."""
    found = []
    for name in ("train_dataloader", "val_dataloader", "test_dataloader"):
        loader = config.get(name)
        if not isinstance(loader, Mapping):
            continue
        if loader.get("drop_last") and name != "train_dataloader":
            found.append(Problem((name, "drop_last"), "expected False: pictures would be left out"))
        if loader.get("num_workers", 0) != 0:
            continue
        for key in ("persistent_workers", "prefetch_factor"):
            if loader.get(key):
                text = f"{loader[key]} needs num_workers of 1 or more, which is 0; take it out"
                found.append(Problem((name, key), text))
    for place, one in schedulers_of(config):
        begin, end = (one.get(key) for key in ("begin", "end"))
        if isinstance(begin, int) and isinstance(end, int) and begin >= end:
            text = f"expected more than begin ({begin}), got {end}"
            found.append(Problem((*place.split("."), "end"), text))
    return found
