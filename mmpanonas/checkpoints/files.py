"""Checkpoint files: whole ones, and those of a work dir."""

import os
import re
import zipfile
from collections.abc import Mapping
from pathlib import Path

from mmengine.runner.checkpoint import CheckpointLoader
from torch import nn

import mmpanonas.checkpoints.reading  # noqa: F401  (pretrained weights are read as data)
from mmpanonas.errors import InputError
from mmpanonas.space import space_of


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
    """The metainfo of the data set that a checkpoint was trained with, if it names classes."""
    meta = checkpoint.get("meta")
    meta = meta.get("dataset_meta") if isinstance(meta, Mapping) else None
    return dict(meta) if isinstance(meta, Mapping) and "classes" in meta else None


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
    if space_of(model).size > 1:
        raise InputError(
            "the config builds a supernet, which is no network of its own: search it, retrain "
            "the architecture, and give that config and checkpoint (tools/test.py: or name one of "
            "its paths with --arch)"
        )
