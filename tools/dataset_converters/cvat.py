"""CVAT's XML "for images 1.1" to COCO panoptic format."""

import argparse
from pathlib import Path

from mmpanonas.command_line import add_kinds, add_split
from mmpanonas.errors import run_tool
from mmpanonas.parser import Parser
from mmpanonas.paths import FILE, FOLDER


def parse() -> argparse.Namespace:
    """The command line."""
    parser = Parser(description=__doc__)
    parser.add_argument("ann_file", type=FILE, help="annotations.xml of the export")
    parser.add_argument("pictures", type=FOLDER, help="folder that its names begin at")
    add_split(parser)
    add_kinds(parser)
    return parser.parse_args()


if __name__ == "__main__":  # a wrong command line ends here: what follows takes seconds
    run_tool(parse, OSError)

from mmpanonas.datasets.converters.cvat import read_cvat
from mmpanonas.datasets.converters.writing import convert


def main() -> None:
    """Parse, convert, say where the results are."""
    args = parse()
    convert(
        "cvat",
        lambda: read_cvat(Path(args.ann_file), Path(args.pictures), args.stuff, args.ignore),
        args,
    )


if __name__ == "__main__":
    run_tool(main, OSError)
