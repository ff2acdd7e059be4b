"""Hooks that hold a checkpoint against the run that reads it, and stop before a bad one."""

import math
from collections.abc import Mapping

from mmengine.hooks import EMAHook, Hook
from mmengine.registry import HOOKS
from mmengine.runner import Runner
from mmengine.runner.base_loop import BaseLoop
from mmengine.runner.checkpoint import CheckpointLoader
from torch import Tensor

from mmpanonas.checkpoints.files import all_checkpoints
from mmpanonas.checkpoints.reading import trust_checkpoints
from mmpanonas.checkpoints.weights import (
    by_module,
    check_weights,
    not_finite,
    take_what_fits,
    weights_of,
    which_weights,
)
from mmpanonas.distributed import unwrapped
from mmpanonas.errors import InputError
from mmpanonas.space import Arch, active_arch, parts_of
from mmpanonas.training.losses import INTERVAL, on_cpu, read
from mmpanonas.training.resuming import check_resumable, resume_as_configured
from mmpanonas.values import PositiveInt, checked


@HOOKS.register_module()
class CheckpointKindHook(Hook):
    """Refuse a checkpoint that is not this network's, or of which a training cannot go on.

    MMEngine loads what fits and only logs the rest, so a search would rank noise. A training
    that begins with ``load_from`` takes what fits and says in one line what did not; one that
    is resumed has the learning rate, schedule and length of its config. Checkpoints may run
    code if the config's ``trust_checkpoint`` is True.
    """

    def before_run(self, runner: Runner) -> None:
        """Trust checkpoints or not; called before anything is loaded."""
        trust_checkpoints(runner.cfg.get("trust_checkpoint", False))

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Compare weights and state before anything is loaded."""
        model, name = unwrapped(runner.model), runner._load_from or ""
        state = weights_of(checkpoint, name)
        trains = isinstance(runner._train_loop, BaseLoop)
        if trains and not runner._resume:
            state, line = take_what_fits(model, state, name)
            if line:
                runner.logger.warning(f"load_from: {line}")
        else:
            check_weights(model, state, name)
        if not runner._resume and (line := which_weights(checkpoint, name)):
            runner.logger.info(line)
        if trains and runner._resume:
            check_resumable(checkpoint, name)
            _check_averages(runner, checkpoint, name)
            # MMEngine would run it as a config; its own checkpoints have the key "cfg".
            checkpoint["meta"].pop("config", None)
            changed = resume_as_configured(runner, checkpoint)
            if changed:
                runner.logger.warning(f"--resume: as this config says: {changed}")
        if "state_dict" in checkpoint:
            checkpoint["state_dict"] = state
        else:
            checkpoint.clear()
            checkpoint["state_dict"] = state


def _check_averages(runner: Runner, checkpoint: Mapping, name: str) -> None:
    """Raise ``InputError`` where averages would be trained on as if they were the weights."""
    if which_weights(checkpoint) and not any(isinstance(each, EMAHook) for each in runner.hooks):
        raise InputError(
            f"--resume: {name} was written with EMAHook, which this config lacks, and its "
            f"state_dict holds the averages: give custom_hooks that EMAHook again, or begin "
            f"another training with the averages by load_from={name}"
        )


class InvalidLossError(InputError):
    """The loss, or a weight, became NaN or infinite."""


@HOOKS.register_module()
class StopOnInvalidLossHook(Hook):
    """Stop at a NaN or infinite loss, and before a checkpoint of such weights is written.

    Args:
        interval: iterations between looks at the losses of all of them, since a look waits for an
            accelerator; losses on the CPU are looked at in every iteration.
    """

    @checked
    def __init__(self, interval: PositiveInt = INTERVAL) -> None:
        self.interval = interval
        self._kept: list[tuple[int, Arch | None, dict[str, Tensor]]] = []

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None) -> None:
        """Raise ``InvalidLossError`` that names iteration, path and a checkpoint from before."""
        losses = {k: v.detach() for k, v in outputs.items() if "loss" in k}
        model = unwrapped(runner.model)
        self._kept.append((runner.iter, active_arch(model) if parts_of(model) else None, losses))
        if on_cpu(losses) or self.every_n_train_iters(runner, self.interval):
            self._look(runner)

    def after_train(self, runner: Runner) -> None:
        """Look at the last ones."""
        self._look(runner)

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Raise ``InvalidLossError`` where losses or weights are not finite."""
        self._look(runner)
        bad = not_finite(checkpoint["state_dict"])
        if bad:
            raise InvalidLossError(
                f"weights became NaN or infinite by iteration {runner.iter + 1}, "
                f"{by_module(bad)}; {_advice(runner, runner.iter)}"
            )

    def _look(self, runner: Runner) -> None:
        values = read([losses for _, _, losses in self._kept])
        for (iteration, arch, _), losses in zip(self._kept, values, strict=True):
            bad = [name for name, value in losses.items() if not math.isfinite(value)]
            if bad:
                path = "the network" if arch is None else arch.to_dict()
                raise InvalidLossError(
                    f"{', '.join(bad)} became NaN or infinite at iteration {iteration + 1} on "
                    f"{path}; {_advice(runner, iteration)}"
                )
        self._kept.clear()


def _advice(runner: Runner, iteration: int) -> str:
    """What to do after a loss went astray: from which checkpoint to go on, if there is one."""
    cure = "lower the learning rate (optim_wrapper.optimizer.lr) or clip gradients"
    sound = _sound_checkpoint(runner, iteration)
    if sound is None:
        return f"no checkpoint from before the trouble is in {runner.work_dir}: {cure}, start again"
    return f"{sound} is from before the trouble: {cure}, then go on with --resume {sound}"


def _sound_checkpoint(runner: Runner, iteration: int) -> str | None:
    """The newest checkpoint that is finite and older than the last optimizer step before then.

    Later ones hold the very weights on which the loss went astray.
    """
    passes = max(1, getattr(runner.optim_wrapper, "_accumulative_counts", 1))
    step = iteration // passes
    for path in all_checkpoints(runner.work_dir):
        content = CheckpointLoader.load_checkpoint(str(path), "cpu", logger="silent")
        if content["meta"]["iter"] // passes < step and not not_finite(content["state_dict"]):
            return str(path)
    return None
