"""A network of the same cost that nobody searched: all widths of a model scaled alike."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import pairwise

import numpy as np
from mmengine.config import Config, ConfigDict

from mmpanonas.errors import InputError
from mmpanonas.space import NetworkShape

#: Factors that are tried: a hundredth apart, from a fifth to fivefold.
FACTORS = np.exp(np.arange(-np.log(5), np.log(5), 0.01))
#: How far the cost may be from what was asked for, as a share of it.
TOLERANCE = 0.15


def merged(model: Mapping, keys: Mapping) -> ConfigDict:
    """The model's config with other ``keys``, as a config that inherits would have them."""
    config = Config(dict(model=model))
    config.merge_from_dict(dict(model=keys))
    return config.model


def scaled_widths(model: Mapping, factor: float) -> dict:
    """The keys of all widths, times ``factor``: backbone, pyramid and what reads it.

    The backbone's are rounded to even numbers, the others to multiples of the groups of the
    pyramid's norm layers.
    """
    groups = model["neck"]["norm_cfg"]["num_groups"]

    def rounded(width: int, multiple: int) -> int:
        return multiple * max(1, round(factor * width / multiple))

    pyramid = rounded(model["neck"]["out_channels"], groups)
    shape = replace(
        NetworkShape.of_model(model),
        channels=tuple(rounded(width, 2) for width in model["backbone"]["channels"]),
        neck_channels=pyramid,
        rpn_channels=pyramid,
        mask_channels=rounded(model["roi_head"]["mask_head"]["conv_out_channels"], groups),
        semantic_channels=rounded(model["semantic_head"]["channels"], groups),
    )
    return shape.model_keys(model)


def widths_of_cost(model: Mapping, cost: Callable[[Mapping], float], target: float) -> dict:
    """Those scaled widths whose network costs nearest to ``target``.

    Raises:
        InputError: even the nearest is more than ``TOLERANCE`` away.
    """
    tried = {str(keys): keys for keys in (scaled_widths(model, f) for f in FACTORS)}
    able = [
        keys
        for keys in tried.values()
        if all(a < b for a, b in pairwise(keys["backbone"]["channels"]))
    ]
    costs = [cost(merged(model, keys)) for keys in able]
    place = int(np.argmin(np.abs(np.array(costs) - target)))
    if abs(costs[place] - target) > TOLERANCE * target:
        raise InputError(
            f"no width of the baseline costs about {target:,.0f}, the nearest {costs[place]:,.0f}"
        )
    return able[place]
