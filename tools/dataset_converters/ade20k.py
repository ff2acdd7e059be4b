"""ADE20K's 2016 release and its instance maps to COCO panoptic format (docs/data.md)."""

import argparse

from mmpanonas.errors import keeping, run_tool
from mmpanonas.parser import Parser, add_workers
from mmpanonas.paths import FOLDER


def parse() -> argparse.Namespace:
    """The command line."""
    parser = Parser(description=__doc__)
    parser.add_argument(
        "root", type=FOLDER, help="ADEChallengeData2016, with annotations_instance in it"
    )
    add_workers(parser)
    return parser.parse_args()


if __name__ == "__main__":  # a wrong command line ends here: what follows takes seconds
    run_tool(parse, OSError)

from mmpanonas.datasets.converters.ade20k import convert_ade20k


def main() -> None:
    """Parse, convert, say where the results are."""
    args = parse()
    with keeping(lambda: f"what is written to '{args.root}' is not whole: start again"):
        numbers = convert_ade20k(args.root, args.workers)
    print(
        f"ade20k: {numbers['train']} training and {numbers['val']} validation pictures are in "
        f"{args.root}/ade20k_panoptic_train.json and {args.root}/ade20k_panoptic_val.json, their "
        "segment PNGs in the folders of the same names"
    )


if __name__ == "__main__":
    run_tool(main, OSError)
