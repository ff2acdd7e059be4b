"""List everything that is wrong with a data set in COCO panoptic format; exit code 1 if any."""

import argparse
import sys

from mmpanonas.datasets.check import find_problems
from mmpanonas.datasets.parallel import add_workers
from mmpanonas.errors import run_tool


def main() -> None:
    """Parse, check, list."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("ann_file", help="annotations in COCO panoptic format")
    parser.add_argument("img_dir", help="folder of the pictures")
    parser.add_argument("seg_dir", help="folder of the segment PNGs")
    parser.add_argument(
        "--quick", action="store_true", help="read heads and tails of files only, decode nothing"
    )
    add_workers(parser)
    args = parser.parse_args()
    number, problems = find_problems(
        args.ann_file,
        args.img_dir,
        args.seg_dir,
        decode=not args.quick,
        strict=True,
        workers=args.workers,
    )
    if problems:
        print(*problems, sep="\n")
        print(f"{args.ann_file}: {len(problems)} problems, {number} images")
        sys.exit(1)
    print(f"{args.ann_file}: {number} images are in order")


if __name__ == "__main__":
    run_tool(main, OSError)
