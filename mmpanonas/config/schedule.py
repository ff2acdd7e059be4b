"""The length of a training: what moves with it, and what would not happen within it."""

import math
from collections.abc import Iterator, Mapping, MutableMapping

from mmengine.hooks import CheckpointHook, LoggerHook

from mmpanonas.config.judge.kinds import hooks_of
from mmpanonas.errors import ConfigError

#: Arguments of MMEngine's schedulers that are points or lengths in time.
_POINTS = ("begin", "end", "T_max", "step_size", "total_steps")
_LISTS = ("milestones", "periods")


def follow_max_iters(base: MutableMapping, new: object) -> None:
    """Train for ``new`` iterations: every point of an inherited schedule moves in proportion.

    Those are ``train_cfg.val_interval`` and ``dynamic_intervals``, all points of schedulers that
    count iterations, and the interval of checkpoints; they are rounded up, the last one so that
    it stays a multiple of what divided it and the length (a window of paths is never cut). The
    log's interval is at most the length.

    Raises:
        ConfigError: ``new`` is no positive integer.
    """
    if type(new) is not int or new < 1:
        raise ConfigError(f"max_iters: expected a positive number of iterations, got {new!r}")
    loop = base.get("train_cfg") or {}
    old = loop.get("max_iters")
    if not old:
        return

    def moved(point: int) -> int:
        return -(-point * new // old)

    loop["max_iters"] = new
    if "val_interval" in loop:
        loop["val_interval"] = moved(loop["val_interval"])
    if loop.get("dynamic_intervals"):
        loop["dynamic_intervals"] = [(moved(a), moved(b)) for a, b in loop["dynamic_intervals"]]
    for _, scheduler in schedulers_of(base):
        if not scheduler.get("by_epoch", True):
            for key in scheduler.keys() & {*_POINTS}:
                scheduler[key] = moved(scheduler[key])
            for key in scheduler.keys() & {*_LISTS}:
                scheduler[key] = [moved(point) for point in scheduler[key]]
    for _, hook in hooks_of(base, CheckpointHook):
        if not hook.get("by_epoch", True) and hook.get("interval", -1) > 0:
            unit = math.gcd(hook["interval"], new)
            hook["interval"] = -(-moved(hook["interval"]) // unit) * unit
    for _, hook in hooks_of(base, LoggerHook):
        hook["interval"] = min(hook.get("interval", 10), new)


def check_length(cfg: Mapping) -> None:
    """Raise ``ConfigError`` if a key ``max_iters`` has no schedule to move."""
    if "max_iters" in cfg and not (cfg.get("train_cfg") or {}).get("max_iters"):
        raise ConfigError("max_iters: this config has no train_cfg.max_iters to change")


def schedulers_of(cfg: Mapping) -> Iterator[tuple[str, dict]]:
    """Places and configs of the schedulers: one, a list, or lists of several optimizers."""

    def within(place: str, node: object) -> Iterator[tuple[str, dict]]:
        if isinstance(node, Mapping) and "type" in node:
            yield place, node
        elif isinstance(node, Mapping | list | tuple):
            items = node.items() if isinstance(node, Mapping) else enumerate(node)
            for key, item in items:
                yield from within(f"{place}.{key}", item)

    return within("param_scheduler", cfg.get("param_scheduler"))
