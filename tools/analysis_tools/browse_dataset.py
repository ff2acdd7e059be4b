"""Draw what a config's pipeline feeds to the network: pictures, boxes, masks, semantic maps.

Where a split is fed without annotations (val, test, recalibration), its ground truth is drawn.
"""

import argparse
from itertools import islice
from os.path import isfile
from pathlib import Path

from mmengine.config import Config
from tqdm import tqdm

from mmpanonas.errors import InputError, run_tool
from mmpanonas.file_names import check_apart, dataset_files, dataset_names, unused_stem
from mmpanonas.options import add_config_options
from mmpanonas.parser import Parser, of_kind
from mmpanonas.paths import CONFIG, NEW_FOLDER
from mmpanonas.values import PositiveInt

SPLITS = ("train", "val", "test", "recalibration")


def parse() -> argparse.Namespace:
    """The command line."""
    parser = Parser(description=__doc__)
    parser.add_argument("config", type=CONFIG, help="config file")
    parser.add_argument(
        "--split", choices=SPLITS, default="train", help="val of a supernet or search is nas_val"
    )
    parser.add_argument(
        "--out-dir", type=NEW_FOLDER, help="folder for the pictures; default: browse/SPLIT"
    )
    parser.add_argument("--number", type=of_kind(PositiveInt), default=20, help="of pictures")
    add_config_options(parser)
    return parser.parse_args()


if __name__ == "__main__":  # a wrong command line ends here: what follows takes seconds
    run_tool(parse)

from mmdet.registry import DATASETS
from mmengine.registry import init_default_scope

from mmpanonas.config import (
    annotation_paths,
    built,
    check_writable,
    datasets_of,
    load_config,
    settle_dataset,
)
from mmpanonas.datasets.check import check_panoptic
from mmpanonas.printing import BAR
from mmpanonas.visualization import draw_panels, pipeline_sample
from mmpanonas.visualization.pictures.segments import known_palette


def main() -> None:
    """Parse, check the files, draw."""
    args = parse()
    cfg = load_config(args.config, args.cfg_options)
    config = split_config(cfg, args.split)
    folder = Path(args.out_dir or Path("browse") / args.split)
    check_writable(folder, "output folder", "--out-dir")
    check_panoptic(*annotation_paths(config), decode=False)
    settle_split(cfg, config)
    init_default_scope(cfg.default_scope)
    dataset = DATASETS.build(config)
    classes, palette = dataset.metainfo["classes"], known_palette(dataset.metainfo)
    total, taken, names = min(args.number, len(dataset)), set(), dataset_names(dataset, False)
    inputs = [path for pair in dataset_files(dataset) for path in pair if path]
    check_apart(folder, names.values(), inputs, "--out-dir")
    items = (dataset[place] for place in range(len(dataset)))
    for item in tqdm(islice(items, total), total=total, desc=f"browse {args.split}", **BAR):
        panel = pipeline_sample(item, len(classes))
        name = names.get(item["data_samples"].img_path, Path(panel.name).stem)
        path = folder / f"{unused_stem(name, taken)}.png"
        draw_panels([panel], path, classes, palette)
    print(f"{total} of {len(dataset)} pictures of {args.split}: {folder}")


def settle_split(cfg: Config, dataset: dict) -> None:
    """Let labels, and so colours, mean what they mean in training, where its file is there."""
    home = next(datasets_of(cfg, ("train_dataloader",)), dataset)
    if isfile(annotation_paths(home)[0]):
        settle_dataset(dataset, built(home).metainfo, "the training data set")


def split_config(cfg: Config, split: str) -> dict:
    """The data-set config of a split. Raises ``InputError`` if the config has no such split."""
    if split == "recalibration":  # of a search, or of a supernet's paths
        owners = (cfg.get("val_cfg") or {}, cfg.get("default_hooks", {}))
        owner = next((o.recalibration for o in owners if "recalibration" in o), None)
    else:
        owner = cfg.get(f"{split}_dataloader")
    if not owner:
        raise InputError(f"{cfg.filename} has no data set for {split}: give another --split")
    dataset = owner["dataset"]
    while "dataset" in dataset:  # the wrapped one
        dataset = dataset["dataset"]
    return dataset


if __name__ == "__main__":
    run_tool(main)
