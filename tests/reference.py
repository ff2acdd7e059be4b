"""Loading the arrays computed with the paper's released code (absent outside the workshop)."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

FOLDER = Path(__file__).parents[2] / "shared" / "reference"


def load(name: str) -> dict[str, np.ndarray]:
    """All arrays of one reference file; skips the test where the folder is absent."""
    path = FOLDER / name
    if not path.exists():
        pytest.skip(f"reference arrays absent: {name}")
    with np.load(path) as arrays:
        return dict(arrays)


def released_state(arrays: dict[str, np.ndarray], prefix: str) -> dict[str, torch.Tensor]:
    """The released state dict stored under ``prefix``, in its own order."""
    return {
        k.removeprefix(prefix): torch.from_numpy(v)
        for k, v in arrays.items()
        if k.startswith(prefix)
    }


def load_in_order(module: nn.Module, state: dict[str, torch.Tensor]) -> None:
    """Copy a released state into ``module`` by place: both list layers in forward order."""
    ours = module.state_dict()
    assert len(ours) == len(state)
    for key, value in zip(ours, state.values(), strict=True):
        assert ours[key].shape == value.shape, key
    module.load_state_dict(dict(zip(ours, state.values(), strict=True)))


def assert_close(actual: torch.Tensor, expected: np.ndarray, relative: float = 1e-5) -> None:
    """Largest difference relative to the largest expected magnitude."""
    expected = torch.from_numpy(expected)
    assert actual.shape == expected.shape
    assert (actual - expected).abs().max() <= relative * expected.abs().max()


#: Apart by more than any weight has rows, and small enough for float32 to hold every tag.
TAG = 2048


def tagged_state(name: str) -> dict[str, torch.Tensor]:
    """A state dict with the names and shapes of a key file, made to be recognised.

    Row r of the n-th weight holds ``TAG * n + r`` everywhere; a scalar holds ``TAG * n``.
    """
    path = FOLDER / name
    if not path.exists():
        pytest.skip(f"reference keys absent: {name}")
    state = {}
    for number, line in enumerate(path.read_text().splitlines()):
        key, shape, kind = line.split("\t")
        sizes = [] if shape == "scalar" else [int(size) for size in shape.split("x")]
        tag = torch.tensor(TAG * number, dtype=getattr(torch, kind))
        if sizes:
            tag = (tag + torch.arange(sizes[0])).view(-1, *[1] * (len(sizes) - 1)).expand(sizes)
        state[key] = tag
    return state
