"""Time AutoPanopticFusionHead beside MMDetection's HeuristicFusionHead on synthetic scenes.

    python benchmarks/fusion.py [--instances 20 50 100] [--sizes 480x640 800x1333]

Both heads get the same ellipses (scores 0.2 to 1) and the same semantic logits and are timed
in turn, in one process. "head" is a whole predict call for one picture; "things" leaves out
the best semantic channel per pixel, which each head finds in its own way. The presets' rules
(order, overlap, area limits) differ from MMDetection's; "same rule" is our head configured to
follow it, and must give the same maps. HeuristicFusionHead is given the scores above 0.5 alone,
as its configs filter in the box head.
"""

import argparse
import time
from statistics import median

import numpy as np
import torch
from mmdet.models.seg_heads import HeuristicFusionHead
from mmengine.config import ConfigDict
from mmengine.structures import InstanceData

from mmpanonas.models.fusion import PRESETS, fuse
from mmpanonas.models.fusion_head import AutoPanopticFusionHead

THINGS, STUFF = 80, 53


def make_scene(instances: int, height: int, width: int, seed: int):
    """Random ellipses with their boxes, and blocky semantic logits."""
    rng = np.random.default_rng(seed)
    masks = np.zeros((instances, height, width), bool)
    boxes = np.zeros((instances, 4), np.float32)
    for i in range(instances):
        radius_y, radius_x = rng.uniform(0.03, 0.2, 2) * min(height, width)
        y, x = rng.uniform(0, height), rng.uniform(0, width)
        x1, x2 = np.clip([x - radius_x, x + radius_x], 0, width)
        y1, y2 = np.clip([y - radius_y, y + radius_y], 0, height)
        window = np.s_[int(y1) : int(np.ceil(y2)), int(x1) : int(np.ceil(x2))]
        rows, columns = np.ogrid[window]
        inside = ((rows - y) / radius_y) ** 2 + ((columns - x) / radius_x) ** 2 <= 1
        masks[i][window], boxes[i] = inside, (x1, y1, x2, y2)
    results = InstanceData(
        masks=torch.from_numpy(masks),
        bboxes=torch.from_numpy(boxes),
        labels=torch.from_numpy(rng.integers(0, THINGS, instances)),
        scores=torch.from_numpy(rng.uniform(0.2, 1, instances).astype(np.float32)),
    )
    coarse = torch.from_numpy(rng.random((1, STUFF + 1, 6, 8), np.float32))
    return results, torch.nn.functional.interpolate(coarse, (height, width), mode="bilinear")[0]


def timed(functions: dict, repeats: int) -> dict[str, float]:
    """Median milliseconds of each function, called in turn."""
    seconds = {name: [] for name in functions}
    for repeat in range(repeats + 1):
        for name, function in functions.items():
            start = time.perf_counter()
            function()
            if repeat:  # the first round warms up
                seconds[name].append(time.perf_counter() - start)
    return {name: 1000 * median(values) for name, values in seconds.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--instances", type=int, nargs="+", default=[20, 50, 100])
    parser.add_argument("--sizes", nargs="+", default=["480x640", "800x1333"])
    parser.add_argument("--repeats", type=int, default=3)
    args = parser.parse_args()

    classes = {"num_things_classes": THINGS, "num_stuff_classes": STUFF}
    ours = {preset: AutoPanopticFusionHead(**classes, preset=preset) for preset in PRESETS}
    same_rule = ConfigDict(order="score", overlap_order="painting", thing_area_limit=0)
    ours["same rule"] = AutoPanopticFusionHead(**classes, test_cfg=same_rule)
    limits = ConfigDict(mask_overlap=0.5, stuff_area_limit=64 * 64)
    theirs = HeuristicFusionHead(**classes, test_cfg=limits)
    print(f"torch {torch.__version__}, CPU, {torch.get_num_threads()} threads, medians in ms of")
    print(
        f"{args.repeats} rounds on synthetic ellipses; same rule and heuristic give the same maps"
    )
    names = ["paper", "released", "same rule", "heuristic", "paper, things", "heuristic, things"]
    print("   size      n  " + "  ".join(names) + "  ratio head  ratio things")
    for size in args.sizes:
        height, width = map(int, size.split("x"))
        for instances in args.instances:
            results, logits = make_scene(instances, height, width, seed=instances)
            stuff = logits.argmax(0).int() + THINGS
            sure = results[results.scores >= 0.5]
            functions = {
                "paper": lambda r=results, g=logits: ours["paper"].predict([r], [g]),
                "released": lambda r=results, g=logits: ours["released"].predict([r], [g]),
                "same rule": lambda r=results, g=logits: ours["same rule"].predict([r], [g]),
                "heuristic": lambda r=sure, g=logits: theirs.predict([r], [g]),
                "paper, things": lambda r=results, s=stuff: fuse(
                    r.masks, r.bboxes, r.labels, r.scores, s, PRESETS["paper"], THINGS + STUFF
                ),
                "argmax": lambda g=logits: g.argmax(0),
            }
            mine, other = (functions[name]()[0].sem_seg for name in ("same rule", "heuristic"))
            if not torch.equal(mine, other):
                raise SystemExit(f"{int((mine != other).sum())} pixels differ under the same rule")
            ms = timed(functions, args.repeats)
            ms["heuristic, things"] = ms["heuristic"] - ms["argmax"]
            cells = "  ".join(f"{ms[name]:{len(name)}.1f}" for name in names)
            head = ms["heuristic"] / ms["same rule"]
            things = ms["heuristic, things"] / ms["paper, things"]
            print(f"{size:>8} {instances:5}  {cells}  {head:10.1f}  {things:12.1f}", flush=True)


if __name__ == "__main__":
    main()
