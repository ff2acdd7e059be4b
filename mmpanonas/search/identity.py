"""What a search is, as plain data: on it depend its answer, its directory and the cache."""

import hashlib
import json
import os
import platform
import sys
import time
from collections.abc import Iterator, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from mmpanonas.errors import InputError
from mmpanonas.search.secrets import public_command
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
    "pictures",
    "format",
)

#: Of identities: 2 since they hold the pictures' names and sizes, 3 since pictures of like shapes
#: share a batch.
FORMAT = 3

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
        data=[
            digest(annotation_file(dataset))
            for owner in (dataloader, recalibration)
            for dataset in annotated(owner)
        ],
        pictures=[
            pictures_digest(dataset)
            for owner in (dataloader, recalibration)
            for dataset in annotated(owner)
        ],
        format=FORMAT,
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


def annotated(config: object) -> Iterator[Mapping]:
    """The data sets with an annotation file in a config, whatever wraps them."""
    if isinstance(config, Mapping):
        if "ann_file" in config:
            yield config
            return
        config = list(config.values())
    if isinstance(config, list | tuple):
        for inner in config:
            yield from annotated(inner)


def annotation_file(dataset: Mapping) -> str:
    """The path of a data set's annotation file."""
    return os.path.join(dataset.get("data_root") or "", dataset["ann_file"])


def pictures_digest(dataset: Mapping) -> str | None:
    """The SHA-256 of names and sizes of a data set's pictures and segment maps.

    None where there is no annotation file to list them (a URL, another format, or none).
    """
    path = Path(annotation_file(dataset))
    if not path.is_file():
        return None
    try:
        content, found = json.loads(path.read_text()), hashlib.sha256()
    except ValueError:  # of another format, as Pascal VOC's lists
        return None
    prefixes = dataset.get("data_prefix") or {}
    for key, prefix in (("images", "img"), ("annotations", "seg")):
        folder = Path(dataset.get("data_root") or "", prefixes.get(prefix) or "")
        for name in sorted({str(each.get("file_name")) for each in content.get(key) or ()}):
            file = folder / name
            size = file.stat().st_size if file.is_file() else None
            found.update(f"{key}/{name}: {size}\n".encode())
    return found.hexdigest()


def this_start(executor: Mapping) -> dict:
    """What ``run.json`` keeps of this process."""
    versions = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:  # runs from its folder
            versions[package] = "not installed"
    return dict(
        time=time.strftime("%Y-%m-%d %H:%M:%S"),
        command=public_command(sys.argv),
        host=platform.node(),
        executor=dict(executor),
        versions=versions,
    )
