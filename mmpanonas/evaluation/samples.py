"""What PQ reads from a tested data sample: the annotated and the predicted segments."""

from __future__ import annotations

import numpy as np
from mmdet.structures import INSTANCE_OFFSET

from mmpanonas.errors import InputError
from mmpanonas.evaluation.panoptic_quality import segment_areas
from mmpanonas.panoptic_png import VOID_ID, read_panoptic_png


def ground_truth(sample: dict, num_classes: int, num_things: int) -> tuple[np.ndarray, list[dict]]:
    """The annotated segment ids (H, W) of a sample and its segments in COCO's terms.

    Raises:
        InputError: the sample carries no ground truth, a label is unknown, or the PNG holds an
            id that ``segments_info`` lacks.
    """
    missing = [key for key in ("seg_map_path", "segments_info") if sample.get(key) is None]
    if missing:
        raise InputError(
            f"picture {sample['img_id']}: the sample lacks {missing}; PQ takes the ground truth "
            "from there: the meta_keys of the test pipeline's PackDetInputs must include "
            "'seg_map_path' and 'segments_info'"
        )
    path, truth = sample["seg_map_path"], read_panoptic_png(sample["seg_map_path"])
    areas = segment_areas(truth)
    segments = []
    for info in sample["segments_info"]:
        label, is_thing = info["category"], info["is_thing"]
        if not 0 <= label < num_classes:
            raise InputError(f"{path}: segment {info['id']} has label {label} of {num_classes}")
        crowd = int(label < num_things and not is_thing)
        area = areas.get(info["id"], 0)
        segments.append({"id": info["id"], "category_id": label, "iscrowd": crowd, "area": area})
    unknown = sorted(set(areas) - {VOID_ID} - {segment["id"] for segment in segments})
    if unknown:
        raise InputError(f"{path}: ids {unknown[:5]} are in the PNG and not in segments_info")
    return truth, segments


def prediction_ids(sample: dict, num_classes: int) -> tuple[np.ndarray, dict[int, int]]:
    """The predicted map (H, W) as segment ids, label + 1 + instance * offset, and their areas.

    Void (label ``num_classes``, or the prediction's own ``ignore_index``) becomes 0.

    Raises:
        InputError: no prediction in the sample, or a label beyond the classes.
    """
    if "pred_panoptic_seg" not in sample:
        raise InputError(f"picture {sample['img_id']}: the sample lacks 'pred_panoptic_seg'")
    prediction = sample["pred_panoptic_seg"]
    panoptic = np.asarray(prediction["sem_seg"].cpu())[0]
    void = {num_classes, prediction.get("ignore_index", num_classes)}
    ids, areas = panoptic + 1, {}
    for value, area in segment_areas(panoptic).items():
        label = value % INSTANCE_OFFSET
        if label in void:
            ids[panoptic == value] = VOID_ID
        elif label < num_classes:
            areas[value + 1] = area
        else:
            raise InputError(
                f"picture {sample['img_id']}: predicted label {label}; the data set has "
                f"{num_classes} classes and {num_classes} is void"
            )
    return ids, areas
