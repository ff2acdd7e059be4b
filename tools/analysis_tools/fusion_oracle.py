"""What a perfect network would score: ground truth through the fusion, the bound of a data set.

Every thing of a picture that is no crowd, as annotated, goes into the fusion with score 1, and the
annotated stuff with it. What a preset loses of that, no network gets back under that preset.
"""

import argparse
import copy
import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from tqdm import tqdm

from mmpanonas.errors import InputError, run_tool
from mmpanonas.files import write_atomically
from mmpanonas.options import add_config_options
from mmpanonas.parser import Parser
from mmpanonas.paths import CONFIG, NEW_FILE

SPLITS = ("test", "val", "train")


def parse() -> argparse.Namespace:
    """The command line."""
    parser = Parser(description=__doc__)
    parser.add_argument("config", type=CONFIG, help="config file: its data and its fusion rules")
    parser.add_argument(
        "--split", choices=SPLITS, default="test", help="val of a supernet or search is nas_val"
    )
    parser.add_argument("--out", type=NEW_FILE, help="JSON file to write")
    add_config_options(parser)
    return parser.parse_args()


if __name__ == "__main__":  # a wrong command line ends here: what follows takes seconds
    run_tool(parse)

import torch
from mmdet.registry import DATASETS
from mmengine.registry import init_default_scope

from mmpanonas.config import annotation_paths, check_writable, load_config
from mmpanonas.datasets.check import check_panoptic
from mmpanonas.evaluation import PanopticQualityMetric, ground_truth
from mmpanonas.models.fusion import PRESETS, FusionRules, fuse
from mmpanonas.printing import BAR


def main() -> None:
    """Parse, fuse, score, print."""
    args = parse()
    cfg = load_config(args.config, args.cfg_options)
    rules = rules_of(cfg.model)
    if args.out:
        check_writable(Path(args.out).parent, "folder of the results file", "--out")
    config = copy.deepcopy(cfg[f"{args.split}_dataloader"].dataset)
    config.update(pipeline=[], test_mode=True)
    check_panoptic(*annotation_paths(config), decode=False)
    init_default_scope(cfg.default_scope)
    bounds = bounds_of(DATASETS.build(config), rules)
    for line in table(bounds):
        print(line)
    if args.out:
        try:
            write_atomically(args.out, json.dumps(bounds, indent=2) + "\n")
        except OSError as error:
            raise InputError(f"cannot write {args.out}: {error.strerror}") from None


def rules_of(model: Mapping) -> dict[str, FusionRules]:
    """The config's own rules and every preset's, by name."""
    head = model.get("panoptic_fusion_head") or {}
    if head.get("type") != "AutoPanopticFusionHead":
        raise InputError(
            f"model.panoptic_fusion_head is {head.get('type')!r}; the bound is known of "
            "'AutoPanopticFusionHead'"
        )
    overrides = (model.get("test_cfg") or {}).get("panoptic")
    own = FusionRules.from_config(head.get("preset", "paper"), overrides)
    return {"config": own, **PRESETS}


def bounds_of(dataset: object, rules: Mapping[str, FusionRules]) -> dict[str, dict]:
    """PQ, PQ_th and PQ_st in percent, ``things`` found and ``of`` how many, by the rules' names."""
    metric = PanopticQualityMetric(table=False)
    metric.dataset_meta = dataset.metainfo
    for place in tqdm(range(len(dataset)), desc="fusion", **BAR):
        info = dataset.get_data_info(place)
        sample = dict(info, ori_shape=(info["height"], info["width"]))
        maps = perfect_maps(sample, dataset.metainfo, rules)
        keys = zip(("sem_seg", *(f"sem_seg_{name}" for name in list(rules)[1:])), maps, strict=True)
        metric.process(None, [dict(sample, pred_panoptic_seg=dict(keys))])
    found = metric.compute_metrics(metric.results)
    bounds = {}
    for place, name in enumerate(rules):
        prefix, which = (f"{name}/", name) if place else ("", None)
        things = [row for row in metric.per_class(metric.results, which) if row["isthing"]]
        hit, missed = (sum(row[key] for row in things) for key in ("n_tp", "n_fn"))
        scores = {key: found[prefix + key] for key in ("PQ", "PQ_th", "PQ_st")}
        bounds[name] = dict(scores, things=hit, of=hit + missed)
    return bounds


def perfect_maps(
    sample: dict, meta: Mapping, rules: Mapping[str, FusionRules]
) -> list[torch.Tensor]:
    """What each of the rules makes of a picture's own annotation: maps (1, H, W) int32."""
    void, num_things = len(meta["classes"]), len(meta["thing_classes"])
    ids, segments = ground_truth(sample, void, num_things)
    things = {i: k for i, (k, is_crowd) in segments.items() if k < num_things and not is_crowd}
    stuff = np.full(ids.shape, void, np.int16)
    for segment, (label, _) in segments.items():
        if label >= num_things:
            stuff[ids == segment] = label
    masks = torch.from_numpy(np.stack([ids == i for i in things] or [np.zeros_like(ids, bool)]))
    masks, labels = masks[: len(things)], torch.tensor(list(things.values()), dtype=torch.long)
    given = (masks, None, labels, torch.ones(len(things)), torch.from_numpy(stuff))
    return [fuse(*given, each, void)[None] for each in rules.values()]


def table(bounds: Mapping[str, dict]) -> list[str]:
    """The bounds as lines."""
    lines = [f"{'rules':<10}{'PQ':>8}{'things':>8}{'stuff':>8}   things found"]
    for name, row in bounds.items():
        scores = "".join(f"{row[key]:8.2f}" for key in ("PQ", "PQ_th", "PQ_st"))
        lines.append(f"{name:<10}{scores}   {row['things']} of {row['of']}")
    return lines


if __name__ == "__main__":
    run_tool(main)
