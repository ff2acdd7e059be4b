"""Write the embedded data set "shapes" in COCO panoptic format."""

import argparse

from mmpanonas.errors import InputError, keeping, run_tool
from mmpanonas.parser import Parser, of_kind
from mmpanonas.paths import NEW_FOLDER
from mmpanonas.values import Count, Pixels, Seed


def parse() -> argparse.Namespace:
    """The command line."""
    parser = Parser(description=__doc__)
    parser.add_argument(
        "out", type=NEW_FOLDER, help="folder to write to: new, empty, or written by this tool"
    )
    parser.add_argument(
        "--train", type=of_kind(Count), default=400, help="training pictures (default 400)"
    )
    parser.add_argument(
        "--val", type=of_kind(Count), default=100, help="validation pictures (default 100)"
    )
    parser.add_argument(
        "--size",
        type=of_kind(Pixels),
        nargs=2,
        default=(128, 128),
        metavar=("HEIGHT", "WIDTH"),
        help="in pixels (default 128 128); objects grow with the smaller side",
    )
    parser.add_argument("--seed", type=of_kind(Seed), default=0, help="of all pictures (default 0)")
    return parser.parse_args()


if __name__ == "__main__":  # a wrong command line ends here: what follows takes seconds
    run_tool(parse, OSError)

from mmpanonas.datasets.shapes import write_shapes


def main() -> None:
    """Parse, write the data set unless it is there already, say where it is."""
    args = parse()
    num_images = {"train": args.train, "val": args.val}
    with keeping(lambda: f"'{args.out}' is not whole: make room there, and start again"):
        try:
            written = write_shapes(args.out, num_images, tuple(args.size), args.seed, progress=True)
        except FileExistsError as error:
            raise InputError(str(error)) from None
    if not written:
        print(f"'{args.out}' already holds these pictures: nothing to do")
    print(
        f"shapes: {args.train} training and {args.val} validation pictures of {args.size[0]} x "
        f"{args.size[1]} (height x width) are in {args.out}/images, their annotations in "
        f"{args.out}/annotations"
    )


if __name__ == "__main__":
    run_tool(main, OSError)
