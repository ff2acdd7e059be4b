"""What follows the keys ``data_root``, ``image_scale``, ``recalibration`` and ``model_widths``."""

import copy
from collections.abc import Iterator, Mapping, MutableMapping

from mmengine.config import Config

from mmpanonas.config.datasets import LOADERS, datasets_of
from mmpanonas.config.judge.kinds import hooks_of
from mmpanonas.errors import ConfigError
from mmpanonas.space.widths import KINDS, WIDTHS, places_of, plain

#: Whose paths and scales are not the data's.
_OTHERS = {"model", "study", "work_dir", "load_from", "custom_imports"}

#: Keys under which MMDetection's and MMCV's steps have sizes of the whole picture.
SCALE_KEYS = ("scale", "scales", "img_scale")


def follow_data_root(base: MutableMapping, new: object) -> None:
    """Every data set's root, and every path of loaders, metrics and hooks below it."""
    if not isinstance(new, str):
        raise ConfigError(f"data_root: expected a folder, got {new!r}")
    old = base.get("data_root") or _the_one(d.get("data_root") for d in datasets_of(base))
    if not isinstance(old, str) or not old.strip("/"):
        return
    start = old.rstrip("/") + "/"
    for node in _nodes(base):
        for key, value in node.items():
            if key == "data_root" and isinstance(value, str) and value.rstrip("/") + "/" == start:
                node[key] = new
            elif isinstance(value, str) and value.startswith(start):
                node[key] = new.rstrip("/") + "/" + value.removeprefix(start)


def follow_image_scale(base: MutableMapping, new: object) -> None:
    """Every scale of a pipeline, and every one of a step that has several to choose from."""
    new = picture_size(new)
    old = base.get("image_scale") or _the_one(step["scale"] for step in _scaled(base))
    if old is None:
        return
    old = _tuple(old)
    for node in _nodes(base):
        for key in SCALE_KEYS & node.keys():
            if _tuple(node[key]) == old:
                node[key] = new
            elif isinstance(node[key], list | tuple):
                held = (new if _tuple(one) == old else one for one in node[key])
                node[key] = type(node[key])(held)


def follow_recalibration(base: MutableMapping, new: object) -> None:
    """Arguments of the search's recalibration, and of each hook that reads the same pictures."""
    old = base.get("recalibration")
    if not isinstance(new, Mapping):
        raise ConfigError(f"recalibration: expected dict(num_images=..., ...), got {new!r}")
    if not isinstance(old, Mapping):
        return
    merged = Config._merge_a_into_b(copy.deepcopy(new), copy.deepcopy(old))
    for place in recalibrations_of(base):
        _follow(place, old, merged)


def follow_widths(base: MutableMapping, new: object) -> None:
    """Every key of the model that is one of the widths (:mod:`mmpanonas.space.widths`)."""
    if not isinstance(new, Mapping):
        raise ConfigError(f"model_widths: expected dict(pyramid=..., ...), got {new!r}")
    for name, width in new.items():
        if name not in WIDTHS:
            raise ConfigError(f"model_widths has no {name}; its keys are {', '.join(WIDTHS)}")
        KINDS[name].check(f"model_widths.{name}", width)
        places = list(places_of(base.get("model") or {}, name))
        held = [(module, key, of) for module, key, _, of in places if key in module]
        if held:
            first, key, _ = held[0]
            old = first[key]
            for module, key, of in held:
                if plain(module[key]) == plain(of(old)):
                    module[key] = of(width)


def recalibrations_of(base: Mapping) -> list[MutableMapping]:
    """What the key ``recalibration`` is for: the search's, and hooks that read its pictures."""
    pictures = (base.get("recalibration") or {}).get("dataset")
    places = [(base.get("val_cfg") or {}).get("recalibration")]
    places += [hook for _, hook in hooks_of(base) if pictures and hook.get("dataset") == pictures]
    return [place for place in places if isinstance(place, Mapping)]


def _follow(place: MutableMapping, old: Mapping, new: Mapping) -> None:
    """Bring what ``place`` has of ``old`` to what ``new`` has."""
    for key in {*old, *new}:
        inner = [each.get(key) for each in (place, old, new)]
        if all(isinstance(each, Mapping) for each in inner):
            _follow(*inner)
        elif (key in place) == (key in old) and inner[0] == inner[1]:
            if key in new:
                place[key] = copy.deepcopy(new[key])
            else:
                place.pop(key, None)


def picture_size(value: object) -> tuple[int, int]:
    """Width and height of a scale as (640, 480) or [640, 480]. Raises ``ConfigError``."""
    size = _tuple(value)
    if isinstance(size, tuple) and len(size) == 2 and all(type(n) is int and n > 0 for n in size):
        return size
    raise ConfigError(
        f"image_scale: expected two whole numbers of pixels, width and height, as 640,480; "
        f"got {value!r}"
    )


def settle_scales(base: Mapping) -> None:
    """Make two numbers that came as a list (from text, JSON or YAML) the tuple that steps want."""
    for node in _nodes(base):
        for key in SCALE_KEYS & node.keys():
            value = node[key]
            if isinstance(value, list) and "type" in node:
                pairs = [_tuple(one) for one in value]
                single = len(value) == 2 and not any(isinstance(one, tuple) for one in pairs)
                node[key] = tuple(pairs) if single and key != "scales" else pairs


def scales_of(cfg: Mapping) -> Iterator[tuple[str, object]]:
    """Places and values of every scale in the pipelines of the loaders and hooks."""
    todo: list[tuple[str, object]] = [
        (key, cfg.get(key)) for key in (*LOADERS, "val_cfg", "default_hooks", "custom_hooks")
    ]
    while todo:
        place, node = todo.pop(0)
        if isinstance(node, Mapping):
            for key in SCALE_KEYS & node.keys() if "type" in node else ():
                yield f"{place}.{key}", node[key]
            todo += [(f"{place}.{key}", item) for key, item in node.items()]
        elif isinstance(node, list | tuple):
            todo += [(f"{place}.{number}", item) for number, item in enumerate(node)]


def _nodes(base: Mapping) -> Iterator[MutableMapping]:
    """All dictionaries of a config but the model's and such."""
    todo: list[object] = [value for key, value in base.items() if key not in _OTHERS]
    yield base if isinstance(base, MutableMapping) else base._cfg_dict
    while todo:
        node = todo.pop()
        if isinstance(node, MutableMapping):
            yield node
            todo += node.values()
        elif isinstance(node, list | tuple):
            todo += node


def _scaled(base: Mapping) -> Iterator[Mapping]:
    return (node for node in _nodes(base) if "type" in node and "scale" in node)


def _the_one(values: Iterator[object]) -> object | None:
    """The value, if there is but one."""
    found: list[object] = []
    for value in values:
        if _tuple(value) not in found:
            found.append(_tuple(value))
    return found[0] if len(found) == 1 else None


def _tuple(value: object) -> object:
    return tuple(value) if isinstance(value, list | tuple) else value
