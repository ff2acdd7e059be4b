"""On an accelerator losses are read seldom; log and stop are those of every iteration."""

import math
from types import SimpleNamespace

import pytest
import torch
from mmengine.hooks import LoggerHook, RuntimeInfoHook
from mmengine.logging import MessageHub
from torch import nn

from mmpanonas.training import SeldomReadInfoHook, StopOnInvalidLossHook
from mmpanonas.training.checkpoint_hooks import InvalidLossError
from tests.pretended_device import DEVICE, ours, pretended


@pytest.fixture
def run(tmp_path):
    """A function: some iterations of a hook; gives MessageHub and reads from the device."""

    def run(hook, iterations: int = 120, interval: int = 50, bad: float = math.inf):
        hub = MessageHub(f"{tmp_path.name} {type(hook).__name__} {interval}")
        runner = SimpleNamespace(
            message_hub=hub,
            iter=0,
            hooks=[hook, LoggerHook(interval=interval)],
            train_dataloader=range(10**6),
            model=nn.Identity(),
            work_dir=str(tmp_path),
            optim_wrapper=None,
        )
        if isinstance(hook, SeldomReadInfoHook):
            hook._intervals = {50, interval}
        with pretended() as seen:
            for runner.iter in range(iterations):
                value = math.nan if runner.iter >= bad else runner.iter / 4
                losses = {"loss": torch.ones(()).to(DEVICE) * value}
                losses["loss_box"] = losses["loss"] * 2
                hook.after_train_iter(runner, runner.iter, outputs=losses)
            hook.after_train(runner)
        return hub, sum(ours(seen.to_host).values())

    return run


@pytest.mark.parametrize("interval", [50, 30])
def test_the_log_is_mmengines_with_a_read_each_time_that_a_logger_looks(run, interval):
    expected, _ = run(RuntimeInfoHook(), interval=interval)
    found, reads = run(SeldomReadInfoHook(), interval=interval)
    assert (
        found.log_scalars.keys() == expected.log_scalars.keys() == {"train/loss", "train/loss_box"}
    )
    for name, values in expected.log_scalars.items():
        assert found.log_scalars[name].data[0].tolist() == values.data[0].tolist()
    assert reads == {50: 3, 30: 6}[interval]  # at 50, 100 and the end; 30, 50, 60, 90, 100, 120


def test_a_bad_loss_is_named_by_its_iteration_though_it_is_seen_later(run):
    with pytest.raises(InvalidLossError, match=r"loss, loss_box became NaN .* iteration 58 on"):
        run(StopOnInvalidLossHook(), bad=57)
    with pytest.raises(InvalidLossError, match="at iteration 120 on"):
        run(StopOnInvalidLossHook(), bad=119)
    assert run(StopOnInvalidLossHook())[1] == 3


def test_a_checkpoint_waits_for_what_is_kept(run):
    hook, checkpoint = SeldomReadInfoHook(), {}
    hub = MessageHub("before a checkpoint")
    with pretended():
        hook.after_train_iter(
            SimpleNamespace(message_hub=hub, train_dataloader=range(99)),
            0,
            outputs=dict(loss=torch.ones(()).to(DEVICE)),
        )
        assert "train/loss" not in hub.log_scalars
        hook.before_save_checkpoint(SimpleNamespace(message_hub=hub), checkpoint)
    assert "train/loss" in checkpoint["message_hub"]["log_scalars"]
