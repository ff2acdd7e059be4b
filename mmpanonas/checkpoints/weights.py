"""Does a checkpoint hold the weights of this network, all of them and no others?"""

import re
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from mmpanonas.errors import InputError
from mmpanonas.space import OPERATIONS


class CheckpointKindError(InputError):
    """A checkpoint of another kind of network, of another architecture, or of other widths."""


_WHOLE = {torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64}

#: What wrappers (of ranks, of averages, of compiled models) put before a weight's name.
_WRAPPER = re.compile(r"^(?:module\.|_orig_mod\.)+")


def weights_of(content: object, name: object = "") -> dict[str, Tensor]:
    """The weights in a checkpoint's content by their names, without the prefixes of wrappers.

    Args:
        content: a state dict, or a dictionary that holds one as ``state_dict``.
        name: the checkpoint's, for messages.

    Raises:
        InputError: it holds none, or something else among them.
    """
    expected = "expected weights by their names, alone or as 'state_dict'"
    if not isinstance(content, Mapping):
        raise InputError(
            f"checkpoint {name} holds a {_kind(content)}, not a state dict; {expected}"
        )
    state = content.get("state_dict", content)
    if not isinstance(state, Mapping):
        raise InputError(f"checkpoint {name}: its state_dict is a {_kind(state)}; {expected}")
    if not state:
        raise InputError(f"checkpoint {name} holds no weights at all; {expected}")
    found: dict[str, Tensor] = OrderedDict()
    for key, value in state.items():
        if not isinstance(key, str) or not isinstance(value, Tensor):
            raise InputError(f"checkpoint {name} holds {key!r}, a {_kind(value)}; {expected}")
        bare = _WRAPPER.sub("", key)
        if bare in found:
            raise InputError(f"checkpoint {name} holds {bare} twice, with and without a wrapper")
        found[bare] = value
    if hasattr(state, "_metadata"):
        found._metadata = state._metadata
    return found


def which_weights(content: object, name: object = "") -> str:
    """A sentence where a checkpoint holds two sets of weights: which is taken; else ""."""
    if not isinstance(content, Mapping) or "ema_state_dict" not in content:
        return ""
    return (
        f"{name} was written with EMAHook: the averaged weights are taken (state_dict), not those "
        f"that were trained (ema_state_dict)"
    )


@dataclass(frozen=True)
class Fit:
    """How the weights of a file and of a network compare, by their names.

    Attributes:
        total: of the network.
        missing: the network's that the file lacks. How many batches a norm has seen is none:
            it is of use to no fixed momentum, and old files lack it.
        left_over: the file's that the network has not.
        unlike: in both, but of another shape or kind of number, with the words for it.
    """

    total: int
    missing: list[str] = field(default_factory=list)
    left_over: list[str] = field(default_factory=list)
    unlike: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, network: Mapping[str, Tensor], file: Mapping[str, Tensor]) -> "Fit":
        """Compare two state dicts."""
        unlike = {k: _unlike(file[k], network[k]) for k in network if k in file}
        return cls(
            len(network),
            [k for k in network if k not in file and not k.endswith("num_batches_tracked")],
            [k for k in file if k not in network],
            {key: words for key, words in unlike.items() if words},
        )

    @property
    def words(self) -> str:
        """What does not fit, by module; "" if all does."""
        parts = []
        if self.missing:
            parts.append(
                f"it lacks {len(self.missing)} of {self.total} weights, {by_module(self.missing)}"
            )
        if self.left_over:
            count = len(self.left_over)
            parts.append(f"it holds {count} that are not here, {by_module(self.left_over)}")
        if self.unlike:
            key, words = next(iter(self.unlike.items()))
            parts.append(
                f"{len(self.unlike)} are of another shape or type, {by_module(self.unlike)}: {key} "
                f"is {words}"
            )
        return "; ".join(parts)


def check_weights(
    model: nn.Module, file: Mapping[str, Tensor], name: object = "", fit: Fit | None = None
) -> None:
    """Raise ``CheckpointKindError`` unless ``file`` is a state dict of ``model``, and finite.

    ``name`` is the checkpoint's in the message.
    """
    network = model.state_dict()
    words = (fit or Fit.of(network, file)).words
    ours, theirs = (describe_kind(held_choices(state)) for state in (network, file))
    kinds = f"holds {theirs}, but this config builds {ours}" if ours != theirs else ""
    if words:
        raise CheckpointKindError(
            f"the checkpoint {name} {kinds or 'does not fit the config'}: {words}. Give the one "
            f"that was trained with this kind of config (supernet for a search; retraining for a "
            f"test of the retrained network), its architecture and its classes"
        )
    check_finite(file, name)


def check_finite(file: Mapping[str, Tensor], name: object = "") -> None:
    """Raise ``InputError`` if a weight is NaN or infinite."""
    bad = not_finite(file)
    if bad:
        raise InputError(
            f"the checkpoint {name} holds NaN or infinite values in {len(bad)} of {len(file)} "
            f"weights, {by_module(bad)}: it was written after a training went astray; take an "
            f"older one"
        )


def not_finite(state: Mapping[str, Tensor]) -> list[str]:
    """The names of the weights that hold NaN or infinity."""
    return [
        key
        for key, value in state.items()
        if value.is_floating_point() and not value.isfinite().all()
    ]


def take_what_fits(
    model: nn.Module, file: Mapping[str, Tensor], name: object = ""
) -> tuple[dict[str, Tensor], str]:
    """For fine-tuning: a whole state dict of ``model`` with all that fits from ``file``.

    Returns:
        it, and one line that says what was not taken, or "" if all was.

    Raises:
        InputError: nothing fits, or a value is not finite.
    """
    network = model.state_dict()
    fit = Fit.of(network, file)
    taken = {k: v for k, v in file.items() if k in network and k not in fit.unlike}
    if not taken:
        raise InputError(f"nothing of the checkpoint {name} fits: {fit.words}")
    check_finite(taken, name)
    line = fit.words and f"{len(taken)} of {fit.total} weights from {name}, the rest: {fit.words}"
    return OrderedDict(network | taken), line


def held_choices(keys: Iterable[str]) -> dict[str, set[str]]:
    """The operations that a state dict holds for each searched layer, by the layer's name."""
    held: dict[str, set[str]] = {}
    for key in keys:
        words = key.split(".")
        place = next((i for i, word in enumerate(words[:-1]) if i and word in OPERATIONS), None)
        if place is not None:
            held.setdefault(".".join(words[:place]), set()).add(words[place])
    return held


def describe_kind(held: dict[str, set[str]]) -> str:
    """What kind of network holds these operations, in words."""
    if not held:
        return "a network without searched layers"
    counts = {len(choices) for choices in held.values()}
    if counts == {1}:
        first = ", ".join(next(iter(choices)) for choices in list(held.values())[:3])
        return f"a fixed network of {len(held)} searched layers ({first}, ...)"
    return f"a supernet of {len(held)} searched layers"


def by_module(names: Iterable[str]) -> str:
    """Counts of names and a first one for each module that they lie in."""
    places: dict[str, list[str]] = {}
    for name in names:
        match = re.match(r"(?:roi_head\.)?[^.]+", name)
        places.setdefault(match[0] if match else name, []).append(name)
    return ", ".join(
        f"{len(inside)} of {module} ({inside[0]}{', ...' * (len(inside) > 1)})"
        for module, inside in places.items()
    )


def _kind(value: object) -> str:
    if not isinstance(value, Mapping):
        return type(value).__name__
    return f"dictionary of {', '.join(map(str, [*value][:3])) or 'nothing'}"


def _unlike(theirs: Tensor, ours: Tensor) -> str:
    """In which way a value of the file cannot stand in the network's place, or ""."""
    if theirs.shape != ours.shape:
        return f"{tuple(theirs.shape)} there and {tuple(ours.shape)} here"
    plain = theirs.layout == torch.strided and not theirs.is_quantized and not theirs.is_meta
    if plain and _number(theirs) == _number(ours):
        return ""
    kind = f"{str(theirs.dtype)[6:]}{'' if plain else ' without plain values'}"
    return f"{kind} there and {str(ours.dtype)[6:]} here"


def _number(values: Tensor) -> str:
    """Half precision fills single precision well; a whole number stands for no real one."""
    if values.dtype in (torch.float16, torch.bfloat16, torch.float32, torch.float64):
        return "real"
    return "whole" if values.dtype in _WHOLE else str(values.dtype)
