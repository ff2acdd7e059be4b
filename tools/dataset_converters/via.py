"""The JSON of VGG Image Annotator (VIA) to COCO panoptic format."""

import argparse
from pathlib import Path

from mmpanonas.command_line import add_kinds, add_split
from mmpanonas.errors import run_tool
from mmpanonas.parser import Parser
from mmpanonas.paths import FILE, FOLDER


def parse() -> argparse.Namespace:
    """The command line."""
    parser = Parser(description=__doc__)
    parser.add_argument("ann_file", type=FILE, help="annotations or project, as JSON")
    parser.add_argument("pictures", type=FOLDER, help="folder of its pictures")
    add_split(parser)
    add_kinds(parser)
    parser.add_argument("--attribute", help="of regions, whose values are labels (the only one)")
    return parser.parse_args()


if __name__ == "__main__":  # a wrong command line ends here: what follows takes seconds
    run_tool(parse, OSError)

from mmpanonas.datasets.converters.via import read_via
from mmpanonas.datasets.converters.writing import convert


def main() -> None:
    """Parse, convert, say where the results are."""
    args = parse()
    paths = Path(args.ann_file), Path(args.pictures)
    convert("via", lambda: read_via(*paths, args.stuff, args.ignore, args.attribute), args)


if __name__ == "__main__":
    run_tool(main, OSError)
