"""Hooks that keep a run honest and visible: progress, checkpoints' kind, losses."""

import math
import sys

from mmengine.dist import broadcast, is_main_process
from mmengine.hooks import Hook
from mmengine.registry import HOOKS
from mmengine.runner import Runner
from mmengine.runner.checkpoint import find_latest_checkpoint
from tqdm import tqdm

from mmpanonas.engine.checkpoints import check_kind
from mmpanonas.errors import InputError

#: A bar redraws itself on a terminal; in a log file each redraw is one more line.
BAR = dict(mininterval=0.5 if sys.stderr.isatty() else 15, dynamic_ncols=True)


@HOOKS.register_module()
class ProgressBarHook(Hook):
    """A bar for training iterations and for the pictures of validation and test.

    Args:
        name: what is being trained, in front of the bar.
    """

    def __init__(self, name: str = "train") -> None:
        self.name = name
        self.bars: dict[str, tqdm] = {}

    def _open(self, mode: str, name: str, total: int, initial: int = 0) -> None:
        self.bars[mode] = tqdm(
            total=total, initial=initial, desc=name, disable=not is_main_process(), **BAR
        )

    def before_train(self, runner: Runner) -> None:
        """Open the bar where the run starts or goes on."""
        self._open("train", self.name, runner.max_iters, runner.iter)

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None) -> None:
        """Advance, and show the loss now and then."""
        bar = self.bars["train"]
        if runner.iter % 20 == 0 and outputs:
            bar.set_postfix_str(f"loss {outputs['loss'].item():.3f}", refresh=False)
        bar.update()

    def after_train(self, runner: Runner) -> None:
        """Close the bar."""
        self.bars.pop("train").close()

    def before_val_epoch(self, runner: Runner) -> None:
        """Open a bar over the validation batches."""
        self._open("val", "validate", len(runner.val_dataloader))

    def after_val_iter(self, runner, batch_idx, data_batch=None, outputs=None) -> None:
        """Advance."""
        self.bars["val"].update()

    def after_val_epoch(self, runner: Runner, metrics=None) -> None:
        """Close the bar."""
        self.bars.pop("val").close()

    def before_test_epoch(self, runner: Runner) -> None:
        """Open a bar over the test batches."""
        self._open("test", "test", len(runner.test_dataloader))

    def after_test_iter(self, runner, batch_idx, data_batch=None, outputs=None) -> None:
        """Advance."""
        self.bars["test"].update()

    def after_test_epoch(self, runner: Runner, metrics=None) -> None:
        """Close the bar."""
        self.bars.pop("test").close()


@HOOKS.register_module()
class CheckpointKindHook(Hook):
    """Refuse a fixed network's checkpoint for a supernet, and the other way round.

    MMEngine loads what fits and only logs the rest, so a search would rank noise.
    """

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Compare the operations of every searched layer before anything is loaded."""
        model = getattr(runner.model, "module", runner.model)
        check_kind(model, checkpoint.get("state_dict", checkpoint), runner._load_from or "")


@HOOKS.register_module()
class ValidateAsSavedHook(Hook):
    """Validate, on every rank, the buffers that the checkpoint holds: those of rank 0.

    Where batch norm is not synchronised (always on CPUs) ranks gather statistics of their own, and
    a validation by all of them would score a network that is saved nowhere.
    """

    def before_val_epoch(self, runner: Runner) -> None:
        """Send rank 0's buffers to all."""
        for buffer in runner.model.buffers():
            broadcast(buffer, src=0)


class InvalidLossError(InputError):
    """The loss became NaN or infinite."""


@HOOKS.register_module()
class StopOnInvalidLossHook(Hook):
    """Stop at the first NaN or infinite loss, before a checkpoint of it is written.

    Args:
        interval: iterations between looks; each look waits for the device.
    """

    def __init__(self, interval: int = 1) -> None:
        self.interval = interval

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None) -> None:
        """Raise ``InvalidLossError`` that names iteration, path and last checkpoint."""
        if not self.every_n_train_iters(runner, self.interval):
            return
        values = {k: v.item() for k, v in outputs.items() if "loss" in k}
        bad = [name for name, value in values.items() if not math.isfinite(value)]
        if not bad:
            return
        last = find_latest_checkpoint(runner.work_dir)
        model = getattr(runner.model, "module", runner.model)
        path = model.active_arch.to_dict() if hasattr(model, "active_arch") else "the network"
        raise InvalidLossError(
            f"{', '.join(bad)} became NaN or infinite at iteration {runner.iter + 1} on {path}; "
            f"nothing was saved since {last or 'the start (there is no checkpoint)'}; lower the "
            f"learning rate or clip gradients, then go on with --resume"
        )
