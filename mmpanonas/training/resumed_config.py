"""What the config of a resumed training says otherwise than that which its checkpoint holds.

MMEngine keeps the config in a checkpoint as text. It is read as data, and never run.
"""

import ast
import reprlib
from collections.abc import Iterator, Mapping

from mmpanonas.errors import InputError
from mmpanonas.options import literal

#: What decides how a network trains. Learning rate and schedules are compared where they are
#: built, classes where data sets are.
_DECIDE = ("model", "train_dataloader", "optim_wrapper", "train_cfg", "custom_hooks", "randomness")

#: Keys that are compared elsewhere, or change nothing in what is trained.
_ELSEWHERE = {
    "randomness.seed",
    "optim_wrapper.optimizer",
    "train_cfg.max_iters",
    "train_cfg.max_epochs",
    "train_cfg.val_begin",
    "train_cfg.val_interval",
    "train_cfg.dynamic_intervals",
    "train_dataloader.num_workers",
    "train_dataloader.persistent_workers",
    "train_dataloader.pin_memory",
    "train_dataloader.prefetch_factor",
}
_NOT_COMPARED = ("init_cfg", "pretrained", "metainfo")  # at any depth

#: What no half of a training can change: to go on would make a run that nothing reproduces.
_FIXED = {
    "default_hooks.fairness.seed": "the paths of the supernet",
    "train_cfg.type": "how the length of a training is counted",
}

#: So many differences are named.
_NAMED = 12

_ABSENT = object()
_SHORT = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxother = 60


def config_changes(there: object, here: str) -> list[str]:
    """Differences of two configs, a line each: ``optim_wrapper.type: 'A' there, 'B' here``.

    Args:
        there: the text in the checkpoint; anything else is a checkpoint that tells nothing.
        here: the text of this training's config.

    Raises:
        InputError: another seed, or a training that counts otherwise.
    """
    old, new = _sections(there), _sections(here)
    changed = []
    for name in sorted(old.keys() | new.keys()) if old else ():
        changed += _differences(old.get(name, _ABSENT), new.get(name, _ABSENT), name)
    for place, words in changed:
        if place in _FIXED:
            raise InputError(
                f"--resume: {place} decides {_FIXED[place]}, and is {words}: give the one of the "
                f"checkpoint (there), or choose another --work-dir for a new training"
            )
    said = [f"{place}: {words}" for place, words in changed]
    more = len(said) - _NAMED
    return said if more < 2 else [*said[:_NAMED], f"and {more} other keys of the config"]


def _sections(text: object) -> dict[str, object]:
    """Values by name, of those sections of a config's text that decide; none of unreadable text."""
    try:
        lines = ast.parse(text).body if isinstance(text, str) else []
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return {}
    found = {}
    for line in lines:
        if isinstance(line, ast.Assign) and isinstance(line.targets[0], ast.Name):
            name = line.targets[0].id
            if name in (*_DECIDE, "default_hooks"):
                found[name] = _value(line.value)
    hooks, loop = found.pop("default_hooks", None), found.get("train_cfg")
    if isinstance(hooks, dict) and isinstance(hooks.get("fairness"), dict):
        found["default_hooks.fairness"] = {"seed": 0, **hooks["fairness"]}  # the hook's default
    if isinstance(loop, dict) and "by_epoch" in loop:  # MMEngine's other way to name a loop
        kind = "EpochBasedTrainLoop" if loop.pop("by_epoch") else "IterBasedTrainLoop"
        loop.setdefault("type", kind)
    return found


def _value(node: ast.expr) -> object:
    """What an expression says; its text, where that is no plain data."""
    try:
        return literal(node)
    except (ValueError, TypeError, RecursionError, MemoryError):
        return ast.unparse(node)


def _differences(there: object, here: object, place: str) -> Iterator[tuple[str, str]]:
    """Places and words."""
    if place in _ELSEWHERE or place.endswith(_NOT_COMPARED):
        return
    both = (there, here)
    if all(isinstance(each, Mapping) for each in both):
        kinds = there.get("type", _ABSENT), here.get("type", _ABSENT)
        of_one_kind = kinds[0] == kinds[1]
        for key in sorted(there.keys() | here.keys(), key=str) if of_one_kind else ["type"]:
            old, new = there.get(key, _ABSENT), here.get(key, _ABSENT)
            name = key if str(key).isidentifier() else repr(key)
            yield from _differences(old, new, f"{place}.{name}")
    elif all(isinstance(each, list | tuple) for each in both) and _holds_more(there, here):
        for number, pair in enumerate(zip(there, here, strict=True)):
            yield from _differences(*pair, f"{place}[{number}]")
    elif _plain(there) != _plain(here):
        yield place, f"{_words(there)} there, {_words(here)} here"


def _holds_more(there: list | tuple, here: list | tuple) -> bool:
    """Whether two lists are to be compared entry by entry."""
    return len(there) == len(here) and any(isinstance(e, Mapping | list) for e in [*there, *here])


def _plain(value: object) -> object:
    return list(value) if isinstance(value, tuple) else value


def _words(value: object) -> str:
    if value is _ABSENT:
        return "absent"
    if isinstance(value, Mapping) and "type" in value:
        return f"a {_SHORT.repr(value['type'])}"
    return _SHORT.repr(value)
