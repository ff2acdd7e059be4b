"""What an exported file says of itself, so that it needs no config."""

from collections.abc import Mapping

from mmcv.transforms import LoadImageFromFile, Resize
from mmdet.datasets.transforms import PackDetInputs
from mmengine.config import Config
from mmengine.registry import TRANSFORMS

from mmpanonas.config import is_kind, leaves
from mmpanonas.errors import InputError

#: Steps that leave the pixels alone, or only read annotations.
_ANNOTATIONS = ("LoadPanopticSegments", "LoadAnnotations", "LoadPanopticAnnotations")


def facts_of(cfg: Config, meta: Mapping) -> dict:
    """The size that pictures get, the colours' means, and the classes.

    Args:
        cfg: whose test pipeline holds.
        meta: metainfo of the data: ``classes``, and ``thing_classes`` where not all are things.

    Returns:
        ``classes``, ``things`` (how many come first), ``scale`` (two sides in pixels, or None for
        the picture's own size), ``keep_ratio``, ``interpolation``, ``mean``, ``std``,
        ``bgr_to_rgb``; the last three are part of the network and told for who looks.

    Raises:
        InputError: the pipeline does more to a picture than load and resize it.
    """
    resize = _resize(cfg)
    scale = resize.get("scale")
    if resize and not (isinstance(scale, list | tuple) and len(scale) == 2):
        raise InputError(f"the test pipeline's Resize has scale={scale!r}: expected two sides")
    preprocessor = cfg.model.get("data_preprocessor") or {}
    return dict(
        classes=list(meta["classes"]),
        things=len(meta.get("thing_classes", meta["classes"])),
        scale=list(scale) if resize else None,
        keep_ratio=resize.get("keep_ratio", False),
        interpolation=resize.get("interpolation", "bilinear"),
        **{key: preprocessor.get(key) for key in ("mean", "std", "bgr_to_rgb")},
    )


def _resize(cfg: Config) -> Mapping:
    """The one step that changes the size of a test picture; empty without one."""
    pipeline = next(leaves(cfg.test_dataloader)).pipeline
    scope = cfg.get("default_scope")
    found = [step for step in pipeline if is_kind(step, Resize, TRANSFORMS, scope)]
    for step in pipeline:
        known = any(
            is_kind(step, kind, TRANSFORMS, scope) for kind in (LoadImageFromFile, PackDetInputs)
        )
        if not known and step not in found and step["type"] not in _ANNOTATIONS:
            raise InputError(
                f"the test pipeline has a {step['type']}: an exported network takes pictures that "
                f"are loaded and resized, no more"
            )
    if len(found) > 1 or any(step.get("backend", "cv2") != "cv2" for step in found):
        raise InputError("the test pipeline resizes twice, or not by OpenCV: resize once, by cv2")
    return found[0] if found else {}
