"""From the released weights to ours: every one used, or dropped for a reason."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from mmpanonas.convert.naming import Naming
from mmpanonas.errors import InputError

#: Where class 0 (background, or some thing) comes first: its rows, and whether they go last.
_FIRST_CLASS = {
    "roi_head.bbox_head.fc_cls.": (1, True),
    "roi_head.bbox_head.fc_reg.": (4, False),
    "roi_head.mask_head.conv_logits.": (1, False),
    "semantic_head.conv_logits.": (1, True),
}


@dataclass(frozen=True)
class Conversion:
    """A converted network.

    Attributes:
        state: our state dict.
        dropped: why a released weight, or rows of one, is not in it.
        filled: our weights that the file lacks and that have one possible value.
    """

    state: dict[str, Tensor]
    dropped: dict[str, str]
    filled: list[str]

    def report(self) -> str:
        """What was used, dropped and filled, a line each."""
        lines = [f"used     {len(self.state) - len(self.filled)} weights"]
        reasons = defaultdict(list)
        for name, reason in self.dropped.items():
            reasons[reason].append(name)
        lines += [f"dropped  {reason}: {', '.join(names)}" for reason, names in reasons.items()]
        if self.filled:
            lines.append(f"filled   {len(self.filled)} num_batches_tracked with 0")
        return "\n".join(lines)


def convert(
    state: Mapping[str, Tensor], target: Mapping[str, Tensor], naming: Naming
) -> Conversion:
    """Fill the network whose state dict is ``target`` (its shapes are read, no values).

    Raises:
        InputError: a weight of ours is missing in ``state``, one of its weights has no place,
            or shapes differ. All are counted in the one message.
    """
    ours, dropped, filled, used = {}, {}, [], set()
    problems = defaultdict(list)
    for key, like in target.items():
        name = naming.released(key)
        if name in state:
            used.add(name)
            ours[key] = _reorder(key, name, state[name], dropped)
            if ours[key].shape != like.shape:
                shapes = (tuple(shape) for shape in (ours[key].shape, like.shape))
                problems["of another shape"].append("{} {} for {}".format(name, *shapes))
        elif key.endswith(".num_batches_tracked"):  # read by no one: momenta are fixed
            ours[key] = torch.tensor(0)
            filled.append(key)
        else:
            problems["missing"].append(name)
    for name in state:
        if name not in used:
            reason = _why_dropped(name, naming)
            if reason:
                dropped[name] = reason
            else:
                problems["without a place"].append(name)
    if problems:
        found = "; ".join(
            f"{len(names)} {what} ({', '.join(names[:3])}{', ...' * (len(names) > 3)})"
            for what, names in problems.items()
        )
        raise InputError(f"its weights do not fit the network: {found}")
    return Conversion(ours, dropped, filled)


def _reorder(key: str, name: str, value: Tensor, dropped: dict[str, str]) -> Tensor:
    """A copy in our order of classes; what it leaves out goes to ``dropped``."""
    for prefix, (rows, goes_last) in _FIRST_CLASS.items():
        if key.startswith(prefix):
            if goes_last:
                return value.roll(-rows, 0)
            dropped[f"{name}[:{rows}]"] = "the background has no box and no mask here"
            value = value[rows:]
    return value.clone(memory_format=torch.contiguous_format)


def _why_dropped(name: str, naming: Naming) -> str | None:
    reasons = {
        f"{naming.fpn}fpn_inner1.": "a level that the released pyramid has and never runs",
        f"{naming.fpn}fpn_layer1.": "a level that the released pyramid has and never runs",
        "rpn.anchor_generator.cell_anchors.": "anchors, which the config makes",
        f"{naming.body}last_conv.": "ImageNet classifier",
        f"{naming.body}fc.": "ImageNet classifier",
    }
    return next((reason for start, reason in reasons.items() if name.startswith(start)), None)
