"""What a raced search asks of its config, and counts of pictures as they travel and are kept."""

from collections.abc import Mapping, Sequence
from pathlib import PurePath

from mmengine.evaluator import BaseMetric

from mmpanonas.errors import InputError
from mmpanonas.racing import RACES, Race
from mmpanonas.records import Picture
from mmpanonas.strategies import Strategy


def build_race(config: Mapping, strategy: Strategy, cache: object) -> Race:
    """The rule that ``val_cfg.race`` describes.

    Raises:
        InputError: there is none of that type, or the search cannot race.
    """
    options = dict(config)
    kind = options.pop("type", None)
    if kind not in RACES:
        raise InputError(f"val_cfg.race.type: expected one of {sorted(RACES)}, got {kind!r}")
    if strategy.seats is None:
        raise InputError(
            f"val_cfg.race: {type(strategy).__name__} ranks all candidates of a round, and every "
            f"rank counts, so none may leave; search with Evolution, Random or Pareto, or leave "
            f"val_cfg.race out"
        )
    if cache:
        raise InputError(
            "val_cfg.race: the cache keeps no counts of pictures, which a race compares; leave "
            "val_cfg.cache or val_cfg.race out"
        )
    return RACES[kind](**options)


def raced_classes(metric: str, metrics: Sequence[BaseMetric], meta: Mapping) -> range:
    """The labels over whose classes the fitness is a mean.

    Raises:
        InputError: the evaluator does not count pictures, or the fitness is none of its PQs.
    """
    only = metrics[0] if len(metrics) == 1 else None
    prefix, _, key = metric.rpartition("/")
    count, things = (len(meta.get(names, ())) for names in ("classes", "thing_classes"))
    groups = {"PQ": range(count), "PQ_th": range(things), "PQ_st": range(things, count)}
    if not hasattr(only, "per_class") or key not in groups or prefix != only.prefix:
        raise InputError(
            f"val_cfg.race compares PQ, PQ_th or PQ_st of one PanopticQualityMetric; the fitness "
            f"is {metric}, of {', '.join(type(each).__name__ for each in metrics)}"
        )
    return groups[key]


def as_picture(result: Mapping) -> Picture:
    """Plain data of a result of ``PanopticQualityMetric``."""
    number, path = result["key"]
    rows = [
        [int(label), *map(int, counts[:3]), float(counts[3])]
        for label, counts in result["counts"].items()
    ]
    return [number, PurePath(path).name, rows]


def as_result(picture: Picture) -> dict:
    """Inverse of :func:`as_picture`."""
    number, name, rows = picture
    counts = {label: tuple(values) for label, *values in rows}
    return dict(key=(number, name), counts=counts, further={})
