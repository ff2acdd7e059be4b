"""Cityscapes' fine labels to COCO panoptic format, a split at a time."""

import argparse
from pathlib import Path

from mmpanonas.command_line import SPLITS, add_split
from mmpanonas.errors import run_tool
from mmpanonas.parser import Parser
from mmpanonas.paths import FOLDER


def parse() -> argparse.Namespace:
    """The command line."""
    parser = Parser(description=__doc__)
    parser.add_argument("root", type=FOLDER, help="holds leftImg8bit and gtFine, unpacked")
    add_split(parser, SPLITS[:2])
    return parser.parse_args()


if __name__ == "__main__":  # a wrong command line ends here: what follows takes seconds
    run_tool(parse, OSError)

from mmpanonas.datasets.converters.cityscapes import read_cityscapes
from mmpanonas.datasets.converters.writing import convert


def main() -> None:
    """Parse, convert, say where the results are."""
    args = parse()
    convert("cityscapes", lambda: read_cityscapes(Path(args.root), args.split), args)


if __name__ == "__main__":
    run_tool(main, OSError)
