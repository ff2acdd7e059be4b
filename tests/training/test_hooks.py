"""Hooks that keep a run honest."""

from types import SimpleNamespace

import torch
from torch import nn

from mmpanonas.training import ProgressBarHook, ReportPresetsHook
from tests.ranks import run_on_two_ranks

RANKS = """
import sys
from types import SimpleNamespace
import torch
from mmengine.model import MMDistributedDataParallel
from mmpanonas.training import ValidateAsSavedHook
torch.distributed.init_process_group("gloo")
rank = torch.distributed.get_rank()
model = torch.nn.BatchNorm2d(3)
wrapped = MMDistributedDataParallel(model, device_ids=None, forward_sync_buffers=False)
torch.manual_seed(rank)
for _ in range(1 + rank):
    wrapped(torch.randn(2, 3, 4, 4))
saved = {name: value.clone() for name, value in model.state_dict().items()}
ValidateAsSavedHook().before_val_epoch(SimpleNamespace(model=wrapped))
torch.save((saved, model.state_dict()), f"{sys.argv[1]}/{rank}.pt")
"""


def test_all_ranks_validate_the_batch_norm_that_rank_0_saves(tmp_path):
    (saved, validated), (other, others) = run_on_two_ranks(RANKS, tmp_path)
    assert not torch.equal(saved["running_mean"], other["running_mean"])
    for name, value in saved.items():
        assert torch.equal(validated[name], value)
        assert torch.equal(others[name], value)


def test_further_presets_are_asked_for_during_a_test_alone():
    head = nn.Identity()
    head.reports_also = False
    hook, model = ReportPresetsHook(), nn.Module()
    model.panoptic_fusion_head = head
    hook.before_test(SimpleNamespace(model=SimpleNamespace(module=model)))
    assert head.reports_also
    hook.after_test(SimpleNamespace(model=model))
    assert not head.reports_also
    for other in (nn.Module(), SimpleNamespace(panoptic_fusion_head=None)):
        hook.before_test(SimpleNamespace(model=other))  # of other heads, and none


def test_a_bar_that_an_error_has_ended_is_not_drawn_below_its_line(capsys):
    hook = ProgressBarHook()
    hook.before_train(SimpleNamespace(max_iters=3, iter=1))
    assert "1/3" in capsys.readouterr().err
    hook.bars.clear()
    assert capsys.readouterr().err == ""
