"""Pascal VOC's segmentation to COCO panoptic format, a split at a time."""

import argparse
from pathlib import Path

from mmpanonas.command_line import add_split
from mmpanonas.errors import run_tool
from mmpanonas.parser import Parser
from mmpanonas.paths import FOLDER


def parse() -> argparse.Namespace:
    """The command line."""
    parser = Parser(description=__doc__)
    parser.add_argument("root", type=FOLDER, help="VOCdevkit/VOC2012 or another year's")
    add_split(parser)
    return parser.parse_args()


if __name__ == "__main__":  # a wrong command line ends here: what follows takes seconds
    run_tool(parse, OSError)

from mmpanonas.datasets.converters.pascal_voc import read_pascal_voc
from mmpanonas.datasets.converters.writing import convert


def main() -> None:
    """Parse, convert, say where the results are."""
    args = parse()
    convert("pascal_voc", lambda: read_pascal_voc(Path(args.root), args.split), args)


if __name__ == "__main__":
    run_tool(main, OSError)
