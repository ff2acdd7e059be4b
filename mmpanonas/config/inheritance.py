"""How a config file inherits: values that stand in many places follow the key they came from.

MMEngine copies a value wherever a file names it: ``data_root`` into every data set,
``image_scale`` into every resize, ``recalibration`` into the search and a hook, a width into all
modules that read it. What inherits and sets the key anew would change the key alone. Here every
place that still holds the inherited value follows, as if the file below had been written with the
new one; what a file or an option itself says about a place stays as it says.
"""

import copy
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from pathlib import Path

from mmengine.config import Config, ConfigDict
from mmengine.utils import get_installed_path

from mmpanonas.config.schedule import follow_max_iters
from mmpanonas.config.spread import (
    follow_data_root,
    follow_image_scale,
    follow_recalibration,
    follow_widths,
)
from mmpanonas.errors import ConfigError
from mmpanonas.files import SHIPPED

_DELETE = "_delete_"

_mmengines = Config._get_cfg_path

#: What follows each key: a function that changes an inherited config in place.
FOLLOW: dict[str, Callable[[MutableMapping, object], None]] = {
    "data_root": follow_data_root,
    "image_scale": follow_image_scale,
    "recalibration": follow_recalibration,
    "max_iters": follow_max_iters,
    "model_widths": follow_widths,
}


def read_file(path: str, import_modules: bool = True) -> Config:
    """MMEngine's ``Config.fromfile`` with the inheritance of this module.

    A pure-Python config inherits as Python does: what it imports stays as it was written.
    """
    with _inheriting():
        return Config.fromfile(path, import_custom_modules=import_modules)


def merge_options(cfg: Config, options: Mapping) -> None:
    """Merge overrides, by dotted keys, into a config: first the keys that others follow."""
    first = {key: value for key, value in options.items() if key.split(".")[0] in FOLLOW}
    if "max_iters" in options:
        _same_length(options["max_iters"], options.get("train_cfg.max_iters"))
    for part in (first, {key: value for key, value in options.items() if key not in first}):
        nested = _nested(part)
        _fill_lists(nested, cfg._cfg_dict)
        inherit(nested, cfg._cfg_dict)
        cfg.merge_from_dict(nested)


def base_path(name: str, filename: str) -> tuple[str, str | None]:
    """Path of a word of ``_base_`` in the config ``filename``, and the package that it is of.

    MMEngine knows OpenMMLab's own packages alone. Ours are registered with MMDetection, so that a
    shipped config (``mmpanonas::NAME``) needs no scope. And it looks in all files of a package's
    model zoo first (seconds, for MMDetection); what is where ``mmdet::NAME`` says needs no search.
    """
    scope, colons, inner = name.partition("::")
    if colons and scope == "mmpanonas":
        return str(SHIPPED / "configs" / inner), None
    if colons and scope == "mmdet":
        file = Path(get_installed_path(scope), ".mim", "configs", inner)
        if file.is_file():
            return str(file), scope
    return _mmengines(name, filename)


Config._get_cfg_path = staticmethod(base_path)


def inherit(own: dict, base: MutableMapping) -> None:
    """Make ``base`` ready for a merge of ``own``: what it holds follows the keys of ``own``.

    Both are changed in place. A dictionary of ``own`` replaces None, replaces a list if it has
    a type, and replaces the path of an architecture.
    """
    before = {k: copy.deepcopy(v) for k, v in base.items() if isinstance(v, dict | list)}
    changed = [key for key in FOLLOW if key in own and base]
    for key in changed:
        FOLLOW[key](base, own[key])
    if changed:
        moved = [(old, base[key]) for key, old in before.items() if base[key] != old]
        for key, value in own.items():
            own[key] = _referring(value, moved)
        loop = own.get("train_cfg")
        if "max_iters" in changed and isinstance(loop, Mapping):
            _same_length(own["max_iters"], loop.get("max_iters"))
    _replace(own, base)


@contextmanager
def _inheriting() -> Iterator[None]:
    """Within it MMEngine merges a file into what it inherits by :func:`inherit`."""
    plain = Config._merge_a_into_b

    def merge(own: dict, base: dict, allow_list_keys: bool = False) -> dict:
        Config._merge_a_into_b = staticmethod(plain)  # which calls itself for inner dictionaries
        try:
            inherit(own, base)
            return plain(own, base, allow_list_keys)
        finally:
            Config._merge_a_into_b = staticmethod(merge)

    Config._merge_a_into_b = staticmethod(merge)
    try:
        yield
    finally:
        Config._merge_a_into_b = staticmethod(plain)


def _referring(value: object, moved: list[tuple[object, object]]) -> object:
    """``value`` with copies of an inherited variable (``_base_.train_pipeline``) as it is now."""
    for old, new in moved:
        if isinstance(value, dict | list) and _bare(value) == _bare(old):
            return copy.deepcopy(new)
    if isinstance(value, dict):
        for key, item in value.items():
            value[key] = _referring(item, moved)
    elif isinstance(value, list):
        value[:] = [_referring(item, moved) for item in value]
    return value


def _bare(value: object) -> object:
    """Without the scope that MMEngine writes into a copy."""
    if isinstance(value, dict):
        return {key: _bare(item) for key, item in value.items() if key != "_scope_"}
    return [_bare(item) for item in value] if isinstance(value, list | tuple) else value


def _replace(own: dict, base: Mapping) -> None:
    """Mark the dictionaries of ``own`` that replace what ``base`` has at their place."""
    for key, value in own.items():
        if not isinstance(value, dict) or key not in base or value.get(_DELETE):
            continue
        held = base[key]
        if isinstance(held, Mapping):
            _replace(value, held)
        elif held is None or key == "arch" or ("type" in value and isinstance(held, list | tuple)):
            value[_DELETE] = True


def _fill_lists(own: dict, base: Mapping) -> None:
    """Make ``channels.0=16`` the whole list: MMEngine merges dictionaries into lists alone."""
    for key, value in own.items():
        held = base.get(key)
        if isinstance(value, dict) and isinstance(held, Mapping):
            _fill_lists(value, held)
        elif isinstance(value, dict) and isinstance(held, list | tuple):
            plain = {k: v for k, v in value.items() if not isinstance(v, dict)}
            if plain and len(plain) == len(value):
                items = list(held)
                for place, item in plain.items():
                    if not place.isdigit() or int(place) >= len(items):
                        raise ConfigError(f"{key}.{place}: {key} has items 0 to {len(items) - 1}")
                    items[int(place)] = item
                own[key] = type(held)(items)


def _nested(options: Mapping) -> ConfigDict:
    """Dotted keys as dictionaries in dictionaries; those of a list stay numbers."""
    nested = ConfigDict()
    for dotted, value in options.items():
        *outer, last = dotted.split(".")
        node = nested
        for key in outer:
            if not isinstance(node.setdefault(key, ConfigDict()), dict):
                raise ConfigError(f"{dotted}: another option gives {key} as a whole")
            node = node[key]
        node[last] = copy.deepcopy(value)
        if last == "arch" and isinstance(value, dict):  # a whole one
            node[last] = dict(node[last], _delete_=True)
    return nested


def _same_length(whole: object, loop: object) -> None:
    if loop is not None and loop != whole:
        raise ConfigError(
            f"max_iters is {whole} and train_cfg.max_iters {loop}: give one of them; max_iters "
            f"moves the whole schedule, train_cfg.max_iters the end alone"
        )
