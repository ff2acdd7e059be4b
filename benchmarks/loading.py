"""Time LoadPanopticSegments beside MMDetection's LoadPanopticAnnotations on the same pictures.

    python benchmarks/loading.py [--pictures 20] [--rounds 5] [--cpu-time]

Pictures of 640 x 480 shapes with many objects are rendered into a temporary folder; the real
sets beside the checkout (../shared/data) follow where they are present. Timed is one picture's
annotation: PNG read and decoded, boxes, labels, masks and semantic map. Both loaders must give
the same arrays. "PNG alone" is our reading of the PNG, which is a part of ours.
"""

import argparse
import dataclasses
import tempfile
from pathlib import Path

import numpy as np
from common import SHARED, in_turn, machine, use_cpu_time
from mmdet.datasets.transforms import LoadPanopticAnnotations
from mmengine.registry import init_default_scope

from mmpanonas.datasets import LoadPanopticSegments, PanopticDataset
from mmpanonas.datasets.shapes import DIFFICULTY, write_shapes
from mmpanonas.panoptic.png import read_panoptic_png

SETS = [("coco_sample", "val"), ("cwfid", "train"), ("camvid", "train")]


def read_samples(root: Path, split: str, number: int) -> list[dict]:
    """What a data set hands to its pipeline, with the size that reading the picture adds."""
    dataset = PanopticDataset(
        data_root=str(root),
        ann_file=f"annotations/panoptic_{split}.json",
        data_prefix={"img": f"images/{split}/", "seg": f"annotations/panoptic_{split}/"},
    )
    samples = [dataset.get_data_info(i) for i in range(min(number, len(dataset)))]
    return [sample | {"ori_shape": (sample["height"], sample["width"])} for sample in samples]


def load(transform, samples: list[dict]) -> None:
    """Load one picture after the other, as a pipeline does: none is kept."""
    for sample in samples:
        transform(dict(sample))


def read(samples: list[dict]) -> None:
    for sample in samples:
        read_panoptic_png(sample["seg_map_path"])


def assert_equal(ours, theirs, samples: list[dict]) -> None:
    """Compare every array that the loaders add."""
    for sample in samples:
        mine, other = ours(dict(sample)), theirs(dict(sample))
        np.testing.assert_array_equal(mine["gt_masks"].masks, other["gt_masks"].masks)
        np.testing.assert_array_equal(mine["gt_seg_map"], other["gt_seg_map"])
        np.testing.assert_array_equal(mine["gt_bboxes"].numpy(), other["gt_bboxes"].numpy())
        for key in ("gt_bboxes_labels", "gt_ignore_flags"):
            np.testing.assert_array_equal(mine[key], other[key])


def report(name: str, samples: list[dict], rounds: int) -> None:
    """Compare, time and print one row."""
    ours, theirs = LoadPanopticSegments(), LoadPanopticAnnotations()
    assert_equal(ours, theirs, samples)
    functions = {
        "ours": lambda: load(ours, samples),
        "theirs": lambda: load(theirs, samples),
        "png": lambda: read(samples),
    }
    seconds = in_turn(functions, rounds)
    mine, other, png = (1000 * min(seconds[key]) / len(samples) for key in functions)
    segments = np.mean([len(sample["segments_info"]) for sample in samples])
    size = f"{samples[0]['width']}x{samples[0]['height']}"
    print(
        f"{name:22} {len(samples):8} {size:>8} {segments:8.1f} {mine:8.2f} {other:8.2f} "
        f"{other / mine:6.1f} {png:9.2f}",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pictures", type=int, default=20, help="at most, per set")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--cpu-time", action="store_true", help="for a machine that others use")
    args = parser.parse_args()

    init_default_scope("mmdet")
    clock = use_cpu_time(args.cpu_time)
    print(f"{machine()}; milli{clock} per picture, minimum of {args.rounds} rounds in turn; equal")
    print(f"{'set':22} pictures     size segments     ours    mmdet  ratio  PNG alone")
    with tempfile.TemporaryDirectory() as name:
        for objects in (4, 20, 60):
            folder = Path(name) / str(objects)
            crowded = dataclasses.replace(
                DIFFICULTY, objects=(objects, objects), radius=(5.0, 64.0 / objects**0.5)
            )
            write_shapes(folder, {"val": args.pictures}, (480, 640), difficulty=crowded)
            samples = read_samples(folder, "val", args.pictures)
            report(f"shapes, {objects} objects", samples, args.rounds)
    for name, split in SETS:
        if (SHARED / name).is_dir():
            report(name, read_samples(SHARED / name, split, args.pictures), args.rounds)


if __name__ == "__main__":
    main()
