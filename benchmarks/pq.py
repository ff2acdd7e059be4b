"""Time PanopticQualityMetric beside MMDetection's CocoPanopticMetric on the same predictions.

    python benchmarks/pq.py [--pictures 100] [--height 480] [--width 640] [--instances 20]

Synthetic pictures of 133 classes: a grid of stuff with rectangles of things as the ground
truth, the same shifted and in part with other labels as the prediction. Both metrics are timed
from the data samples a runner hands them to the numbers: reading the ground-truth PNGs
included and, in MMDetection's, writing the predictions as PNGs and reading them back. Both
must give the same PQ.
"""

import argparse
import contextlib
import io
import json
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from mmdet.evaluation.metrics import CocoPanopticMetric
from mmdet.structures import INSTANCE_OFFSET

from mmpanonas.evaluation import PanopticQualityMetric
from mmpanonas.panoptic_png import write_panoptic_png

THINGS, STUFF = 80, 53
VOID = THINGS + STUFF
NAMES = [f"class {label}" for label in range(VOID)]
META = {"classes": NAMES, "thing_classes": NAMES[:THINGS], "stuff_classes": NAMES[THINGS:]}


def draw(rng, height: int, width: int, instances: int):
    """Ground truth as panoptic labels, and a prediction that is right in part."""
    coarse = rng.integers(THINGS, VOID, 5)[rng.integers(0, 5, (4, 4))]
    cell = np.ones((-(-height // 4), -(-width // 4)), np.int32)
    truth = np.kron(coarse, cell)[:height, :width].astype(np.int32)
    prediction = np.roll(truth, 9, 1)
    for number in range(1, instances + 1):
        h, w = (rng.uniform(0.05, 0.3, 2) * [height, width]).astype(int)
        y, x = rng.integers(0, height - h), rng.integers(0, width - w)
        label = int(rng.integers(0, THINGS))
        truth[y : y + h, x : x + w] = label + number * INSTANCE_OFFSET
        other = label if rng.random() < 0.7 else int(rng.integers(0, THINGS))
        dy, dx = rng.integers(0, 9, 2)
        prediction[y + dy : y + h, x + dx : x + w] = other + number * INSTANCE_OFFSET
    truth[:8] = VOID
    return truth, prediction


def make_samples(folder: Path, args) -> list[dict]:
    """Write ground truth (PNGs, ann.json) and return data samples as a runner hands them out."""
    rng = np.random.default_rng(0)
    images, annotations, samples = [], [], []
    for img_id in range(1, args.pictures + 1):
        truth, prediction = draw(rng, args.height, args.width, args.instances)
        values, areas = np.unique(truth, return_counts=True)
        ids = np.where(truth == VOID, 0, truth + 1)
        path = folder / f"{img_id:06}.png"
        write_panoptic_png(path, ids)
        segments, infos = [], []
        for value, area in zip(values.tolist(), areas.tolist(), strict=True):
            label = value % INSTANCE_OFFSET
            if label == VOID:
                continue
            segment = {"id": value + 1, "category_id": label, "area": area, "iscrowd": 0}
            segments.append({**segment, "bbox": [0, 0, 1, 1]})
            infos.append({"id": value + 1, "category": label, "is_thing": label < THINGS})
        size = {"height": args.height, "width": args.width}
        images.append({"id": img_id, "file_name": f"{img_id:06}.jpg", **size})
        annotation = {"image_id": img_id, "file_name": path.name, "segments_info": segments}
        annotations.append(annotation)
        samples.append(
            {
                "img_id": img_id,
                "img_path": f"{img_id:06}.jpg",
                "ori_shape": truth.shape,
                "seg_map_path": str(path),
                "segments_info": infos,
                "pred_panoptic_seg": {"sem_seg": torch.from_numpy(prediction)[None]},
            }
        )
    categories = [
        {"id": i, "name": name, "isthing": int(i < THINGS)} for i, name in enumerate(NAMES)
    ]
    content = {"images": images, "annotations": annotations, "categories": categories}
    (folder / "ann.json").write_text(json.dumps(content))
    return samples


def evaluate(metric, samples: list[dict]) -> tuple[float, dict]:
    """Seconds and the metrics; logging is kept off the screen."""
    metric.dataset_meta = META
    with contextlib.redirect_stdout(io.StringIO()):
        start = time.perf_counter()
        for sample in samples:
            metric.process({}, [sample])
        metrics = metric.evaluate(len(samples))
        return time.perf_counter() - start, metrics


def copied(samples: list[dict]) -> list[dict]:
    """MMDetection's metric writes into the predictions, so each run gets its own."""
    return [
        {**s, "pred_panoptic_seg": {"sem_seg": s["pred_panoptic_seg"]["sem_seg"].clone()}}
        for s in samples
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pictures", type=int, default=100)
    parser.add_argument("--height", type=int, default=480)
    parser.add_argument("--width", type=int, default=640)
    parser.add_argument("--instances", type=int, default=20)
    args = parser.parse_args()

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        samples = make_samples(folder, args)
        theirs, reference = evaluate(
            CocoPanopticMetric(ann_file=str(folder / "ann.json"), seg_prefix=name),
            copied(samples),
        )
        ours, metrics = evaluate(PanopticQualityMetric(), copied(samples))
        prefix = str(folder / "out" / "results")
        writing, _ = evaluate(PanopticQualityMetric(outfile_prefix=prefix), copied(samples))

    print(f"{args.pictures} synthetic pictures of {args.height} x {args.width}, {VOID} classes,")
    print(f"{args.instances} things a picture, CPU, one process, ms per picture:")
    for label, seconds in (
        ("PanopticQualityMetric", ours),
        ("PanopticQualityMetric, writing files", writing),
        ("CocoPanopticMetric (writes files)", theirs),
    ):
        milliseconds = 1000 * seconds / args.pictures
        print(f"  {label:38} {milliseconds:8.2f}   {theirs / seconds:6.1f} x")
    difference = max(abs(metrics[key] - reference[key]) for key in reference)
    print(f"PQ {metrics['coco_panoptic/PQ']:.6f} in both (largest difference {difference:.1e})")
    if difference > 1e-9:
        raise SystemExit("the two metrics disagree")


if __name__ == "__main__":
    main()
