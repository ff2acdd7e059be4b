"""Time a picture of each side of the study of budgets, from its results file.

    python benchmarks/budgets.py [--rounds 9] [--cpu-time]

Networks of equal cost are compared there; this says how equal their time is. Weights are random,
and every picture pastes as many masks on all sides, since trained networks would find unlike
numbers of things. Pictures come one at a time.
"""

import argparse
import copy
import json
import sys
import tempfile
from pathlib import Path
from statistics import median

import torch
from common import ROOT, in_turn, machine, seed_all, use_cpu_time
from mmdet.registry import MODELS
from mmengine.registry import init_default_scope
from mmengine.runner import Runner
from torch import nn

sys.path.insert(0, str(ROOT))

from mmpanonas.config import load_config
from mmpanonas.datasets.nas_split import split_nas
from mmpanonas.datasets.shapes import write_shapes
from studies.ranking.baseline import merged

STUDY = ROOT / "studies/budgets"


def build(model: dict, network: dict) -> nn.Module:
    """A network of the results file, that keeps all boxes up to the limit of a picture."""
    seed_all(0)
    config = merged(model, network["model"])
    config.arch = network["arch"]
    config.test_cfg.rcnn.score_thr, config.test_cfg.panoptic.score_thr = None, 0.0
    return MODELS.build(config).eval()


@torch.no_grad()
def predict(model: nn.Module, batches: list[dict]) -> list:
    """What the network says of all pictures, which are left as they are."""
    return [sample for batch in batches for sample in model.val_step(copy.deepcopy(batch))]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--results", type=Path, default=STUDY / "results/shapes.json")
    parser.add_argument("--pictures", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--cpu-time", action="store_true", help="for a machine that others use")
    args = parser.parse_args()
    unit = use_cpu_time(args.cpu_time)
    results = json.loads(args.results.read_text())
    print(machine())
    with tempfile.TemporaryDirectory() as folder:
        write_shapes(folder, dict(train=args.pictures + 1, val=1), (96, 96))
        split_nas(Path(folder) / "annotations/panoptic_train.json", args.pictures)
        cfg = load_config(str(STUDY / "configs/shapes.py"), {"data_root": f"{folder}/"})
        init_default_scope("mmdet")
        batches = list(Runner.build_dataloader(dict(cfg.val_dataloader, batch_size=1)))
    for limit in results["limits"]:
        models = {side: build(cfg.model, n) for side, n in limit["sides"].items()}
        masks = {
            side: {len(m.predict_things(*_inputs(m, b))[0]) for b in batches}
            for side, m in models.items()
        }
        if len({frozenset(found) for found in masks.values()}) > 1:
            sys.exit(f"unlike numbers of masks: {masks}")
        seconds = in_turn(
            {s: lambda m=m: predict(m, batches) for s, m in models.items()}, args.rounds
        )
        print(f"{limit['limit'] / 1e6:.4g} M, {masks['plain']} masks; {unit} a picture, to plain's")
        for side, times in seconds.items():
            ratio = median(a / b for a, b in zip(times, seconds["plain"], strict=True))
            print(f"{side:10} {1000 * median(times) / len(batches):8.2f} ms {ratio:6.2f}")


@torch.no_grad()
def _inputs(model: nn.Module, batch: dict) -> tuple:
    data = model.data_preprocessor(copy.deepcopy(batch), False)
    return model.extract_feat(data["inputs"]), data["data_samples"]


if __name__ == "__main__":
    main()
