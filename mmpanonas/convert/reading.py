"""Reading a foreign file of weights without running any code that it may carry."""

import io
import os
import pickle
import re
import zipfile
from collections.abc import Mapping
from typing import BinaryIO

import torch
from torch import Tensor

from mmpanonas.errors import InputError

#: What a plain pickle may call: what rebuilds tensors, arrays and containers.
_ALLOWED = {
    ("collections", "OrderedDict"),
    ("torch._utils", "_rebuild_tensor"),
    ("torch._utils", "_rebuild_tensor_v2"),
    ("torch._utils", "_rebuild_parameter"),
    ("numpy", "ndarray"),
    ("numpy", "dtype"),
    ("_codecs", "encode"),
    *(
        (f"numpy.{package}.multiarray", name)
        for package in ("core", "_core")
        for name in ("_reconstruct", "scalar")
    ),
}

#: Under which keys programs keep the weights beside other things.
_WRAPPERS = ("model", "state_dict", "blobs")


def read_state(path: str | os.PathLike) -> dict[str, Tensor]:
    """The tensors of a ``.pth`` or ``.pkl`` file by their names, without ``module.``.

    Read are PyTorch's files, old and new, and plain pickles of tensors or NumPy arrays, also
    under a key "model", "state_dict" or "blobs". Only tensors, arrays, numbers, strings and
    containers are built.

    Raises:
        InputError: the file is absent, cut short, something else, or asks for code.
    """
    try:
        with open(path, "rb") as file:
            content = _load(file)
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from None
    except _RefusedError as error:
        raise InputError(
            f"{path} was not read: it asks for {error}, and only tensors, arrays and plain "
            f"containers are built; save its state dict alone, where you trust it"
        ) from None
    except Exception as error:  # a pickle that is none raises whatever its bytes happen to ask for
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(
            f"{path} is no PyTorch file or pickle of weights, or it is cut short ({reason}); "
            f"expected a released .pth or .pkl"
        ) from None
    return _tensors(path, content)


class _RefusedError(Exception):
    """A name that only code outside the allowed list could turn into an object."""


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> object:
        if (module, name) == ("torch.storage", "_load_from_bytes"):
            return lambda content: _load_torch(io.BytesIO(content))
        if (module, name) not in _ALLOWED:
            raise _RefusedError(f"{module}.{name}")
        return super().find_class(module, name)


def _load(file: BinaryIO) -> object:
    if not zipfile.is_zipfile(file):
        file.seek(0)
        content = _Unpickler(file, encoding="latin1").load()
        if type(content) is not int or content != torch.serialization.MAGIC_NUMBER:
            return content
    file.seek(0)  # PyTorch's format, the one before 1.6 or an archive
    return _load_torch(file)


def _load_torch(file: BinaryIO) -> object:
    try:
        return torch.load(file, "cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        refused = re.search(r"GLOBAL (\S+)", str(error))
        if refused:
            raise _RefusedError(refused[1]) from None
        raise


def _tensors(path: str | os.PathLike, content: object) -> dict[str, Tensor]:
    while isinstance(content, Mapping):
        inner = [key for key in _WRAPPERS if isinstance(content.get(key), Mapping)]
        if not inner:
            break
        content = content[inner[0]]
    if not isinstance(content, Mapping) or not content:
        what = "an empty dictionary" if content == {} else f"a {type(content).__name__}"
        raise InputError(f"{path} holds {what}; expected a dictionary of weights by their names")
    state = {}
    for key, value in content.items():
        try:
            name, tensor = key.removeprefix("module."), torch.as_tensor(value)
        except (AttributeError, RuntimeError, TypeError, ValueError):
            raise InputError(
                f"{path}: {key!r} is a {type(value).__name__}; expected a dictionary of weights "
                f"by their names"
            ) from None
        if name in state:
            raise InputError(f"{path} holds {name} twice, with and without module.")
        state[name] = tensor
    return state
