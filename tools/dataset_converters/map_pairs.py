"""Maps of classes and maps of instance numbers, PNGs of each, to COCO panoptic format."""

import argparse
from pathlib import Path

from mmpanonas.command_line import add_split
from mmpanonas.errors import run_tool
from mmpanonas.parser import Parser, of_kind
from mmpanonas.paths import FILE, FOLDER
from mmpanonas.values import Label


def parse() -> argparse.Namespace:
    """The command line."""
    parser = Parser(description=__doc__)
    parser.add_argument("pictures", type=FOLDER, help="folder of the pictures")
    parser.add_argument("semantic", type=FOLDER, help="PNGs of one channel, named as the pictures")
    parser.add_argument("instances", type=FOLDER, help="PNGs of 8, 16 or 24 bits; 0 is no instance")
    add_split(parser)
    parser.add_argument(
        "--labels", type=FILE, required=True, help='JSON, names of classes by value: {"1": "grass"}'
    )
    parser.add_argument(
        "--stuff", nargs="+", default=[], help="classes of stuff; others are things"
    )
    parser.add_argument(
        "--void", type=of_kind(Label), nargs="+", default=[255], help="values of no class (255)"
    )
    return parser.parse_args()


if __name__ == "__main__":  # a wrong command line ends here: what follows takes seconds
    run_tool(parse, OSError)

from mmpanonas.datasets.converters.map_pairs import read_map_pairs
from mmpanonas.datasets.converters.maps import read_labels
from mmpanonas.datasets.converters.writing import convert


def main() -> None:
    """Parse, convert, say where the results are."""
    args = parse()
    folders = map(Path, (args.pictures, args.semantic, args.instances))
    convert(
        "map_pairs",
        lambda: read_map_pairs(*folders, read_labels(Path(args.labels)), args.stuff, args.void),
        args,
    )


if __name__ == "__main__":
    run_tool(main, OSError)
