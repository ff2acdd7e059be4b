"""A path of a supernet as a network of its own: weights go by their names."""

import os
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path

from mmengine.logging import print_log
from mmengine.registry import WEIGHT_INITIALIZERS
from mmengine.runner.checkpoint import CheckpointLoader
from torch import Tensor, nn

from mmpanonas.checkpoints.files import check_checkpoint, latest_checkpoint
from mmpanonas.checkpoints.weights import (
    Fit,
    check_finite,
    describe_kind,
    held_choices,
    weights_of,
)
from mmpanonas.errors import InputError
from mmpanonas.values import checked


def path_weights(
    network: nn.Module, supernet: Mapping[str, Tensor], name: object = ""
) -> dict[str, Tensor]:
    """A whole state dict of a fixed network: of each of its weights the supernet's.

    Widths must be the supernet's: nothing is cut, repeated or left at random. (Those of an elastic
    supernet are cut by ``extract_path.py``, which builds it.)

    Args:
        network: the fixed one.
        supernet: a state dict that may hold more, such as the other operations of each layer.
        name: the supernet's, for messages.

    Raises:
        InputError: the supernet lacks a weight, has one in another shape, or one that is not
            finite.
    """
    own = network.state_dict()
    fit = Fit.of(own, supernet)
    if fit.missing:
        raise InputError(
            f"the supernet {name} lacks {len(fit.missing)} of the network's {len(own)} weights "
            f"({fit.missing[0]}, ...): it holds {describe_kind(held_choices(supernet))}, the "
            f"config builds {describe_kind(held_choices(own))}; give the supernet that the "
            f"architecture was searched in"
        )
    if fit.unlike:
        key, words = next(iter(fit.unlike.items()))
        raise InputError(
            f"the supernet {name} has {len(fit.unlike)} of the network's {len(own)} weights in "
            f"another shape or type ({key} is {words}): weights are neither cut nor repeated, so "
            f"give the network the supernet's widths and classes, as retrain_from_supernet.py "
            f"does; of an elastic supernet give what extract_path.py writes"
        )
    taken = OrderedDict((key, supernet.get(key, own[key])) for key in own)
    check_finite(taken, name)
    return taken


def supernet_file(place: str | os.PathLike) -> str:
    """The checkpoint that is meant: a file or URL itself, of a work dir its last one.

    Raises:
        InputError: there is none.
    """
    latest = latest_checkpoint(place) if Path(place).is_dir() else None
    check_checkpoint(latest or place)
    return str(latest or place)


@WEIGHT_INITIALIZERS.register_module(name="FromSupernet")
class FromSupernetInit:
    """Fill a whole network from the supernet that its architecture was searched in.

    Statistics of batch norms are the supernet's own, which training soon replaces; for a network
    that is to be tested as it is, ``tools/model_converters/extract_path.py`` measures the path's.

    Args:
        checkpoint: file, URL, or the work dir of the supernet's training.

    Raises:
        InputError: when called, if the file cannot be read or does not fill the network.
    """

    @checked
    def __init__(self, checkpoint: str) -> None:
        self.checkpoint = checkpoint

    def __call__(self, module: nn.Module) -> None:
        """Fill ``module``."""
        name = supernet_file(self.checkpoint)
        content = CheckpointLoader.load_checkpoint(name, "cpu", logger="silent")
        held = weights_of(content, name)
        taken = path_weights(module, held, name)
        module.load_state_dict(taken)
        print_log(f"all {len(taken)} weights from the supernet {name}, by name", logger="current")
