"""Segment pictures: panoptic results in the COCO format, and pictures of them.

image_demo.py PICTURES --config CONFIG --checkpoint FILE; PICTURES are files or folders of them.
"""

from pathlib import Path

from mmpanonas.config import check_writable
from mmpanonas.errors import InputError, run_tool
from mmpanonas.inference import PanopticInferencer, PicturesError, list_pictures
from mmpanonas.options import Parser, add_config_options, of_kind
from mmpanonas.values import PositiveInt


def main() -> None:
    """Parse, load, segment."""
    parser = Parser(description=__doc__)
    parser.add_argument("pictures", nargs="+", help="pictures, or folders of them")
    parser.add_argument("--config", required=True, help="of the network")
    parser.add_argument("--checkpoint", required=True, help="of this config's network")
    parser.add_argument("--out-dir", default="outputs", help="folder for the results")
    parser.add_argument("--device", help="such as cuda:1 or cpu")
    parser.add_argument(
        "--batch-size", type=of_kind(PositiveInt), default=1, help="pictures at a time"
    )
    parser.add_argument("--no-save-vis", action="store_true", help="draw no pictures")
    parser.add_argument("--no-save-pred", action="store_true", help="write no panoptic results")
    parser.add_argument(
        "--ann-file", help="annotation file whose category ids the results use; else label + 1"
    )
    parser.add_argument(
        "--trust-checkpoint", action="store_true", help="let the checkpoint run code"
    )
    add_config_options(parser)
    args = parser.parse_args()
    if args.no_save_vis and args.no_save_pred:
        raise InputError("--no-save-vis and --no-save-pred: nothing would be written")
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
