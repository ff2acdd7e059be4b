"""The forms that MMEngine takes: which mean the same, and which would silently do nothing."""

from collections.abc import Mapping

from mmdet.datasets.samplers import MultiSourceSampler
from mmengine.config import Config
from mmengine.dataset import InfiniteSampler
from mmengine.hooks import CheckpointHook, EarlyStoppingHook
from mmengine.registry import DATA_SAMPLERS, LOOPS
from mmengine.runner import EpochBasedTrainLoop, IterBasedTrainLoop

from mmpanonas.config.judge.kinds import hooks_of, is_kind
from mmpanonas.config.schedule import schedulers_of
from mmpanonas.errors import ConfigError

#: The hooks that MMEngine adds itself, and leaves out where the config says None.
_OWN_HOOKS = {
    "runtime_info",
    "timer",
    "sampler_seed",
    "logger",
    "param_scheduler",
    "checkpoint",
}

#: What MMEngine wants together or not at all.
_TOGETHER = (
    ("train_dataloader", "train_cfg", "optim_wrapper"),
    ("val_dataloader", "val_cfg", "val_evaluator"),
    ("test_dataloader", "test_cfg", "test_evaluator"),
)


def settle_hooks(cfg: Config) -> None:
    """Leave out hooks that are None; a list of one hook may be given as that hook.

    Raises:
        ConfigError: the default hooks have no names.
    """
    named = cfg.get("default_hooks")
    if named is not None and not isinstance(named, Mapping):
        raise ConfigError(
            "default_hooks: expected a dictionary, each hook by its name; a list of hooks "
            "belongs into custom_hooks"
        )
    for name in [name for name, hook in (named or {}).items() if hook is None]:
        if name not in _OWN_HOOKS:
            del named[name]
    custom = cfg.get("custom_hooks")
    if isinstance(custom, Mapping):
        if "type" not in custom:
            raise ConfigError(
                "custom_hooks: expected a list of hooks; hooks by name belong into default_hooks"
            )
        cfg.custom_hooks = [custom]


def check_forms(cfg: Config) -> None:
    """Raise ``ConfigError`` for what MMEngine would fail at late, or pass over in silence."""
    for keys in _TOGETHER:
        there = [key for key in keys if cfg.get(key) not in (None, [])]
        if there and len(there) < len(keys):
            lacking = ", ".join(key for key in keys if key not in there)
            raise ConfigError(
                f"{', '.join(there)} without {lacking}: give all of {', '.join(keys)}, or set all "
                f"to None"
            )
    if cfg.get("train_cfg"):
        _check_counting(cfg)
    for place, hook in hooks_of(cfg, CheckpointHook):
        best = hook.get("save_best")
        if best and not hook.get("rule") and (best == "auto" or "panoptic" in str(best)):
            raise ConfigError(f"{place}.save_best={best!r} needs rule='greater' beside it")
    if not cfg.get("val_cfg"):
        _check_without_validation(cfg)


def _check_counting(cfg: Config) -> None:
    """What counts epochs in a training that counts iterations, and epochs that never end."""
    scope, loop = cfg.get("default_scope"), cfg.train_cfg
    by_epoch = loop.get("by_epoch")
    sampler = cfg.train_dataloader.get("sampler") or {}
    if by_epoch or is_kind(loop, EpochBasedTrainLoop, LOOPS, scope):
        if is_kind(sampler, InfiniteSampler | MultiSourceSampler, DATA_SAMPLERS, scope):
            raise ConfigError(
                f"train_cfg counts epochs, which never end with train_dataloader.sampler "
                f"{_name(sampler)}: take dict(type='DefaultSampler', shuffle=True)"
            )
        return
    if by_epoch is None and not is_kind(loop, IterBasedTrainLoop, LOOPS, scope):
        return  # a loop of the user's own
    advice = "set by_epoch=False and count iterations, as train_cfg does"
    for place, scheduler in schedulers_of(cfg):
        if scheduler.get("by_epoch", True) and not scheduler.get("convert_to_iter_based"):
            raise ConfigError(
                f"{place} counts epochs (MMEngine's default) and would wait: {advice}"
            )
    for place, hook in hooks_of(cfg, CheckpointHook):
        if hook.get("by_epoch", True) and hook.get("interval", -1) > 0:
            raise ConfigError(
                f"{place} counts epochs (MMEngine's default) and would wait: {advice}"
            )


def _check_without_validation(cfg: Config) -> None:
    for place, hook in hooks_of(cfg, CheckpointHook):
        if hook.get("save_best"):
            raise ConfigError(f"{place}.save_best needs a validation: val_cfg is None")
    for place, _ in hooks_of(cfg, EarlyStoppingHook):
        raise ConfigError(f"{place} needs a validation to stop early: val_cfg is None")


def _name(node: Mapping) -> str:
    kind = node.get("type")
    return kind if isinstance(kind, str) else kind.__name__
