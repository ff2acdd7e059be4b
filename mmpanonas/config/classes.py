"""The class counts of a model, taken from its data."""

from mmengine.config import Config

from mmpanonas.config.datasets import annotation_paths, datasets_of
from mmpanonas.datasets import read_categories

#: Names of things and of stuff.
Classes = tuple[tuple[str, ...], tuple[str, ...]]


def class_slots(model: dict) -> list[tuple[dict, str, int]]:
    """Where a model config holds class counts: (part, key, 0 for things or 1 for stuff)."""
    roi_head = model.get("roi_head", {})
    slots = [(roi_head.get(name), "num_classes", 0) for name in ("bbox_head", "mask_head")]
    for name in ("semantic_head", "panoptic_fusion_head"):
        slots += [
            (model.get(name), "num_things_classes", 0),
            (model.get(name), "num_stuff_classes", 1),
        ]
    return [slot for slot in slots if slot[0]]


def fill_classes(cfg: Config, classes: Classes | None = None) -> None:
    """Set the class counts that the model leaves open; see :func:`load_config`."""
    open_slots = [slot for slot in class_slots(cfg.model) if slot[0].get(slot[1]) is None]
    if open_slots:
        names = classes or read_categories(annotation_paths(next(datasets_of(cfg)))[0])
        for part, key, kind in open_slots:
            part[key] = len(names[kind])
