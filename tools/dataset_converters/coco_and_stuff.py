"""COCO instances to COCO panoptic format, stuff from their categories, semantic maps, or both."""

import argparse
from pathlib import Path

from mmpanonas.command_line import add_split
from mmpanonas.errors import run_tool
from mmpanonas.parser import Parser
from mmpanonas.paths import FILE, FOLDER


def parse() -> argparse.Namespace:
    """The command line."""
    parser = Parser(description=__doc__)
    parser.add_argument("ann_file", type=FILE, help="COCO instances with masks")
    parser.add_argument("pictures", type=FOLDER, help="folder that its file names begin at")
    add_split(parser)
    parser.add_argument("--stuff", nargs="+", default=[], help="its categories that are stuff")
    parser.add_argument("--semantic", type=FOLDER, help="PNGs of stuff, named as the pictures")
    parser.add_argument(
        "--labels", type=FILE, help='JSON, names of stuff by value of those: {"1": "grass"}'
    )
    parser.needs("--labels", "--semantic", "the folder of the maps")
    parser.needs("--semantic", "--labels", "the names of their values")
    return parser.parse_args()


if __name__ == "__main__":  # a wrong command line ends here: what follows takes seconds
    run_tool(parse, OSError)

from mmpanonas.datasets.converters.coco_and_stuff import read_coco_and_stuff
from mmpanonas.datasets.converters.writing import convert


def main() -> None:
    """Parse, convert, say where the results are."""
    args = parse()
    semantic, labels = (path and Path(path) for path in (args.semantic, args.labels))
    paths = Path(args.ann_file), Path(args.pictures)
    convert(
        "coco_and_stuff", lambda: read_coco_and_stuff(*paths, args.stuff, semantic, labels), args
    )


if __name__ == "__main__":
    run_tool(main, OSError)
