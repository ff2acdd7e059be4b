"""Hold pictures out of a training set, for a search to rank architectures by."""

import argparse

from mmpanonas.errors import run_tool
from mmpanonas.parser import Parser, of_kind
from mmpanonas.paths import FILE, NEW_FOLDER
from mmpanonas.values import PositiveInt, Seed


def parse() -> argparse.Namespace:
    """The command line."""
    parser = Parser(description=__doc__)
    parser.add_argument("ann_file", type=FILE, help="COCO panoptic or instances")
    parser.add_argument(
        "--num-val",
        type=of_kind(PositiveInt),
        required=True,
        help="pictures to hold out (COCO 5000, ADE20K 2000)",
    )
    parser.add_argument("--seed", type=of_kind(Seed), default=0, help="of the draw (default 0)")
    parser.add_argument("--out", type=NEW_FOLDER, help="folder to write to (that of ann_file)")
    return parser.parse_args()


if __name__ == "__main__":  # a wrong command line ends here: what follows takes seconds
    run_tool(parse, OSError)

from mmpanonas.datasets.nas_split import print_coverage, split_nas


def main() -> None:
    """Parse, write the two annotation files, say what nas_val covers."""
    args = parse()
    written = split_nas(args.ann_file, args.num_val, args.seed, args.out)
    for part, path in zip(("nas_train", "nas_val"), written, strict=True):
        print_coverage(part, path)


if __name__ == "__main__":
    run_tool(main, OSError)
