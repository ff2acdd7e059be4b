"""What an inferencer is told, checked: nothing that is accepted is ignored."""

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from mmpanonas.config import check_writable
from mmpanonas.errors import InputError, in_a_line
from mmpanonas.file_names import check_apart

#: MMDetection's options that mean nothing here: the value that asks for nothing, and the reason.
MEANINGLESS = {
    "show": (False, "no window is opened: give out_dir, or return_vis=True"),
    "wait_time": (0, "no window is opened"),
    "draw_pred": (True, "results are always drawn: no_save_vis=True draws none"),
    "pred_score_thr": (None, "set model.test_cfg.panoptic.score_thr in cfg_options"),
    "texts": (None, "the network takes no text"),
    "stuff_texts": (None, "the network takes no text"),
    "custom_entities": (False, "the network takes no text"),
    "tokens_positive": (None, "the network takes no text"),
}

#: What PyTorch raises for devices that it does not know, or was built without.
_OF_BACKENDS = (
    *(RuntimeError, AssertionError, TypeError, ValueError),
    *(AttributeError, ImportError, NotImplementedError),
)


def refuse_options(batch_size: int, others: dict) -> None:
    """Raise ``InputError`` for a batch size that is none and for options without a meaning."""
    if not isinstance(batch_size, int) or isinstance(batch_size, bool) or batch_size < 1:
        raise InputError(f"batch_size: expected 1 or more, got {batch_size!r}")
    for name, value in others.items():
        if name not in MEANINGLESS:
            raise InputError(f"{name}={value!r}: the inferencer has no such option")
        nothing, reason = MEANINGLESS[name]
        if value != nothing:
            raise InputError(f"{name}={value!r} means nothing here: {reason}")


def check_device(device: str | torch.device | None) -> None:
    """Raise ``InputError`` unless something can be computed on the device."""
    try:
        usable = device is None or torch.ones(1, device=device).cpu().item() == 1
        second = re.fullmatch("cpu:[1-9].*", str(device))
        said = "there is one CPU" if second else ""
    except _OF_BACKENDS as error:
        usable, said = False, in_a_line(error)[:120]
    if said or not usable:
        raise InputError(
            f"device {str(device)!r} cannot be used ({said}): expected cpu, or cuda:0 and so on, "
            f"of which there are {torch.cuda.device_count()}"
        )


def check_folders(
    folders: Sequence[Path], names: Sequence[str], pictures: Sequence[str | np.ndarray]
) -> None:
    """Raise ``InputError`` unless files of these ``names`` can be written into each folder.

    None of them may lie over one of the ``pictures``, paths or arrays.
    """
    paths = [one for one in pictures if isinstance(one, str)]
    for folder in folders:
        check_writable(folder, "output folder", "out_dir")
        check_apart(folder, names, paths, "out_dir")
