"""Checkpoint files: whole ones, and pretrained weights of which every one must arrive."""

import zipfile
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

from mmengine.logging import print_log
from mmengine.model import PretrainedInit, update_init_info
from mmengine.registry import WEIGHT_INITIALIZERS
from mmengine.runner.checkpoint import CheckpointLoader
from torch import Tensor, nn

from mmpanonas.engine.hooks import describe_kind, held_choices
from mmpanonas.errors import InputError


def check_checkpoint(path: str | None) -> None:
    """Raise ``InputError`` if the file is absent or was cut short; a URL or None passes."""
    if not path or "://" in path:
        return
    if not Path(path).is_file():
        raise InputError(f"checkpoint {path} does not exist")
    with open(path, "rb") as file:
        is_archive = file.read(2) == b"PK"
    if is_archive and not zipfile.is_zipfile(path):
        raise InputError(f"checkpoint {path} is cut short: copy it again, or take an older one")


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
