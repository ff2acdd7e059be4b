"""LabelMe's JSON files, one beside each picture, to COCO panoptic format."""

import argparse
from pathlib import Path

from mmpanonas.errors import keeping, run_tool
from mmpanonas.parser import Parser, add_workers
from mmpanonas.paths import FOLDER, NEW_FOLDER


def parse() -> argparse.Namespace:
    """The command line."""
    parser = Parser(description=__doc__)
    parser.add_argument("folder", type=FOLDER, help="of pictures with their .json files")
    parser.add_argument("out", type=NEW_FOLDER, help="data set to write a split of")
    parser.add_argument("--split", choices=["train", "val", "test"], default="train")
    parser.add_argument("--stuff", nargs="+", default=[], help="labels of stuff; others are things")
    parser.add_argument("--ignore", nargs="+", default=[], help="labels that become void")
    add_workers(parser)
    return parser.parse_args()


if __name__ == "__main__":  # a wrong command line ends here: what follows takes seconds
    run_tool(parse, OSError)

from mmpanonas.datasets.check import print_check
from mmpanonas.datasets.converters.labelme import convert_labelme


def main() -> None:
    """Parse, convert, say where the results are."""
    args = parse()
    with keeping(lambda: f"what is written to '{args.out}' is not whole: start again"):
        path, things, flat = convert_labelme(
            Path(args.folder), Path(args.out), args.split, args.stuff, args.ignore, args.workers
        )
    print(f"labelme: {path}; things: {', '.join(things) or 'none'}")
    if flat:
        print(f"  {flat} points and lines are left out: they have no area")
    print_check(path, Path(args.out) / "images" / args.split, path.with_suffix(""))


if __name__ == "__main__":
    run_tool(main, OSError)
