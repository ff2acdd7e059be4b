"""List what is wrong with a data set in COCO panoptic format; exit code 1 if a run would refuse it.

Remarks are what a run passes over, though the format does not allow it.
"""

import argparse
import sys

from mmpanonas.errors import run_tool
from mmpanonas.parser import Parser, add_workers
from mmpanonas.paths import FILE, FOLDER


def parse() -> argparse.Namespace:
    """The command line."""
    parser = Parser(description=__doc__)
    parser.add_argument("ann_file", type=FILE, help="annotations in COCO panoptic format")
    parser.add_argument("img_dir", type=FOLDER, help="folder of the pictures")
    parser.add_argument("seg_dir", type=FOLDER, help="folder of the segment PNGs")
    parser.add_argument(
        "--quick", action="store_true", help="believe the heads of files, decode no pixel of them"
    )
    add_workers(parser)
    return parser.parse_args()


if __name__ == "__main__":  # a wrong command line ends here: what follows takes seconds
    run_tool(parse, OSError)

from mmpanonas.datasets.check import print_check


def main() -> None:
    """Parse, check, list."""
    args = parse()
    if not print_check(args.ann_file, args.img_dir, args.seg_dir, not args.quick, args.workers):
        sys.exit(1)


if __name__ == "__main__":
    run_tool(main, OSError)
