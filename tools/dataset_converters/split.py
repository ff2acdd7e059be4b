"""Divide a COCO panoptic data set into train, val and test, and train into nas_train and nas_val.

Each part has each class in about the share that it has of all pictures, and at least once where
there are enough. Pictures and segment PNGs are linked to.
"""

import argparse
from pathlib import Path

from mmpanonas.errors import run_tool
from mmpanonas.parser import Parser, of_kind
from mmpanonas.paths import FILE, FOLDER, NEW_FOLDER
from mmpanonas.values import Probability, Seed


def parse() -> argparse.Namespace:
    """The command line."""
    parser = Parser(description=__doc__)
    parser.add_argument("ann_file", type=FILE, help="annotations in COCO panoptic format")
    parser.add_argument("pictures", type=FOLDER, help="folder that its file names begin at")
    parser.add_argument("seg_dir", type=FOLDER, help="folder of its segment PNGs")
    parser.add_argument("out", type=NEW_FOLDER, help="data set to write")
    for part in ("val", "test", "nas-val"):
        parser.add_argument(
            f"--{part}",
            type=of_kind(Probability),
            default=0.1,
            help=f"share of the annotated pictures for {part.replace('-', '_')} (0.1)",
        )
    parser.add_argument("--seed", type=of_kind(Seed), default=0, help="of the draw (default 0)")
    return parser.parse_args()


if __name__ == "__main__":  # a wrong command line ends here: what follows takes seconds
    run_tool(parse, OSError)

from mmpanonas.datasets.nas_split import print_coverage
from mmpanonas.datasets.split import split_panoptic


def main() -> None:
    """Parse, divide, say what each part has."""
    args = parse()
    shares = dict(val=args.val, test=args.test, nas_val=args.nas_val)
    paths = map(Path, (args.ann_file, args.pictures, args.seg_dir, args.out))
    for part, path in split_panoptic(*paths, shares, args.seed).items():
        print_coverage(part, path)


if __name__ == "__main__":
    run_tool(main, OSError)
