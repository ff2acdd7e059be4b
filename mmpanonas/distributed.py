"""Ranks of a process group: their model, and those on CPUs, which MMEngine does not know."""

import atexit
import time
from contextlib import suppress

import torch
from mmengine.config import Config
from torch import nn


def unwrapped(model: nn.Module) -> nn.Module:
    """The network itself, without the wrapper of a process group."""
    return getattr(model, "module", model)


def distribute_on_cpu(cfg: Config) -> None:
    """Start gloo and wrap the model without devices: MMEngine assumes a GPU per rank."""
    torch.distributed.init_process_group("gloo")
    atexit.register(leave_process_group)
    cfg.model_wrapper_cfg = dict(
        dict(
            type="MMDistributedDataParallel",
            find_unused_parameters=cfg.get("find_unused_parameters", False),
            forward_sync_buffers=False,
        )
        | (cfg.get("model_wrapper_cfg") or {}),
        device_ids=None,
    )
    cfg.sync_bn = None  # PyTorch's SyncBatchNorm runs on GPUs alone


def leave_process_group() -> None:
    """Destroy the process group, and give gloo's threads a moment while the interpreter lives.

    They drop the tensors of the last collective a little after it. A thread that does so while
    the interpreter ends aborts the process (pytorch/pytorch#179291), and what PyTorch imports
    for DistributedDataParallel keeps those threads alive beyond the group.
    """
    torch.distributed.destroy_process_group()
    with suppress(RuntimeError):  # by PyTorch, of reading processes that a signal has ended
        time.sleep(0.5)
