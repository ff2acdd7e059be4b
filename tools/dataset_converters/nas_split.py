"""Hold pictures out of a training set, for a search to rank architectures by."""

import argparse
import sys

from mmpanonas.datasets.nas_split import split_nas


def parse_args() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("ann_file", help="training annotations in COCO panoptic format")
    parser.add_argument(
        "--num-val", type=int, required=True, help="pictures to hold out (COCO 5000, ADE20K 2000)"
    )
    parser.add_argument("--seed", type=int, default=0, help="of the draw (default 0)")
    return parser.parse_args()


def main() -> int:
    """Write the two annotation files; 2 after an error."""
    args = parse_args()
    try:
        train_path, val_path = split_nas(args.ann_file, args.num_val, args.seed)
    except (OSError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(f"nas_train: {train_path}\nnas_val:   {val_path} ({args.num_val} pictures)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
