"""Hooks that keep a run visible and honest: progress, what is validated."""

from mmengine.dist import broadcast, is_main_process
from mmengine.hooks import Hook
from mmengine.registry import HOOKS
from mmengine.runner import Runner
from tqdm import tqdm

from mmpanonas.distributed import unwrapped
from mmpanonas.printing import BAR
from mmpanonas.training.losses import INTERVAL
from mmpanonas.values import checked


class _Bar(tqdm):
    """A bar that an error has ended is not drawn again below the error's line."""

    def __del__(self) -> None:
        self.disable = True


@HOOKS.register_module()
class ProgressBarHook(Hook):
    """A bar for training iterations and for the pictures of validation and test.

    Args:
        name: what is being trained, in front of the bar.
    """

    @checked
    def __init__(self, name: str = "train") -> None:
        self.name = name
        self.bars: dict[str, tqdm] = {}

    def _open(self, mode: str, name: str, total: int, initial: int = 0) -> None:
        self.bars[mode] = _Bar(
            total=total, initial=initial, desc=name, disable=not is_main_process(), **BAR
        )

    def before_train(self, runner: Runner) -> None:
        """Open the bar where the run starts or goes on."""
        self._open("train", self.name, runner.max_iters, runner.iter)

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None) -> None:
        """Advance, and show the loss now and then."""
        bar = self.bars["train"]
        if runner.iter % INTERVAL == 0 and outputs:
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
class ValidateAsSavedHook(Hook):
    """Validate, on every rank, the buffers that the checkpoint holds: those of rank 0.

    Where batch norm is not synchronised (always on CPUs) ranks gather statistics of their own, and
    a validation by all of them would score a network that is saved nowhere.
    """

    def before_val_epoch(self, runner: Runner) -> None:
        """Send rank 0's buffers to all."""
        for buffer in runner.model.buffers():
            broadcast(buffer, src=0)


@HOOKS.register_module()
class ReportPresetsHook(Hook):
    """Let a test report the scores of all presets that the fusion head's ``also`` names.

    Other predictions (validation, the candidates of a search) have the first preset alone.
    """

    def before_test(self, runner: Runner) -> None:
        """Ask for the further maps."""
        self._set(runner, True)

    def after_test(self, runner: Runner) -> None:
        """And no longer."""
        self._set(runner, False)

    def _set(self, runner: Runner, value: bool) -> None:
        model = unwrapped(runner.model)
        head = getattr(model, "panoptic_fusion_head", None)
        if hasattr(head, "reports_also"):
            head.reports_also = value
