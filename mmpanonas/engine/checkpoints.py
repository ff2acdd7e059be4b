"""Checkpoint files: whole ones, of which kind of network, and pretrained weights."""

import os
import re
import zipfile
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

from mmengine.logging import print_log
from mmengine.model import PretrainedInit, update_init_info
from mmengine.registry import WEIGHT_INITIALIZERS
from mmengine.runner.checkpoint import CheckpointLoader
from torch import Tensor, nn

from mmpanonas.errors import InputError
from mmpanonas.space import PART_CHOICES


def check_checkpoint(path: str | os.PathLike | None) -> None:
    """Raise ``InputError`` if the file is absent, no checkpoint, or cut short.

    A URL or None passes.
    """
    if not path or "://" in str(path):
        return
    if not Path(path).is_file():
        raise InputError(f"checkpoint {path} does not exist")
    with open(path, "rb") as file:
        start = file.read(2)
    if start == b"PK":
        if not zipfile.is_zipfile(path):
            raise InputError(f"checkpoint {path} is cut short: copy it again, or take an older one")
    elif start[:1] != b"\x80":  # PyTorch's older format, a pickle
        raise InputError(f"{path} is no checkpoint: expected a file that torch.save wrote")


class CheckpointKindError(InputError):
    """A checkpoint of another kind of network, or of another architecture."""


#: A searched layer's key: everything before, the choice, everything behind.
_CHOICE_KEY = re.compile(
    r"^(?:module\.)?(.*?)\.("
    + "|".join(sorted({c for p in PART_CHOICES.values() for c in p}))
    + r")\."
)


def held_choices(keys) -> dict[str, set[str]]:
    """The operations that a state dict holds for each searched layer, by the layer's name."""
    held: dict[str, set[str]] = {}
    for key in keys:
        match = _CHOICE_KEY.match(key)
        if match:
            held.setdefault(match[1], set()).add(match[2])
    return held


def check_kind(model: nn.Module, state: Mapping, name: object = "") -> None:
    """Compare the operations that ``state`` holds for every searched layer with the model's.

    Raises:
        CheckpointKindError: they differ; ``name`` is the checkpoint's in the message.
    """
    ours, theirs = held_choices(model.state_dict()), held_choices(state)
    if ours != theirs:
        raise CheckpointKindError(
            f"the checkpoint {name} holds {describe_kind(theirs)}, but this config "
            f"builds {describe_kind(ours)}: give the checkpoint that was trained with this kind of "
            f"config (supernet for a search; retraining for a test of the retrained network)"
        )


def describe_kind(held: dict[str, set[str]]) -> str:
    """What kind of network holds these operations, in words."""
    if not held:
        return "a network without searched layers"
    counts = {len(choices) for choices in held.values()}
    if counts == {1}:
        first = ", ".join(next(iter(choices)) for choices in list(held.values())[:3])
        return f"a fixed network of {len(held)} searched layers ({first}, ...)"
    return f"a supernet of {len(held)} searched layers"


@WEIGHT_INITIALIZERS.register_module(name="PretrainedBackbone")
class PretrainedBackboneInit(PretrainedInit):
    """Fill a backbone from a checkpoint that has all its weights, and log what was loaded.

    MMEngine's ``Pretrained`` loads what happens to fit. Here the file may hold more (a
    classifier, a detector, the other operations of a supernet) but not less, and no other shape.

    Args:
        checkpoint: file or URL.
        prefix: what the backbone's names start with in the file.

    Raises:
        InputError: when called, if the file cannot be read or does not fill the backbone.
    """

    def __init__(self, checkpoint: str, prefix: str = "backbone.") -> None:
        super().__init__(checkpoint, prefix)

    def __call__(self, module: nn.Module) -> None:
        """Fill ``module``."""
        check_checkpoint(self.checkpoint)
        file = CheckpointLoader.load_checkpoint(self.checkpoint, self.map_location)
        file = file.get("state_dict", file)
        here = {self.prefix + key: value for key, value in module.state_dict().items()}
        self._check(here, file)
        taken = {k.removeprefix(self.prefix): v for k, v in file.items() if k in here}
        module.load_state_dict(taken, strict=False)
        print_log(
            f"{type(module).__name__}: all {len(here)} weights loaded from {self.checkpoint}, "
            f"which holds {describe_kind(held_choices(file))}; in the file and not loaded: "
            f"{_summary(key for key in file if key not in here)}",
            logger="current",
        )
        if hasattr(module, "_params_init_info"):
            update_init_info(module, self._get_init_info())

    def _check(self, here: Mapping[str, Tensor], file: Mapping[str, Tensor]) -> None:
        """Raise ``InputError`` unless each weight of ``here`` is in the file, in its shape."""
        # How many batches a norm has seen is of use to no fixed momentum, and old files lack it.
        missing = [k for k in here if k not in file and not k.endswith("num_batches_tracked")]
        if not any(key in file for key in here):
            raise InputError(
                f"{self.checkpoint} holds none of the backbone's weights ({missing[0]}, ...) but "
                f"{_summary(file)}"
            )
        if missing:
            raise InputError(
                f"{self.checkpoint} lacks {len(missing)} of the backbone's {len(here)} weights "
                f"({missing[0]}, ...): it holds {describe_kind(held_choices(file))}, the config "
                f"builds {describe_kind(held_choices(here))}; give the checkpoint of a backbone "
                f"that has all operations of this one"
            )
        for key, value in here.items():
            if key in file and value.shape != file[key].shape:
                raise InputError(
                    f"{self.checkpoint} does not fit: {key} is {tuple(file[key].shape)} there and "
                    f"{tuple(value.shape)} here; give the checkpoint of a backbone that has the "
                    f"same channels"
                )


def _summary(names: Iterable[str]) -> str:
    """How many of the names start with which module."""
    counts = Counter(name.split(".")[0] for name in names)
    return ", ".join(f"{count} of {top}" for top, count in counts.items()) or "nothing"
