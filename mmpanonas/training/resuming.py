"""A training that goes on from a checkpoint: what its config asks for now wins, by name."""

import warnings
from collections.abc import Iterator, Mapping, Sequence

from mmengine.optim import OptimWrapper
from mmengine.runner import EpochBasedTrainLoop, Runner

from mmpanonas.errors import InputError
from mmpanonas.training.resumed_config import config_changes

#: Of a scheduler's state: how far it is. All else is what the config says.
_PROGRESS = {"last_step", "_global_step", "_last_value", "verbose"}

#: Settings that PyTorch's optimizers have got over the years.
_NEWER = {"foreach", "capturable", "differentiable", "fused", "maximize", "decoupled_weight_decay"}


def check_resumable(checkpoint: Mapping, name: object = "") -> None:
    """Raise ``InputError`` unless a training can go on from the checkpoint's content."""
    meta = checkpoint.get("meta")
    known = meta if isinstance(meta, Mapping) else {}
    lacking = [f"meta.{key}" for key in ("epoch", "iter") if not isinstance(known.get(key), int)]
    lacking += [key for key in ("message_hub", "optimizer") if key not in checkpoint]
    if lacking:
        raise InputError(
            f"--resume: the checkpoint {name} lacks {', '.join(lacking)}, so no training can go on "
            f"from it; to begin another one with its weights, give load_from={name}"
        )


def resume_as_configured(runner: Runner, checkpoint: dict) -> str:
    """Let the config win over the one that the checkpoint was written with, and say where.

    Data, model, batches, learning rate, schedule and length are this config's. To be called when
    optimizer and schedulers are built and not yet loaded. Where these differ from the
    checkpoint's, its are replaced by what the config would have made of them at that iteration;
    the optimizer keeps its momenta.

    Returns:
        what differs, or "".

    Raises:
        InputError: it cannot win: another optimizer, another seed, a shorter length than has
            been trained, or one counted otherwise.
    """
    meta = checkpoint["meta"]
    _check_seed(runner, meta)
    changed = config_changes(meta.get("cfg"), runner.cfg.pretty_text)
    changed += _length(runner, checkpoint)
    wrapper = runner.optim_wrapper
    if isinstance(wrapper, OptimWrapper) and isinstance(runner.param_schedulers, list | None):
        changed += _schedule(runner, checkpoint)
    return "; ".join(changed)


def _check_seed(runner: Runner, meta: Mapping) -> None:
    there, here = meta.get("seed"), runner._randomness_cfg.get("seed")
    if None not in (there, here) and there != here:
        raise InputError(
            f"--resume: randomness.seed is {here}, but the training that goes on has {there}: give "
            f"that one, or choose another --work-dir for a new training"
        )


def _length(runner: Runner, checkpoint: Mapping) -> Iterator[str]:
    """What the length of the training was and is."""
    info = checkpoint["message_hub"]
    info = info.get("runtime_info", {}) if isinstance(info, Mapping) else {}
    key = "epoch" if isinstance(runner.train_loop, EpochBasedTrainLoop) else "iter"
    name, done = f"max_{key}s", checkpoint["meta"][key]
    here, there = getattr(runner.train_loop, name), info.get(f"max_{key}s")
    if done > here:
        raise InputError(
            f"--resume: {done} {key}s are trained, more than train_cfg.{name}={here}: raise it, or "
            f"take an older checkpoint"
        )
    if there not in (None, here):
        yield f"train_cfg.{name}: {there} there, {here} here"
    if done == here:
        yield f"nothing is left to train: {done} of train_cfg.{name}={here} are done"


def _schedule(runner: Runner, checkpoint: dict) -> list[str]:
    """Differences of optimizer and schedulers; the checkpoint is made the config's by the way."""
    here = runner.optim_wrapper.optimizer.param_groups
    there = checkpoint["optimizer"].get("param_groups", [])
    schedulers = runner.param_schedulers or []
    states = checkpoint.get("param_schedulers") or []
    _check_optimizer(here, there)
    changed = list(dict.fromkeys(_group_changes(here, there)))
    changed += list(_scheduler_changes([s.state_dict() for s in schedulers], states))
    if changed:
        _replay(schedulers, checkpoint["meta"])
        for old, new in zip(there, here, strict=True):
            old |= {key: value for key, value in new.items() if key != "params"}
        if runner.optim_wrapper.base_param_settings is not None:
            checkpoint["optimizer"]["base_param_settings"] = (
                runner.optim_wrapper.base_param_settings
            )
        checkpoint["param_schedulers"] = [s.state_dict() for s in schedulers]
    return changed


def _check_optimizer(here: Sequence[dict], there: Sequence[dict]) -> None:
    problem = ""
    if len(here) != len(there):
        problem = f"{len(there)} groups of parameters there, {len(here)} here"
    for ours, theirs in zip(here, there, strict=False):
        odd = sorted(_settings(ours) ^ _settings(theirs))
        if odd:
            problem = f"another optimizer: {', '.join(odd)} is known to one of them alone"
        elif len(ours["params"]) != len(theirs["params"]):
            problem = f"{len(theirs['params'])} parameters there, {len(ours['params'])} here"
    if problem:
        raise InputError(
            f"--resume: optim_wrapper differs from the checkpoint's ({problem}), and its momenta "
            f"would be of no use; to begin anew with its weights give load_from instead"
        )


def _settings(group: Mapping) -> set[str]:
    """The keys of a group that an optimizer of any PyTorch has where it has them at all."""
    return {k for k in group if k not in _NEWER and not k.startswith("initial_")}


def _group_changes(here: Sequence[dict], there: Sequence[dict]) -> Iterator[str]:
    for ours, theirs in zip(here, there, strict=True):
        for key in sorted(ours.keys() & theirs.keys() - {"params"}):
            if key.startswith("initial_"):
                continue
            # What a scheduler moves is compared where it began.
            first = f"initial_{key}"
            name = first if first in ours and first in theirs else key
            if _plain(ours[name]) != _plain(theirs[name]):
                yield f"optimizer.{key}: {theirs[name]} there, {ours[name]} here"


def _scheduler_changes(here: Sequence[dict], there: Sequence[dict]) -> Iterator[str]:
    if len(here) != len(there):
        yield f"param_scheduler: {len(there)} there, {len(here)} here"
        return
    for place, (ours, theirs) in enumerate(zip(here, there, strict=True)):
        # base_values follow from the optimizer, which is compared itself.
        for key in sorted((ours.keys() | theirs.keys()) - _PROGRESS - {"base_values"}):
            old, new = _plain(theirs.get(key)), _plain(ours.get(key))
            if old != new:
                yield f"param_scheduler[{place}].{key}: {old} there, {new} here"


def _plain(value: object) -> object:
    """A value that equals its copy from a file: milestones are counted, betas may be a list."""
    if isinstance(value, Mapping):
        return dict(value)
    return list(value) if isinstance(value, tuple) else value


def _replay(schedulers: Sequence, meta: Mapping) -> None:
    """Take the schedulers to where the training is, step by step as it would have."""
    iters, epochs = meta["iter"], meta["epoch"]
    length = max(1, iters // epochs) if epochs else iters + 1
    by_iter = [s for s in schedulers if not s.by_epoch]
    by_epoch = [s for s in schedulers if s.by_epoch]
    with warnings.catch_warnings():  # of steps before the optimizer's first
        warnings.simplefilter("ignore", UserWarning)
        for done in range(1, iters + 1):
            for scheduler in by_iter:
                scheduler.step()
            if done % length == 0 and done // length <= epochs:
                for scheduler in by_epoch:
                    scheduler.step()
