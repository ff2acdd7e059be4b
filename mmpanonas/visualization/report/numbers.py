"""How a report names scores and costs, and with how many digits it writes them."""

from collections.abc import Iterable

#: How the metrics of panoptic quality are headed.
_SCORES = {"PQ_th": "things", "PQ_st": "stuff"}
_UNITS = ((1e9, "G"), (1e6, "M"), (1e3, "k"))


def score_title(metric: str) -> str:
    """As ``coco_panoptic/PQ_th`` "things", ``coco_panoptic/SQ`` "SQ"."""
    name = metric.rpartition("/")[2]
    return _SCORES.get(name, name)


def cost_title(cost: str) -> str:
    """As ``backbone_macs`` "backbone MACs", ``network_params`` "network params"."""
    return cost.replace("_", " ").replace("macs", "MACs")


def unit_of(values: Iterable[float]) -> tuple[float, str]:
    """Scale and prefix for a column of numbers: those that suit its largest one."""
    largest = max(map(abs, values), default=0.0)
    return next((unit for unit in _UNITS if largest >= unit[0]), (1.0, ""))


def digits_of(values: Iterable[float]) -> int:
    """Decimals that give the largest of ``values`` four digits, at least one and at most four."""
    largest = max(map(abs, values), default=0.0)
    return next((d for d, limit in ((1, 100), (2, 10), (3, 1)) if largest >= limit), 4)


def duration(seconds: float) -> str:
    """As "2 h 5 min", "3 min 7 s", "4.2 s"."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"
