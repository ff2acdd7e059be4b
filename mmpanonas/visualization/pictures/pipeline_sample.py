"""What a data set's pipeline feeds to a network, as a panel."""

import os

import numpy as np
from mmdet.structures import DetDataSample

from mmpanonas.visualization.pictures.hook import panoptic_truth
from mmpanonas.visualization.pictures.panels import PanelSample
from mmpanonas.visualization.pictures.segments import CLEAR, INSTANCE_OFFSET, resize


def pipeline_sample(item: dict, num_classes: int) -> PanelSample:
    """Read what a panel shows of a packed sample, such as ``dataset[0]``.

    ``item`` has ``inputs`` (BGR, (3, H, W)) and ``data_samples``. Boxes, masks and the semantic
    map are those that were fed; a sample without them, as a test pipeline makes, shows the
    panoptic ground truth that it names, scaled to the picture's size.

    Raises:
        InputError: the panoptic PNG is missing or cannot be decoded.
    """
    sample = item["data_samples"]
    pixels = item["inputs"].permute(1, 2, 0).numpy()[..., ::-1]
    image = np.ascontiguousarray(np.clip(np.rint(pixels), 0, 255).astype(np.uint8))
    panel = dict(image=image, name=os.path.basename(sample.img_path))
    if "gt_sem_seg" in sample:
        semantic = sample.gt_sem_seg.sem_seg[0].numpy().astype(np.int64)
        panel["semantic"] = semantic
    if len(sample.get("gt_instances", ())) or "semantic" in panel:
        panel |= _instances(sample, image.shape[:2])
    else:
        truth = panoptic_truth(sample, num_classes)
        panel["truth"] = truth if truth is None else resize(truth, image.shape[:2], smooth=False)
    return PanelSample(**panel)


def _instances(sample: DetDataSample, size: tuple[int, int]) -> dict:
    """The map of masks (H, W), numbered within their class, and their boxes."""
    found, ids = sample.gt_instances, np.full(size, CLEAR, np.int64)
    labels = found.labels.tolist()
    codes = [
        label + INSTANCE_OFFSET * labels[: place + 1].count(label)
        for place, label in enumerate(labels)
    ]
    boxes = getattr(found.bboxes, "tensor", found.bboxes)
    for code, mask in zip(codes, found.get("masks", ()), strict=False):
        ids[np.asarray(mask, bool)] = code
    return dict(instances=ids, boxes=dict(zip(codes, boxes.tolist(), strict=True)))
