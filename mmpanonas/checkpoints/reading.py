"""Checkpoints are read as data: no code that a file may carry runs, whoever reads it.

MMEngine reads files that hold more than tensors by running them, and those of a URL always. Its
functions are replaced here, so that a training's ``--resume`` and ``load_from``, a search, a
test, an inference and pretrained backbones all read in this way.
"""

import os
import pickle
import re
from collections.abc import Callable
from urllib.error import URLError

import mmengine.runner.checkpoint as mmengine_checkpoint
import numpy as np
import torch
from mmengine.config import ConfigDict
from mmengine.logging import HistoryBuffer

from mmpanonas.errors import InputError

#: Whether files may run code: chosen by the last call of :func:`trust_checkpoints`.
_trusted = False


def trust_checkpoints(trusted: object) -> None:
    """Let checkpoints run code from now on (the config's ``trust_checkpoint``), or not.

    Raises:
        InputError: neither True nor False.
    """
    if not isinstance(trusted, bool):
        raise InputError(f"trust_checkpoint: expected True or False, got {trusted!r}")
    global _trusted  # MMEngine's functions, which are replaced here, take no argument for it
    _trusted = trusted


def _statistics(owner: type, name: str) -> Callable:
    """What ``getattr`` may find in a checkpoint: the statistics that a log's history names."""
    if owner is not HistoryBuffer or name not in ("min", "max", "mean", "current"):
        raise pickle.UnpicklingError(f"Unsupported global: GLOBAL getattr of {name}")
    return getattr(owner, name)


def _allowed() -> list:
    """What MMEngine's checkpoints hold beside tensors, numbers, text and containers."""
    from_numpy = np.array(0).__reduce__()[0], np.float64(0).__reduce__()[0]
    # NumPy 1 and 2 keep these two in different modules.
    rebuild = [
        (function, f"numpy.{package}.multiarray.{function.__name__}")
        for function in from_numpy
        for package in ("core", "_core")
    ]
    kinds = {type(np.dtype(code)) for code in np.typecodes["AllInteger"] + "?efdgSU"}
    ours = [np.ndarray, np.dtype, HistoryBuffer, ConfigDict, (_statistics, "builtins.getattr")]
    return [*rebuild, *kinds, *ours]


def read_file(file, map_location=None, weights_only: bool | None = None) -> object:
    """What ``torch.load`` reads from a file, with nothing run unless files are trusted.

    Args:
        file: path, or an open file.
        map_location: of ``torch.load``.
        weights_only: not used; MMEngine's function has it.

    Raises:
        InputError: it asks for code, is cut short or is no file of PyTorch's.
    """
    return _guarded(torch.load, file, map_location=map_location)


def read_url(url: str, **options) -> object:
    """As :func:`read_file`, from a URL; ``options`` of ``torch.hub.load_state_dict_from_url``."""
    return _guarded(torch.hub.load_state_dict_from_url, url, **options)


def _guarded(read: Callable, source, **options) -> object:
    name = source if isinstance(source, str | os.PathLike) else getattr(source, "name", "")
    try:
        with torch.serialization.safe_globals(_allowed()):
            return read(source, weights_only=not _trusted, **options)
    except pickle.UnpicklingError as error:
        asked = re.search(r"GLOBAL (\S+(?: of \S+)?)", str(error))
        what = f"cannot be read as weights ({_first_line(error)})"
        if asked:
            what = f"was not read: it asks for {asked[1]}"
        raise InputError(
            f"checkpoint {name} {what}; only weights and what MMEngine keeps beside them are read, "
            f"since a file that runs code may do anything. If you trust who wrote it, add "
            f"--trust-checkpoint (or trust_checkpoint=True in the config)"
        ) from None
    except URLError as error:
        raise InputError(f"checkpoint {name} cannot be downloaded: {error.reason}") from None
    except InputError:
        raise
    except Exception as error:  # damaged bytes raise whatever they happen to ask for
        raise InputError(
            f"checkpoint {name} cannot be read ({_first_line(error)}): it is damaged, or no file "
            f"that torch.save wrote"
        ) from None


def read_named(name: str, map_location=None, logger: str = "current") -> object:
    """As :func:`read_file`, from a path or any name that MMEngine knows (``torchvision://...``).

    Raises:
        InputError: also for an unknown name, or one that needs what is not installed.
    """
    try:
        return _read_named(name, map_location, logger)
    except InputError:
        raise
    except (KeyError, ImportError, OSError, ValueError) as error:
        reason = f"there is no {error}" if isinstance(error, KeyError) else _first_line(error)
        raise InputError(
            f"checkpoint {name} cannot be read ({reason}); give a file, or an address that begins "
            f"with http:// or https://"
        ) from None


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0][:200] if lines else type(error).__name__


# A name that has gone raises here: another MMEngine would read in its own way.
for _name in ("_safe_torch_load", "load_url"):
    getattr(mmengine_checkpoint, _name)
mmengine_checkpoint._safe_torch_load = read_file
mmengine_checkpoint.load_url = read_url
_read_named = mmengine_checkpoint.CheckpointLoader.load_checkpoint
mmengine_checkpoint.CheckpointLoader.load_checkpoint = staticmethod(read_named)
