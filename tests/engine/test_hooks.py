"""Hooks that keep a run honest."""

import torch

from tests.ranks import run_on_two_ranks

RANKS = """
import sys
from types import SimpleNamespace
import torch
from mmengine.model import MMDistributedDataParallel
from mmpanonas.engine import ValidateAsSavedHook
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
