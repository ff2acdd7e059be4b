"""Ranges of arguments that are not ours, by their names, which mean the same everywhere."""

from collections.abc import Sequence

from mmpanonas.values import Kind, number, one_of, several, whole


def _all(kind: Kind) -> Kind:
    """``kind``, or lists of such at any depth."""

    def fits(value: object) -> bool:
        if isinstance(value, list | tuple):
            return all(map(fits, value))
        return kind.fits(value)

    return Kind(f"{kind.words}, or several", fits)


def _also_as_float(kind: Kind) -> Kind:
    """``kind`` of whole numbers, 57300.0 too: MMEngine's loops take what a division gave."""

    def fits(value: object) -> bool:
        is_whole = isinstance(value, float) and value.is_integer()
        return kind.fits(int(value) if is_whole else value)

    return Kind(kind.words, fits)


_LENGTHS = "max_epochs max_iters val_interval"
_POSITIVE = (
    "accumulative_counts base_batch_size batch_size fc_out_channels feat_channels num_groups "
    "num_outs num_patches output_size pad_size_divisor prefetch_factor window_size"
)
_COUNT = "num_convs num_workers begin val_begin"
_FRACTION = "iou_threshold momentum prob score_thr warmup_ratio"
_NOT_NEGATIVE = "lr weight_decay loss_weight eps stuff_area_limit thing_area_limit"

RANGES: dict[str, Kind] = {
    **dict.fromkeys(_LENGTHS.split(), _also_as_float(whole(1))),
    **dict.fromkeys(_POSITIVE.split(), _all(whole(1))),
    **dict.fromkeys(_COUNT.split(), whole(0)),
    **dict.fromkeys(_FRACTION.split(), _all(number(0, 1))),
    **dict.fromkeys(_NOT_NEGATIVE.split(), _all(number(0))),
    "interval": whole(1) | one_of([-1]),
    "max_keep_ckpts": whole(1) | one_of([-1]),
    "betas": several(number(0, 1), 2),
    "end": whole(1),
    "T_max": whole(1),
    "milestones": several(whole(1)),
    "gamma": number(above=0),
    "start_factor": number(0, 1),
    "end_factor": number(0, 1),
    "num_classes": whole(0),
    "in_channels": _all(whole(1)),
    "out_channels": _all(whole(1)),
    "strides": _all(number(above=0)),
    "scales": _all(number(above=0)),
    "ratios": _all(number(above=0)),
}


def range_of(name: str, value: object) -> Kind | None:
    """What ``value`` must be, where it is made of numbers or stands for one."""
    return RANGES.get(name) if _of_numbers(value) else None


def _of_numbers(value: object) -> bool:
    if isinstance(value, Sequence) and not isinstance(value, str):
        return bool(value) and all(map(_of_numbers, value))
    return isinstance(value, bool | int | float | str)
