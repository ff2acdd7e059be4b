"""Outputs in float32, whatever the precision that a module computes in."""

from torch import Tensor, nn


def float32_output(module: nn.Module, inputs: tuple, output: object) -> object:
    """A forward hook, by name so that a network can be pickled: the output in float32."""
    return _in_float32(output)


def _in_float32(value: object) -> object:
    """What a module's forward pass gives, tensors in float32."""
    if isinstance(value, Tensor):
        return value.float()
    if isinstance(value, dict):
        return {key: _in_float32(item) for key, item in value.items()}
    return type(value)(map(_in_float32, value))
