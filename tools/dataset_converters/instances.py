"""Write the things of a COCO panoptic data set as COCO instances: boxes and masks for detectors."""

import argparse

from mmpanonas.errors import run_tool
from mmpanonas.parser import Parser
from mmpanonas.paths import FILE, FOLDER, NEW_FILE


def parse() -> argparse.Namespace:
    """The command line."""
    parser = Parser(description=__doc__)
    parser.add_argument("ann_file", type=FILE, help="annotations in COCO panoptic format")
    parser.add_argument("seg_dir", type=FOLDER, help="folder of its segment PNGs")
    parser.add_argument(
        "--out", type=NEW_FILE, help='(beside it, "instances" for "panoptic" in its name)'
    )
    return parser.parse_args()


if __name__ == "__main__":  # a wrong command line ends here: what follows takes seconds
    run_tool(parse, OSError)

from mmpanonas.datasets.annotations.instances import write_instances


def main() -> None:
    """Parse, write, say where."""
    args = parse()
    print(f"wrote {write_instances(args.ann_file, args.seg_dir, args.out)}")


if __name__ == "__main__":
    run_tool(main, OSError)
