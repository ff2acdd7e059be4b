"""Time of reading and checking an annotation file of COCO's size, beside json.loads alone."""

import argparse
import json
import platform
import random
import time
from pathlib import Path

from mmpanonas.datasets.annotation_file import parse_panoptic_json


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


def main() -> None:
    """Parse, time both three times, print the best."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=118_287)
    parser.add_argument("--segments", type=int, default=11, help="of each image")
    args = parser.parse_args()
    data = json.dumps(made_up(args.images, args.segments)).encode()
    cpu = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line]
    print(cpu[0].split(":")[1].strip() if cpu else platform.processor())
    times = {}
    for what, read in (
        ("json.loads", json.loads),
        ("checked", lambda data: parse_panoptic_json(data, "made up")),
    ):
        for _ in range(3):
            begin = time.process_time()
            read(data)
            times[what] = min(times.get(what, 1e9), time.process_time() - begin)
        print(f"{what:12s} {times[what]:6.2f} s, {times[what] / times['json.loads']:.2f} of plain")


if __name__ == "__main__":
    main()
