"""LabelMe's JSON files, one beside each picture, to COCO panoptic format."""

import argparse
from pathlib import Path

from mmpanonas.command_line import add_kinds, add_split
from mmpanonas.errors import run_tool
from mmpanonas.parser import Parser
from mmpanonas.paths import FOLDER


def parse() -> argparse.Namespace:
    """The command line."""
    parser = Parser(description=__doc__)
    parser.add_argument("folder", type=FOLDER, help="of pictures with their .json files")
    add_split(parser)
    add_kinds(parser)
    return parser.parse_args()


if __name__ == "__main__":  # a wrong command line ends here: what follows takes seconds
    run_tool(parse, OSError)

from mmpanonas.datasets.converters.labelme import read_labelme
from mmpanonas.datasets.converters.writing import convert


def main() -> None:
    """Parse, convert, say where the results are."""
    args = parse()
    convert("labelme", lambda: read_labelme(Path(args.folder), args.stuff, args.ignore), args)


if __name__ == "__main__":
    run_tool(main, OSError)
