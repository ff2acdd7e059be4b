"""What arguments that are not ours may be: by annotation and default, and by their names."""

import inspect
import math
import numbers
import types
import typing
from collections.abc import Collection, Mapping, Sequence
from typing import get_args, get_origin

from mmpanonas.values import Kind, number, one_of, several, whole


def _all(kind: Kind) -> Kind:
    """``kind``, or lists of such at any depth, none of them empty."""

    def fits(value: object) -> bool:
        if isinstance(value, list | tuple):
            return bool(value) and all(map(fits, value))
        return kind.fits(value)

    return Kind(f"{kind.words}, or several", fits)


def _also_as_float(kind: Kind) -> Kind:
    """``kind`` of whole numbers, 57300.0 too: MMEngine's loops take what a division gave."""

    def fits(value: object) -> bool:
        is_whole = isinstance(value, float) and value.is_integer()
        return kind.fits(int(value) if is_whole else value)

    return Kind(kind.words, fits)


def _list(kind: Kind) -> Kind:
    """Lists of ``kind``, none of them empty."""
    many = several(kind)
    return Kind(many.words, lambda value: bool(value) and many.fits(value))


_LENGTHS = "max_epochs max_iters val_interval"
_POSITIVE = (
    "accumulative_counts base_batch_size batch_size conv_out_channels fc_out_channels "
    "feat_channels finest_scale num num_groups num_outs num_patches "
    "output_size pad_size_divisor prefetch_factor roi_feat_size window_size"
)
_COUNT = "num_convs num_workers begin val_begin"
_FRACTION = (
    "eta_min_ratio iou_threshold momentum pos_fraction prob score_thr start_factor end_factor "
    "warmup_ratio"
)
_NOT_NEGATIVE = "lr eta_min weight_decay loss_weight eps stuff_area_limit thing_area_limit"
#: Overlaps, -1 where there is no limit.
_OVERLAP = "ignore_iof_thr mask_thr_binary min_pos_iou neg_iou_thr pos_iou_thr"
_NUMBER = "allowed_border mask_pad_value min_bbox_size neg_pos_ub pos_weight seg_pad_value"
#: Counts, -1 where there is no limit.
_LIMIT = "max_per_img nms_pre"

RANGES: dict[str, Kind] = {
    **dict.fromkeys(_LENGTHS.split(), _also_as_float(whole(1))),
    **dict.fromkeys(_POSITIVE.split(), _all(whole(1))),
    **dict.fromkeys(_COUNT.split(), whole(0)),
    **dict.fromkeys(_FRACTION.split(), _all(number(0, 1))),
    **dict.fromkeys(_NOT_NEGATIVE.split(), _all(number(0))),
    **dict.fromkeys(_OVERLAP.split(), _all(number(0, 1) | one_of([-1]))),
    **dict.fromkeys(_NUMBER.split(), _all(number())),
    **dict.fromkeys(_LIMIT.split(), whole(1) | one_of([-1])),
    "debug": one_of([True, False]),
    "mask_size": _all(whole(1)),
    "mean": _list(number()),
    "target_means": _list(number()),
    "interval": whole(1) | one_of([-1]),
    "max_keep_ckpts": whole(1) | one_of([-1]),
    "betas": several(number(0, 1), 2),
    "end": whole(1),
    "T_max": whole(1),
    "milestones": several(whole(1)),
    "gamma": number(above=0),
    "num_classes": whole(0),
    "in_channels": _all(whole(1)),
    "out_channels": _all(whole(1)),
    "scale": _all(number(above=0) | one_of([-1])),
    "std": _all(number(0)),
    "strides": _all(number(above=0)),
    "scales": _all(number(above=0)),
    "ratios": _all(number(above=0)),
    "target_stds": _list(number(above=0)),
    "featmap_strides": _list(number(above=0)),
}


def range_of(name: str, value: object, default: object = None) -> Kind | None:
    """What ``value`` must be, where it is made of numbers or stands for one.

    Args:
        default: the constructor's; where that is a number, None stands for one.
    """
    stands = _of_numbers(value) or (value is None and type(default) in (int, float))
    return RANGES.get(name) if stands else None


def _of_numbers(value: object) -> bool:
    if isinstance(value, Sequence) and not isinstance(value, str):
        return all(map(_of_numbers, value))
    return isinstance(value, bool | int | float | str)


#: Kinds of values that are told apart, and their words.
_WORDS = {
    bool: "True or False",
    int: "a whole number",
    float: "a number",
    str: "a text",
    list: "a list",
    dict: "a dictionary",
}


def foreign_kind(hint: object, default: object = inspect.Parameter.empty) -> Kind | None:
    """What an argument that is not ours may be; None where nothing is known of it.

    Annotations there are taken as hints: several numbers may stand for one and one for several,
    a number may be fractional, and None leaves out what has a default.

    Args:
        hint: the annotation.
        default: the constructor's, which speaks where there is no annotation.
    """
    known = _kinds_in(hint)
    if known is None and type(default) in (bool, int, float):
        known = {type(default)}
    if not known:
        return None
    words = " or ".join(text for kind, text in _WORDS.items() if kind in known)
    if default is not inspect.Parameter.empty and known != {bool}:
        known.add(types.NoneType)  # MMDetection's way to leave something out
    return Kind(words, lambda value: _is_of(value, known))


def _is_of(value: object, known: Collection[type]) -> bool:
    if value is None:
        return not known <= {bool, int, float}
    if isinstance(value, bool):
        return bool in known
    if isinstance(value, str):
        return str in known
    if isinstance(value, Mapping):
        return dict in known
    if isinstance(value, numbers.Real):
        return not known.isdisjoint((int, float, list)) and math.isfinite(value)
    if isinstance(value, list | tuple):
        if list in known:
            return True
        return bool(value) and known.isdisjoint((bool,)) and all(_is_of(v, known) for v in value)
    return True


def _kinds_in(hint: object) -> set[type] | None:
    """Which of ``_WORDS`` an annotation speaks of, and None's type; None: of others too."""
    origin = get_origin(hint)
    if origin in (typing.Union, types.UnionType):
        parts = list(map(_kinds_in, get_args(hint)))
        return None if None in parts else set().union(*parts)
    kind = origin or hint
    if not isinstance(kind, type):
        return None
    if kind in (bool, int, float, str, types.NoneType):
        return {kind}
    if kind in (numbers.Number, numbers.Real):
        return {float}
    if issubclass(kind, Mapping):
        return {dict}
    return {list} if issubclass(kind, Sequence) and not issubclass(kind, bytes) else None
