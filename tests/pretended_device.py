"""An accelerator that is only pretended: what would fail or wait on a real one is seen on a CPU.

Tensors of the device say that they lie on ``meta`` and hold their values on the CPU. An operation
that mixes devices, and ``numpy()`` of a device's tensor, fail; copies between host and device are
written down with the line of code that asked for them.
"""

import importlib
import traceback
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

import mmengine.structures.instance_data as instance_data
import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode, _disable_current_modes
from torch.utils._pytree import tree_leaves, tree_map

import mmpanonas
from mmpanonas.models.layers.attention import _weights
from mmpanonas.recalibration.moments import _counts

DEVICE = torch.device("meta")
OURS = str(Path(mmpanonas.__file__).parent)
_THEIRS = ("/mmdet/", "/mmcv/", "/mmengine/")
#: Operations that take tensors of both sides; everything else refuses them.
_CROSSING = ("_to_copy", "copy_", "index", "index_put_", "_index_put_impl_", "set_")

_real_tensor = torch.tensor


class MixedDevicesError(RuntimeError):
    """What a real accelerator answers."""


class Pretended:
    """What happened on the device: copies ``to_device`` and ``to_host`` by who asked."""

    def __init__(self) -> None:
        self.to_device: Counter[str] = Counter()
        self.to_host: Counter[str] = Counter()

    def clear(self) -> None:
        """Forget what has happened."""
        self.to_device.clear()
        self.to_host.clear()


_seen = Pretended()


def _asked() -> str:
    """The innermost line of ours or of OpenMMLab's; ours begin with ``mmpanonas``."""
    for frame in reversed(traceback.extract_stack()):
        if frame.filename.startswith(OURS):
            return f"mmpanonas{frame.filename[len(OURS) :]}:{frame.lineno}"
        if any(part in frame.filename for part in _THEIRS):
            return f"{frame.filename.rpartition('site-packages/')[2]}:{frame.lineno}"
    return "the test"


def ours(copies: Counter[str]) -> dict[str, int]:
    """Those that the package itself asked for."""
    return {line: n for line, n in copies.items() if line.startswith("mmpanonas")}


class OnDevice(Tensor):
    """A tensor of the device; ``held`` has its values."""

    @staticmethod
    def __new__(cls, held: Tensor) -> "OnDevice":
        made = Tensor._make_wrapper_subclass(
            cls,
            held.shape,
            strides=held.stride(),
            storage_offset=held.storage_offset(),
            dtype=held.dtype,
            device=DEVICE,
        )
        made.held = held
        return made

    __torch_function__ = torch._C._disabled_torch_function_impl

    @classmethod
    def __torch_dispatch__(cls, func, types, args=(), kwargs=None):
        return _run(func, args, kwargs or {})

    def new_tensor(self, data, dtype=None, device=None, requires_grad=False):
        _seen.to_device[_asked()] += 1
        return OnDevice(_real_tensor(data, dtype=dtype or self.dtype))

    def __getitem__(self, index):
        if isinstance(index, list):
            _seen.to_device[_asked()] += 1
            index = OnDevice(_real_tensor(index, dtype=torch.long))
        return Tensor.__getitem__(self, index)

    def tolist(self):
        _seen.to_host[_asked()] += 1
        return self.held.tolist()

    def numpy(self, *args, **kwargs):
        raise TypeError("numpy() of a tensor of the device")

    __array__ = numpy


def _held(value):
    return value.held if isinstance(value, OnDevice) else value


def _wrapped(value):
    return (
        OnDevice(value) if isinstance(value, Tensor) and not isinstance(value, OnDevice) else value
    )


def _plain(function, args, kwargs):
    with _disable_current_modes():
        return function(*tree_map(_held, args), **tree_map(_held, kwargs))


def _check(name: str, args: tuple, kwargs: dict) -> tuple[bool, bool]:
    """Whether tensors of the device are among the arguments, and others with a dimension."""
    tensors = [t for t in tree_leaves((args, kwargs)) if isinstance(t, Tensor)]
    device = any(isinstance(t, OnDevice) for t in tensors)
    host = any(not isinstance(t, OnDevice) and t.dim() and t.numel() for t in tensors)
    if device and host and name not in _CROSSING:
        raise MixedDevicesError(f"{name} of tensors on the device and on the CPU, in {_asked()}")
    return device, host


def _note(name: str, args: tuple, device: bool, host: bool, wanted: torch.device | None) -> None:
    if name == "_to_copy" and wanted is not None and (wanted == DEVICE) != device:
        (_seen.to_device if wanted == DEVICE else _seen.to_host)[_asked()] += 1
    elif (
        name == "copy_"
        and device
        and isinstance(args[0], OnDevice) != isinstance(args[1], OnDevice)
    ):
        (_seen.to_device if isinstance(args[0], OnDevice) else _seen.to_host)[_asked()] += 1
    elif name in ("index", "index_put_", "_index_put_impl_") and device and host:
        if not isinstance(args[0], OnDevice):
            raise MixedDevicesError(f"a CPU tensor indexed on the device, in {_asked()}")
        _seen.to_device[_asked()] += 1
    elif name in ("_local_scalar_dense", "nonzero", "masked_select") and device:
        _seen.to_host[_asked()] += 1


def _run(func, args: tuple, kwargs: dict):
    name = func._schema.name.removeprefix("aten::")
    device, host = _check(name, args, kwargs)
    wanted = kwargs.get("device")
    wanted = None if wanted is None else torch.device(wanted)
    _note(name, args, device, host, wanted)
    here = dict(kwargs)
    if wanted is not None:
        here["device"] = torch.device("cpu")
    out = _plain(func, args, here)
    if func._schema.is_mutable and not isinstance(out, tuple | list) and out is not None:
        return next(t for t in (kwargs.get("out"), args[0]) if t is not None)
    if wanted == DEVICE or (wanted is None and device):
        return tree_map(_wrapped, out)
    return tree_map(lambda t: t.clone() if any(t is _held(a) for a in args) else t, out)


class _Mode(TorchDispatchMode):
    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        return _run(func, args, kwargs or {})


class _Operators:
    """mmcv's compiled operators, as if there were some for the device."""

    def __init__(self, module) -> None:
        self.module = module

    def __getattr__(self, name: str):
        function = getattr(self.module, name)

        def call(*args, **kwargs):
            device, _ = _check(name, args, kwargs)
            out = _plain(function, args, kwargs)
            return tree_map(_wrapped, out) if device else out

        return call


def _tensor(data, *args, device=None, **kwargs):
    made = _real_tensor(data, *args, **kwargs)
    if device is None or torch.device(device) != DEVICE:
        return made
    _seen.to_device[_asked()] += 1
    return OnDevice(made)


def move(model: nn.Module) -> nn.Module:
    """Move a detector to the device."""
    for module in model.modules():
        for name, weight in module._parameters.items():
            if weight is not None:
                moved = OnDevice(weight.detach())
                module._parameters[name] = nn.Parameter(moved, weight.requires_grad)
        for name, buffer in module._buffers.items():
            module._buffers[name] = _wrapped(buffer)
    model.data_preprocessor._device = DEVICE
    return model


@contextmanager
def pretended() -> Iterator[Pretended]:
    """Within the context there is the device; gives what happens on it."""
    _seen.clear()
    modules = [importlib.import_module(f"mmcv.ops.{name}") for name in ("roi_align", "nms")]
    patches = [mock.patch.object(m, "ext_module", _Operators(m.ext_module)) for m in modules]
    patches.append(mock.patch.object(torch, "tensor", _tensor))
    # InstanceData refuses an index whose class is none of PyTorch's own.
    patches.append(mock.patch.object(instance_data, "get_args", return_value=(object,)))
    caches = (_weights, _counts)
    for cache in caches:
        cache.cache_clear()
    for patch in patches:
        patch.start()
    try:
        with _Mode():
            yield _seen
    finally:
        for patch in patches:
            patch.stop()
        for cache in caches:
            cache.cache_clear()
