"""CPU time and memory of an annotation file of COCO's size: read, checked, held, split.

python benchmarks/annotation_file.py [--images 118287]
"""

import argparse
import gc
import json
import platform
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from mmpanonas.datasets import PanopticDataset
from mmpanonas.datasets.annotations.file import parse_panoptic_json
from mmpanonas.datasets.nas_split import split_nas


def made_up(images: int, segments: int) -> dict:
    """A file of ``images`` pictures with ``segments`` segments each, keys as in COCO's."""
    draw = random.Random(0).randrange
    content = {"info": {}, "licenses": [], "images": [], "annotations": []}
    content["categories"] = [
        {"id": n + 1, "name": f"class {n}", "supercategory": "x", "isthing": int(n < 80)}
        for n in range(133)
    ]
    for n in range(images):
        stem = f"{n:012d}"
        content["images"].append(
            {"id": n, "file_name": f"{stem}.jpg", "height": 480, "width": 640, "license": 1}
        )
        listed = [
            {
                "id": draw(1, 1 << 24),
                "category_id": draw(1, 134),
                "area": draw(1, 10_000),
                "bbox": [draw(600), draw(400), draw(1, 100), draw(1, 100)],
                "iscrowd": 0,
            }
            for _ in range(segments)
        ]
        content["annotations"].append(
            {"image_id": n, "file_name": f"{stem}.png", "segments_info": listed}
        )
    return content


def plain(path: Path) -> object:
    """What Python alone takes."""
    return json.loads(path.read_bytes())


def checked(path: Path) -> object:
    """Every value looked at by type and range."""
    return parse_panoptic_json(path.read_bytes(), path)


def data_set(path: Path) -> object:
    """What each rank of a training does, and holds."""
    return PanopticDataset(str(path))


def split(path: Path) -> object:
    """The held-out 5,000, both files written."""
    return split_nas(path, 5000)


PARTS = {
    "json.loads": plain,
    "read and checked": checked,
    "data set": data_set,
    "split": split,
}


def resident() -> float:
    """GiB of this process."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**30


def measure(part: str, path: Path) -> None:
    """CPU seconds, and GiB at the highest and held in the end, beyond those of the imports."""
    before, begin = resident(), time.process_time()
    kept = PARTS[part](path)
    seconds = time.process_time() - begin
    gc.collect()
    highest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    held = resident() - before
    print(f"{part:17s} {seconds:6.2f} s, {highest - before:5.2f} GiB, {held:5.2f} held")
    del kept


def main() -> None:
    """Write the file, then run each part in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=118_287)
    parser.add_argument("--segments", type=int, default=11, help="of each image")
    parser.add_argument("--part", nargs=2, metavar=("PART", "FILE"), help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.part:
        measure(args.part[0], Path(args.part[1]))
        return
    cpu = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line]
    print(cpu[0].split(":")[1].strip() if cpu else platform.processor())
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "panoptic_train.json"
        path.write_text(json.dumps(made_up(args.images, args.segments)))
        print(f"{args.images} pictures, {path.stat().st_size / 2**20:.0f} MiB")
        for part in PARTS:
            subprocess.run([sys.executable, __file__, "--part", part, path], check=True)


if __name__ == "__main__":
    main()
