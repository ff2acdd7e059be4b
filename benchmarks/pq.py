"""Time PanopticQualityMetric beside MMDetection's CocoPanopticMetric on the same predictions.

    python benchmarks/pq.py [--pictures 40] [--rounds 3] [--height 480] [--width 640]
        [--instances 20] [--cpu-time]

Synthetic pictures of 133 classes: a grid of stuff with rectangles of things, some of them crowds,
as the ground truth, the same shifted and in part with other labels as the prediction. Both metrics
are timed from the data samples a runner hands them to the numbers: reading the ground-truth PNGs
included and, in MMDetection's, writing the predictions as PNGs and reading them back. Both must
give the same numbers to the last bit. Nothing is kept from one candidate of a search to the next:
the row of the ground truth says how much of ours that could save.
"""

import argparse
import contextlib
import io
import json
import tempfile
from pathlib import Path

import numpy as np
import torch
from common import in_turn, machine, use_cpu_time
from mmdet.evaluation.metrics import CocoPanopticMetric
from mmdet.structures import INSTANCE_OFFSET

from mmpanonas.evaluation import PanopticQualityMetric
from mmpanonas.panoptic.png import read_panoptic_png, write_panoptic_png

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
            crowd = label < THINGS and rng.random() < 0.1
            segment = {"id": value + 1, "category_id": label, "area": area, "iscrowd": int(crowd)}
            segments.append({**segment, "bbox": [0, 0, 1, 1]})
            is_thing = label < THINGS and not crowd
            infos.append({"id": value + 1, "category": label, "is_thing": is_thing})
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


def evaluate(metric, samples: list[dict]) -> dict:
    """The metrics; logging is kept off the screen."""
    metric.dataset_meta = META
    with contextlib.redirect_stdout(io.StringIO()):
        for sample in samples:
            metric.process({}, [sample])
        return metric.evaluate(len(samples))


def copied(samples: list[dict]) -> list[dict]:
    """MMDetection's metric writes into the predictions, so each round gets its own."""
    return [
        {**s, "pred_panoptic_seg": {"sem_seg": s["pred_panoptic_seg"]["sem_seg"].clone()}}
        for s in samples
    ]


def read(samples: list[dict]) -> None:
    for sample in samples:
        read_panoptic_png(sample["seg_map_path"])


def compare(folder: Path, args) -> tuple[dict[str, list[float]], dict]:
    """Seconds of each round, by row, and the metrics, which must be equal."""
    samples = make_samples(folder, args)
    copies = iter([copied(samples) for _ in range(args.rounds + 1)])
    prefix = str(folder / "out" / "results")
    answers = {}

    def theirs():
        metric = CocoPanopticMetric(ann_file=str(folder / "ann.json"), seg_prefix=str(folder))
        answers["theirs"] = evaluate(metric, next(copies))

    def ours():
        answers["ours"] = evaluate(PanopticQualityMetric(), samples)

    seconds = in_turn(
        {
            "CocoPanopticMetric (writes files)": theirs,
            "PanopticQualityMetric": ours,
            "  of it reading the ground truth": lambda: read(samples),
            "PanopticQualityMetric, writing files": lambda: evaluate(
                PanopticQualityMetric(outfile_prefix=prefix), samples
            ),
        },
        args.rounds,
    )
    if answers["ours"] != answers["theirs"]:
        raise SystemExit(f"the two metrics disagree: {answers}")
    return seconds, answers["ours"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pictures", type=int, default=40)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--height", type=int, default=480)
    parser.add_argument("--width", type=int, default=640)
    parser.add_argument("--instances", type=int, default=20)
    parser.add_argument("--cpu-time", action="store_true", help="for a machine that others use")
    args = parser.parse_args()

    clock = use_cpu_time(args.cpu_time)
    with tempfile.TemporaryDirectory() as name:
        seconds, metrics = compare(Path(name), args)
    print(machine())
    print(f"{args.pictures} synthetic pictures of {args.height} x {args.width}, {VOID} classes,")
    print(f"{args.instances} things a picture; milli{clock} per picture, minimum of {args.rounds}:")
    theirs, *_ = (min(each) for each in seconds.values())
    for row, each in seconds.items():
        print(f"  {row:38} {1000 * min(each) / args.pictures:8.2f} {theirs / min(each):6.1f} x")
    print(f"PQ {metrics['coco_panoptic/PQ']:.6f}, SQ, RQ and those of the groups: equal in both")


if __name__ == "__main__":
    main()
