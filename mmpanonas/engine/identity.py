"""What a search is, as plain data: on it depend its answer, its directory and the cache."""

import hashlib
import os
import platform
import shlex
import sys
import time
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from mmpanonas.errors import InputError
from mmpanonas.space import SearchSpace

#: The keys of an identity on which an architecture's metrics depend.
_CONTEXT = (
    "model",
    "recalibration",
    "validation",
    "evaluator",
    "precision",
    "checkpoint",
    "data",
)

_PACKAGES = (
    "torch",
    "onedl-mmcv",
    "onedl-mmengine",
    "onedl-mmdetection",
    "mmpanonas",
    "numpy",
)


def search_identity(
    model: Mapping,
    space: SearchSpace,
    dataloader: Mapping,
    evaluator: Mapping,
    recalibration: Mapping,
    precision: str,
    checkpoint: str | None,
    **searched,
) -> dict:
    """Everything that a search's answer depends on.

    Args:
        model, dataloader, evaluator, recalibration: configs.
        precision: of the forward passes.
        space: the model's.
        checkpoint: the supernet's file or URL.
        searched: what concerns the strategy alone, such as its seed.
    """
    return dict(
        model=model,
        space={
            part.name: dict(layers=part.layers, choices=list(part.choices))
            for part in space.searched
        },
        recalibration=dict(recalibration),
        validation=dict(dataset=dataloader["dataset"], batch_size=dataloader["batch_size"]),
        evaluator=evaluator,
        precision=precision,
        checkpoint=digest(checkpoint),
        data=[digest(_annotations(owner)) for owner in (dataloader, recalibration)],
        **searched,
    )


def cache_context(identity: Mapping) -> dict:
    """The part of an identity that searches which share evaluations must have in common.

    Raises:
        InputError: there is no checkpoint, so weights are random.
    """
    if identity["checkpoint"] is None:
        raise InputError(
            "val_cfg.cache: evaluations of random weights are not shared; give a checkpoint"
        )
    return {key: identity[key] for key in _CONTEXT}


def digest(path: str | None) -> str | None:
    """The SHA-256 of a file's content; what is no file (a URL) stands for itself."""
    if path is None or not Path(path).is_file():
        return path
    found = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            found.update(block)
    return found.hexdigest()


def _annotations(owner: Mapping) -> str:
    dataset = owner
    while "dataset" in dataset:
        dataset = dataset["dataset"]
    return os.path.join(dataset.get("data_root") or "", dataset["ann_file"])


def this_start(launch: str, executor: Mapping) -> dict:
    """What ``run.json`` keeps of this process."""
    versions = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:  # runs from its folder
            versions[package] = "not installed"
    return dict(
        time=time.strftime("%Y-%m-%d %H:%M:%S"),
        command=shlex.join(["python", *sys.argv]),
        host=platform.node(),
        launch=launch,
        executor=dict(executor),
        versions=versions,
    )
