"""What iterations report, read from an accelerator seldom: every reading waits for it."""

from collections.abc import Mapping, Sequence

from mmengine.hooks import LoggerHook, RuntimeInfoHook
from mmengine.registry import HOOKS
from mmengine.runner import Runner
from torch import Tensor, stack

#: Iterations between two readings.
INTERVAL = 50


def on_cpu(values: Mapping[str, object]) -> bool:
    """Whether reading them waits for nothing."""
    return all(value.is_cpu for value in values.values() if isinstance(value, Tensor))


def read(rows: Sequence[Mapping[str, object]]) -> list[dict[str, float]]:
    """The numbers of some iterations, tensors of one value or numbers, in a single transfer."""
    tensors = [value for row in rows for value in row.values() if isinstance(value, Tensor)]
    if all(value.is_cpu for value in tensors):
        numbers = iter([value.item() for value in tensors])
    else:
        numbers = iter(stack([value.detach().float().view(()) for value in tensors]).tolist())
    return [
        {key: next(numbers) if isinstance(value, Tensor) else value for key, value in row.items()}
        for row in rows
    ]


@HOOKS.register_module()
class SeldomReadInfoHook(RuntimeInfoHook):
    """MMEngine's hook, whose losses wait on an accelerator until a logger, or a checkpoint, asks.

    The log is the same; MMEngine's own waits for the device at every loss of every iteration.
    """

    def __init__(self) -> None:
        self._kept: list[dict] = []
        self._intervals: set[int] = {INTERVAL}

    def before_train(self, runner: Runner) -> None:
        """Look when the loggers do."""
        super().before_train(runner)
        loggers = [hook for hook in runner.hooks if isinstance(hook, LoggerHook)]
        self._intervals = {INTERVAL, *(hook.interval for hook in loggers)}

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None) -> None:
        """Keep what the iteration reported, and hand it on when it is time."""
        if outputs is not None:
            self._kept.append({key: _own(value) for key, value in outputs.items()})
        due = any(self.every_n_inner_iters(batch_idx, n) for n in self._intervals)
        if due or on_cpu(outputs or {}) or self.end_of_epoch(runner.train_dataloader, batch_idx):
            self._hand_on(runner)

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Let a checkpoint hold the log up to here."""
        if self._kept:
            self._hand_on(runner)
            checkpoint["message_hub"] = runner.message_hub.state_dict()

    def after_train(self, runner: Runner) -> None:
        """Hand on the last ones."""
        self._hand_on(runner)

    def _hand_on(self, runner: Runner) -> None:
        for values in read(self._kept):
            super().after_train_iter(runner, 0, outputs=values)
        self._kept.clear()


def _own(value: object) -> object:
    return value.detach() if isinstance(value, Tensor) else value
