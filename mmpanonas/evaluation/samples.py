"""What PQ reads from a tested data sample: the annotated and the predicted segments."""

from __future__ import annotations

import numpy as np
from mmdet.structures import INSTANCE_OFFSET

from mmpanonas.errors import InputError
from mmpanonas.panoptic.png import VOID_ID, read_panoptic_png
from mmpanonas.panoptic.runs import Runs

_FURTHER = "sem_seg_"


def ground_truth(
    sample: dict, num_classes: int, num_things: int
) -> tuple[np.ndarray, dict[int, tuple[int, bool]]]:
    """The annotated segment ids (H, W) of a sample; per id its label and whether it is a crowd.

    Segments that the data set leaves out (the sample's ``void_ids``) become void; all of a picture
    without annotation (no segments, ``seg_map_path`` None) is void.

    Raises:
        InputError: the sample carries no ground truth, or a label is unknown.
    """
    missing = [key for key in ("seg_map_path", "segments_info") if key not in sample]
    if not missing and sample["segments_info"] and sample["seg_map_path"] is None:
        missing = ["seg_map_path"]
    if missing:
        raise InputError(
            f"picture {sample['img_id']}: the sample lacks {missing}; PQ takes the ground truth "
            "from there: the meta_keys of the test pipeline's PackDetInputs must include "
            "'seg_map_path' and 'segments_info'"
        )
    path, segments = sample["seg_map_path"], {}
    for info in sample["segments_info"]:
        label = info["category"]
        if not 0 <= label < num_classes:
            raise InputError(f"{path}: segment {info['id']} has label {label} of {num_classes}")
        is_crowd = not info["is_thing"] if label < num_things else info.get("is_crowd", False)
        segments[info["id"]] = label, is_crowd
    if path is None:
        return np.full(sample["ori_shape"][:2], VOID_ID, np.int32), {}
    ids, void_ids = read_panoptic_png(path), sample.get("void_ids", ())
    if void_ids:
        ids = np.where(np.isin(ids, void_ids), VOID_ID, ids)
    return ids, segments


def further_maps(sample: dict) -> list[str]:
    """Names of the predicted maps that a sample holds beside the first, as ``sem_seg_<name>``."""
    keys = sample["pred_panoptic_seg"].keys()
    return [key.removeprefix(_FURTHER) for key in keys if key.startswith(_FURTHER)]


def prediction_ids(sample: dict, num_classes: int, name: str | None = None) -> np.ndarray:
    """The predicted map (H, W) as segment ids, label + 1 + instance number * offset.

    Of several maps it is the first, or the further one of that ``name``.

    Void (label ``num_classes``, or the prediction's own ``ignore_index``) becomes 0.

    Raises:
        InputError: no prediction in the sample, or a label beyond the classes.
    """
    if "pred_panoptic_seg" not in sample:
        raise InputError(f"picture {sample['img_id']}: the sample lacks 'pred_panoptic_seg'")
    prediction = sample["pred_panoptic_seg"]
    panoptic = np.asarray(prediction[_FURTHER + name if name else "sem_seg"].cpu())[0]
    runs = Runs.of(panoptic)
    values = runs.values(panoptic)
    labels = values % INSTANCE_OFFSET
    void = np.isin(labels, [num_classes, prediction.get("ignore_index", num_classes)])
    unknown = labels[~void & (labels > num_classes)]
    if unknown.size:
        raise InputError(
            f"picture {sample['img_id']}: predicted label {unknown[0]}; the data set has "
            f"{num_classes} classes and {num_classes} is void"
        )
    return runs.paint(np.where(void, VOID_ID, values + 1))


def predicted_label(segment_id: int) -> int:
    """The label of a segment that :func:`prediction_ids` numbered."""
    return (segment_id - 1) % INSTANCE_OFFSET
