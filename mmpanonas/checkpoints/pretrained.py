"""What a network starts from: pretrained weights, of which it says what it did not take."""

import logging
from collections import Counter
from collections.abc import Iterable, Mapping

from mmengine.logging import print_log
from mmengine.model import PretrainedInit, update_init_info
from mmengine.registry import WEIGHT_INITIALIZERS
from mmengine.runner.checkpoint import CheckpointLoader
from torch import Tensor, nn

import mmpanonas.checkpoints.reading  # noqa: F401  (pretrained weights are read as data)
from mmpanonas.checkpoints.files import check_checkpoint
from mmpanonas.checkpoints.weights import (
    Fit,
    check_finite,
    describe_kind,
    held_choices,
    take_what_fits,
    weights_of,
)
from mmpanonas.errors import InputError
from mmpanonas.values import checked


@WEIGHT_INITIALIZERS.register_module(name="Pretrained", force=True)
class SayingPretrainedInit(PretrainedInit):
    """MMEngine's ``Pretrained``, which says in one line what it did not take.

    MMEngine's own warns where nothing fits, key by key, and the network stays random.

    Raises:
        InputError: when called, if the file cannot be read, nothing of it fits, or what fits
            is not finite.
    """

    def __call__(self, module: nn.Module) -> None:
        """Fill ``module`` with what fits."""
        check_checkpoint(self.checkpoint if isinstance(self.checkpoint, str) else None)
        content = CheckpointLoader.load_checkpoint(self.checkpoint, self.map_location)
        prefix = f"{self.prefix.removesuffix('.')}." if self.prefix else ""
        held = weights_of(content, self.checkpoint)
        file = {k.removeprefix(prefix): v for k, v in held.items() if k.startswith(prefix)}
        if not file:
            raise InputError(
                f"init_cfg: nothing in {self.checkpoint} begins with prefix={self.prefix!r}: it "
                f"holds {_summary(held)}"
            )
        name = f"{self.checkpoint} ({type(module).__name__}'s init_cfg)"
        taken, line = take_what_fits(module, file, name)
        module.load_state_dict(taken)
        if line:
            print_log(f"init_cfg: {line}", logger="current", level=logging.WARNING)
        if hasattr(module, "_params_init_info"):
            update_init_info(module, self._get_init_info())


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

    @checked
    def __init__(self, checkpoint: str, prefix: str = "backbone.") -> None:
        super().__init__(checkpoint, prefix)

    def __call__(self, module: nn.Module) -> None:
        """Fill ``module``."""
        check_checkpoint(self.checkpoint)
        content = CheckpointLoader.load_checkpoint(self.checkpoint, self.map_location)
        file = weights_of(content, self.checkpoint)
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
        fit = Fit.of(here, file)
        if not any(key in file for key in here):
            raise InputError(
                f"{self.checkpoint} holds none of the backbone's weights ({fit.missing[0]}, ...) "
                f"but {_summary(file)}"
            )
        if fit.missing:
            raise InputError(
                f"{self.checkpoint} lacks {len(fit.missing)} of the backbone's {len(here)} weights "
                f"({fit.missing[0]}, ...): it holds {describe_kind(held_choices(file))}, the "
                f"config builds {describe_kind(held_choices(here))}; give the checkpoint of a "
                f"backbone that has all operations of this one"
            )
        for key, words in fit.unlike.items():
            raise InputError(
                f"{self.checkpoint} does not fit: {key} is {words}; give the checkpoint of a "
                f"backbone that has the same channels"
            )
        check_finite({key: file[key] for key in here if key in file}, self.checkpoint)


def _summary(names: Iterable[str]) -> str:
    """How many of the names start with which module."""
    counts = Counter(name.split(".")[0] for name in names)
    return ", ".join(f"{count} of {top}" for top, count in counts.items()) or "nothing"
