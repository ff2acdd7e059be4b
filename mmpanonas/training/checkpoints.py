"""Checkpoint files: whole ones, those of a work dir, and pretrained weights."""

import logging
import os
import re
import zipfile
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

from mmengine.logging import print_log
from mmengine.model import PretrainedInit, update_init_info
from mmengine.registry import WEIGHT_INITIALIZERS
from mmengine.runner.checkpoint import CheckpointLoader
from torch import Tensor, nn

import mmpanonas.training.reading  # noqa: F401  (pretrained weights are read as data)
from mmpanonas.errors import InputError
from mmpanonas.training.weights import (
    Fit,
    check_finite,
    describe_kind,
    held_choices,
    take_what_fits,
    weights_of,
)
from mmpanonas.values import checked


def check_checkpoint(path: str | os.PathLike | None) -> None:
    """Raise ``InputError`` if the file is absent, no checkpoint, or cut short.

    A URL or None passes.
    """
    if not path or "://" in str(path):
        return
    if Path(path).is_dir():
        found = latest_checkpoint(path) or next(iter(all_checkpoints(path)), None)
        raise InputError(
            f"checkpoint {path} is a folder; give a file{f', such as {found}' if found else ''}"
        )
    if not Path(path).is_file():
        raise InputError(f"checkpoint {path} does not exist")
    with open(path, "rb") as file:
        start = file.read(2)
    if start == b"PK":
        if not zipfile.is_zipfile(path):
            raise InputError(f"checkpoint {path} is cut short: copy it again, or take an older one")
    elif start[:1] != b"\x80":  # PyTorch's older format, a pickle
        raise InputError(f"{path} is no checkpoint: expected a file that torch.save wrote")


def all_checkpoints(folder: str | os.PathLike) -> list[Path]:
    """The checkpoints that MMEngine's hook has written in a work dir, the newest first."""
    found = [
        (int(match[1]), path)
        for path in Path(folder).glob("*.pth")
        if (match := re.fullmatch(r"(?:iter|epoch)_(\d+)", path.stem))
    ]
    return [path for _, path in sorted(found, reverse=True)]


def trained_meta(checkpoint: Mapping) -> dict | None:
    """The metainfo of the data set that a checkpoint was trained with, if it names things."""
    meta = checkpoint.get("meta")
    meta = meta.get("dataset_meta") if isinstance(meta, Mapping) else None
    known = isinstance(meta, Mapping) and {"classes", "thing_classes"} <= meta.keys()
    return dict(meta) if known else None


def dataset_meta(path: str | os.PathLike | None) -> dict | None:
    """:func:`trained_meta` of a checkpoint file or URL; None without one.

    Raises:
        InputError: as :func:`check_checkpoint`.
    """
    if not path:
        return None
    check_checkpoint(path)
    content = CheckpointLoader.load_checkpoint(str(path), "cpu", logger="silent")
    return trained_meta(content) if isinstance(content, Mapping) else None


def latest_checkpoint(folder: str | os.PathLike) -> Path | None:
    """The checkpoint that ``last_checkpoint`` in a work dir names, or None.

    A work dir may have been moved or copied: its own files go before that of the place where
    it was written. Where the note was cut short by a full disk, its newest one is meant.
    """
    note = Path(folder) / "last_checkpoint"
    if not note.is_file():
        return None
    written = Path(note.read_text(errors="replace").strip())
    own = note.parent / written.name
    if own.is_file():
        return own
    return next(iter(all_checkpoints(folder)), written if written.name else None)


def describe_latest(folder: str | os.PathLike) -> str:
    """What of a training in ``folder`` is safe, and how to go on."""
    latest = latest_checkpoint(folder)
    if latest is None:
        return f"{folder} holds no checkpoint yet, so start it anew"
    return f"{latest} is safe; go on with --resume"


def checkpoint_to_resume(folder: str | os.PathLike) -> Path | None:
    """:func:`latest_checkpoint`, or None in a folder without any.

    Raises:
        InputError: it holds checkpoints, of which none is named as the last: a training from
            the start would overwrite them.
    """
    latest = latest_checkpoint(folder)
    others = all_checkpoints(folder)
    if latest is None and others:
        raise InputError(
            f"--resume: {folder} has no last_checkpoint, but checkpoints that a training from the "
            f"start would overwrite ({', '.join(path.name for path in others[:3])}); give "
            f"--resume {others[0]}, or choose another --work-dir"
        )
    return latest


def check_one_path(model: nn.Module) -> None:
    """Raise ``InputError`` for a supernet, whose weights as they are make no network."""
    space = getattr(model, "search_space", None)
    if space is not None and space.size > 1:
        raise InputError(
            "the config builds a supernet, which is no network of its own: search it, retrain "
            "the architecture, and give that config and checkpoint (tools/test.py: or name one of "
            "its paths with --arch)"
        )


@WEIGHT_INITIALIZERS.register_module(name="Pretrained", force=True)
class SayingPretrainedInit(PretrainedInit):
    """MMEngine's ``Pretrained``, which says in one line what it did not take.

    MMEngine's own warns where nothing fits, key by key, and the network stays random.

    Raises:
        InputError: when called, if the file cannot be read, nothing of it fits, or what fits
            is not finite.
    """

    def __call__(self, module: nn.Module) -> None:
        """Fill ``module`` with what fits."""
        check_checkpoint(self.checkpoint if isinstance(self.checkpoint, str) else None)
        content = CheckpointLoader.load_checkpoint(self.checkpoint, self.map_location)
        prefix = f"{self.prefix.removesuffix('.')}." if self.prefix else ""
        held = weights_of(content, self.checkpoint)
        file = {k.removeprefix(prefix): v for k, v in held.items() if k.startswith(prefix)}
        if not file:
            raise InputError(
                f"init_cfg: nothing in {self.checkpoint} begins with prefix={self.prefix!r}: it "
                f"holds {_summary(held)}"
            )
        name = f"{self.checkpoint} ({type(module).__name__}'s init_cfg)"
        taken, line = take_what_fits(module, file, name)
        module.load_state_dict(taken)
        if line:
            print_log(f"init_cfg: {line}", logger="current", level=logging.WARNING)
        if hasattr(module, "_params_init_info"):
            update_init_info(module, self._get_init_info())


@WEIGHT_INITIALIZERS.register_module(name="PretrainedBackbone")
class PretrainedBackboneInit(PretrainedInit):
    """Fill a backbone from a checkpoint that has all its weights, and log what was loaded.

    MMEngine's ``Pretrained`` loads what happens to fit. Here the file may hold more (a
    classifier, a detector, the other operations of a supernet) but not less, and no other shape.

    Args:
        checkpoint: file or URL.
        prefix: what the backbone's names start with in the file.

    Raises:
        InputError: when called, if the file cannot be read or does not fill the backbone.
    """

    @checked
    def __init__(self, checkpoint: str, prefix: str = "backbone.") -> None:
        super().__init__(checkpoint, prefix)

    def __call__(self, module: nn.Module) -> None:
        """Fill ``module``."""
        check_checkpoint(self.checkpoint)
        content = CheckpointLoader.load_checkpoint(self.checkpoint, self.map_location)
        file = weights_of(content, self.checkpoint)
        here = {self.prefix + key: value for key, value in module.state_dict().items()}
        self._check(here, file)
        taken = {k.removeprefix(self.prefix): v for k, v in file.items() if k in here}
        module.load_state_dict(taken, strict=False)
        print_log(
            f"{type(module).__name__}: all {len(here)} weights loaded from {self.checkpoint}, "
            f"which holds {describe_kind(held_choices(file))}; in the file and not loaded: "
            f"{_summary(key for key in file if key not in here)}",
            logger="current",
        )
        if hasattr(module, "_params_init_info"):
            update_init_info(module, self._get_init_info())

    def _check(self, here: Mapping[str, Tensor], file: Mapping[str, Tensor]) -> None:
        """Raise ``InputError`` unless each weight of ``here`` is in the file, in its shape."""
        fit = Fit.of(here, file)
        if not any(key in file for key in here):
            raise InputError(
                f"{self.checkpoint} holds none of the backbone's weights ({fit.missing[0]}, ...) "
                f"but {_summary(file)}"
            )
        if fit.missing:
            raise InputError(
                f"{self.checkpoint} lacks {len(fit.missing)} of the backbone's {len(here)} weights "
                f"({fit.missing[0]}, ...): it holds {describe_kind(held_choices(file))}, the "
                f"config builds {describe_kind(held_choices(here))}; give the checkpoint of a "
                f"backbone that has all operations of this one"
            )
        for key, words in fit.unlike.items():
            raise InputError(
                f"{self.checkpoint} does not fit: {key} is {words}; give the checkpoint of a "
                f"backbone that has the same channels"
            )
        check_finite({key: file[key] for key in here if key in file}, self.checkpoint)


def _summary(names: Iterable[str]) -> str:
    """How many of the names start with which module."""
    counts = Counter(name.split(".")[0] for name in names)
    return ", ".join(f"{count} of {top}" for top, count in counts.items()) or "nothing"
