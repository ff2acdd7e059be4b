"""Check a data set in COCO panoptic format: annotations, pictures and segment PNGs."""

import argparse
import sys

from mmpanonas.datasets.check import check_panoptic


def parse_args() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("ann_file", help="annotations in COCO panoptic format")
    parser.add_argument("img_dir", help="folder of the pictures")
    parser.add_argument("seg_dir", help="folder of the segment PNGs")
    parser.add_argument(
        "--quick", action="store_true", help="read heads and tails only, do not decode the PNGs"
    )
    return parser.parse_args()


def main() -> int:
    """Check; 2 if anything is wrong."""
    args = parse_args()
    try:
        number = check_panoptic(args.ann_file, args.img_dir, args.seg_dir, decode=not args.quick)
    except (OSError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(f"{number} images are in order")
    return 0


if __name__ == "__main__":
    sys.exit(main())
