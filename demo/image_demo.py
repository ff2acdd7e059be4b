"""Segment pictures: panoptic results in the COCO format, and pictures of them.

image_demo.py PICTURES --config CONFIG --checkpoint FILE; PICTURES are files or folders of them.
"""

import argparse
import re
from pathlib import Path

from mmpanonas.errors import run_tool
from mmpanonas.options import add_config_options
from mmpanonas.parser import Parser, of_kind
from mmpanonas.paths import CHECKPOINT, CONFIG, FILE, NEW_FOLDER, PICTURES
from mmpanonas.values import PositiveInt


def device(text: str) -> str:
    """An argument's ``type``: a device's name. Whether this machine has it, PyTorch knows."""
    if not re.fullmatch(r"[a-z]+(:\d+)?", text):
        raise argparse.ArgumentTypeError(f"expected cpu, or cuda:0 and so on, got {text!r}")
    return text


def parse() -> argparse.Namespace:
    """The command line."""
    parser = Parser(description=__doc__)
    parser.add_argument("pictures", nargs="+", type=PICTURES, help="pictures, or folders of them")
    parser.add_argument("--config", type=CONFIG, required=True, help="of the network")
    parser.add_argument(
        "--checkpoint", type=CHECKPOINT, required=True, help="of this config's network"
    )
    parser.add_argument(
        "--out-dir", type=NEW_FOLDER, default="outputs", help="folder for the results"
    )
    parser.add_argument("--device", type=device, help="such as cuda:1 or cpu")
    parser.add_argument(
        "--batch-size", type=of_kind(PositiveInt), default=1, help="pictures at a time"
    )
    parser.add_argument("--no-save-vis", action="store_true", help="draw no pictures")
    parser.add_argument("--no-save-pred", action="store_true", help="write no panoptic results")
    parser.add_argument(
        "--ann-file",
        type=FILE,
        help="annotation file whose category ids the results use; else label + 1",
    )
    parser.add_argument(
        "--trust-checkpoint", action="store_true", help="let the checkpoint run code"
    )
    add_config_options(parser)
    nothing, ids = "nothing would be written", "no results are written that need its ids"
    parser.excludes("--no-save-vis", "--no-save-pred", nothing)
    parser.excludes("--ann-file", "--no-save-pred", ids)
    parser.replaces("--trust-checkpoint", "trust_checkpoint")
    return parser.parse_args()


if __name__ == "__main__":  # a wrong command line ends here: what follows takes seconds
    run_tool(parse)

from mmpanonas.config import check_writable
from mmpanonas.inference import PanopticInferencer, PicturesError, list_pictures
from mmpanonas.inference.options import check_device


def main() -> None:
    """Parse, load, segment."""
    args = parse()
    check_device(args.device)
    pictures = list_pictures(args.pictures)
    check_writable(args.out_dir, "output folder", "--out-dir")
    options = dict(args.cfg_options or {})
    if args.trust_checkpoint:
        options["trust_checkpoint"] = True
    inferencer = PanopticInferencer(
        args.config, args.checkpoint, args.device, options, args.ann_file
    )
    what = dict(no_save_vis=args.no_save_vis, no_save_pred=args.no_save_pred)
    problem, count = None, len(pictures)
    try:
        inferencer(pictures, args.batch_size, out_dir=args.out_dir, **what)
    except PicturesError as error:
        problem, count = error, len(error.results["predictions"])
    places = [] if args.no_save_pred else [str(inferencer.results(args.out_dir).json_path)]
    places += [] if args.no_save_vis else [str(Path(args.out_dir) / "vis")]
    if count:
        number = f"{count} picture{'s' * (count > 1)}"
        print(f"results of {number}: {', '.join(places)}")
    if problem:
        raise problem


if __name__ == "__main__":
    run_tool(main)
