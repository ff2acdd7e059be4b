"""COCO panoptic annotations that lie elsewhere, or lack areas and boxes, to a split of a data set.

Mapillary Vistas' panoptic annotations are such; pictures and segment PNGs are linked to.
"""

import argparse
from pathlib import Path

from mmpanonas.command_line import add_split
from mmpanonas.errors import run_tool
from mmpanonas.parser import Parser
from mmpanonas.paths import FILE, FOLDER


def parse() -> argparse.Namespace:
    """The command line."""
    parser = Parser(description=__doc__)
    parser.add_argument("ann_file", type=FILE, help="annotations in COCO panoptic format")
    parser.add_argument("pictures", type=FOLDER, help="folder that its file names begin at")
    parser.add_argument("seg_dir", type=FOLDER, help="folder of its segment PNGs")
    add_split(parser)
    return parser.parse_args()


if __name__ == "__main__":  # a wrong command line ends here: what follows takes seconds
    run_tool(parse, OSError)

from mmpanonas.datasets.converters.panoptic import read_panoptic
from mmpanonas.datasets.converters.writing import convert


def main() -> None:
    """Parse, convert, say where the results are."""
    args = parse()
    convert(
        "panoptic",
        lambda: read_panoptic(*map(Path, (args.ann_file, args.pictures, args.seg_dir))),
        args,
    )


if __name__ == "__main__":
    run_tool(main, OSError)
