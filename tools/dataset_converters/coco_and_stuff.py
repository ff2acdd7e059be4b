"""COCO instances and semantic maps to COCO panoptic format."""

import argparse
from pathlib import Path

from mmpanonas.errors import keeping, run_tool
from mmpanonas.parser import Parser, add_workers
from mmpanonas.paths import FILE, FOLDER, NEW_FOLDER


def parse() -> argparse.Namespace:
    """The command line."""
    parser = Parser(description=__doc__)
    parser.add_argument("ann_file", type=FILE, help="COCO instances with masks")
    parser.add_argument("pictures", type=FOLDER, help="folder that its file names begin at")
    parser.add_argument("semantic", type=FOLDER, help="PNGs of one channel, named as the pictures")
    parser.add_argument("out", type=NEW_FOLDER, help="data set to write a split of")
    parser.add_argument(
        "--labels", type=FILE, required=True, help='JSON, names of stuff by value: {"1": "grass"}'
    )
    parser.add_argument("--split", choices=["train", "val", "test"], default="train")
    add_workers(parser)
    return parser.parse_args()


if __name__ == "__main__":  # a wrong command line ends here: what follows takes seconds
    run_tool(parse, OSError)

from mmpanonas.datasets.check import print_check
from mmpanonas.datasets.converters.coco_and_stuff import convert_coco_and_stuff


def main() -> None:
    """Parse, convert, say where the results are."""
    args = parse()
    paths = map(Path, (args.ann_file, args.pictures, args.semantic, args.labels, args.out))
    with keeping(lambda: f"what is written to '{args.out}' is not whole: start again"):
        path = convert_coco_and_stuff(*paths, args.split, args.workers)
    print(f"coco_and_stuff: {path}")
    print_check(path, Path(args.out) / "images" / args.split, path.with_suffix(""))


if __name__ == "__main__":
    run_tool(main, OSError)
