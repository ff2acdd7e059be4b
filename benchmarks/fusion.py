"""Time the way from the heads' answers to the panoptic map beside MMDetection's.

    python benchmarks/fusion.py [--instances 20 100] [--sizes 480x640 800x1333] [--cpu-time]

Both sides get the same ellipses, all scoring 0.5 and more, and the same semantic logits, run in
turn in one process, and must give the same maps: AutoPanopticFusionHead follows
HeuristicFusionHead's rule (by score, no area limit for things). All ways take the best semantic
channel of every pixel:

- masks: whole masks (n, H, W) and logits (54, H, W) to the map, the fusion heads alone;
- boxes: boxes and their mask logits, 28 x 28, instead: FCNMaskHead pastes whole masks for
  HeuristicFusionHead, and we paste crops;
- boxes, paste: FCNMaskHead's whole masks for our fusion, against our crops;
- network: as boxes, from semantic logits of a quarter of the input's size, which MMDetection
  resizes to the input's and to the picture's size, and we so channel by channel.

MB is the peak of the process's resident memory over what it was before (Linux).
"""

import argparse
import ctypes
import gc
from collections.abc import Callable
from pathlib import Path

import torch
import torch.nn.functional as F
from common import in_turn, machine, seed_all, use_cpu_time
from mmdet.models.roi_heads.mask_heads import FCNMaskHead
from mmdet.models.seg_heads import HeuristicFusionHead
from mmdet.models.seg_heads.base_semantic_head import BaseSemanticHead
from mmengine.config import ConfigDict
from mmengine.structures import InstanceData
from torch import Tensor

from mmpanonas.models.fusion_head import AutoPanopticFusionHead
from mmpanonas.models.mask_head import paste_masks
from mmpanonas.models.semantic_head import SharedSemanticHead

CLASSES = {"num_things_classes": 80, "num_stuff_classes": 53}
#: Height of the pictures that the network sees; they are padded to multiples of 32.
INPUT_HEIGHT = 800


class Scene:
    """Random ellipses and blocky semantic logits, and both sides' ways to a map (1, H, W).

    Attributes:
        ways: by name, our function and the one it is compared with.
    """

    def __init__(self, instances: int, height: int, width: int) -> None:
        seed_all(instances)
        radii = torch.empty(instances, 2).uniform_(0.03, 0.2) * min(height, width)
        middles = torch.rand(instances, 2) * torch.tensor([width, height])
        corners = torch.cat((middles - radii, middles + radii), dim=1).clamp(min=0)
        self.found = InstanceData(
            bboxes=corners.minimum(torch.tensor([width, height] * 2)),
            labels=torch.randint(CLASSES["num_things_classes"], (instances,)),
            scores=torch.empty(instances).uniform_(0.5, 1),
        )
        across = torch.linspace(-1, 1, 28).square()
        ellipse = 8 * (1 - across[:, None] - across)
        self.mask_logits = ellipse + torch.randn(instances, 1, 28, 28)
        shown = (INPUT_HEIGHT, round(width * INPUT_HEIGHT / height))
        padded = tuple(-(-side // 32) * 32 for side in shown)
        self.meta = dict(ori_shape=(height, width), img_shape=shown, batch_input_shape=padded)
        self.meta["scale_factor"] = (1.0, 1.0)  # boxes are in the picture's pixels
        coarse = torch.rand(1, CLASSES["num_stuff_classes"] + 1, 6, 8)
        quarter = F.interpolate(coarse, [side // 4 for side in padded], mode="bilinear")
        self._make_heads()
        masks, logits = self._pasted(), self._resized(quarter)
        self.ways: dict[str, tuple[Callable, Callable]] = {
            "masks": (
                lambda: self._ours(masks, logits),
                lambda: self._theirs(masks, logits),
            ),
            "boxes": (
                lambda: self._ours(self._cropped(), logits),
                lambda: self._theirs(self._pasted(), logits),
            ),
            "boxes, paste": (
                lambda: self._ours(self._cropped(), logits),
                lambda: self._ours(self._pasted(), logits),
            ),
            "network": (
                lambda: self._ours(self._cropped(), self._labels(quarter)),
                lambda: self._theirs(self._pasted(), self._resized(quarter)),
            ),
        }

    def _make_heads(self) -> None:
        self.mask_head = FCNMaskHead(in_channels=1, conv_out_channels=1, class_agnostic=True)
        self.semantic_head = SharedSemanticHead(**CLASSES)
        self.semantic_head.forward = lambda x: dict(seg_preds=x)
        rule = dict(order="score", overlap_order="painting", thing_area_limit=0)
        self.fusion_head = AutoPanopticFusionHead(**CLASSES, test_cfg=rule)
        limits = ConfigDict(mask_overlap=0.5, stuff_area_limit=64 * 64)
        self.heuristic = HeuristicFusionHead(**CLASSES, test_cfg=limits)

    def _ours(self, things: InstanceData, semantic: Tensor) -> Tensor:
        return self.fusion_head.predict([things], [semantic])[0].sem_seg

    def _theirs(self, things: InstanceData, logits: Tensor) -> Tensor:
        return self.heuristic.predict([things], [logits])[0].sem_seg

    def _cropped(self) -> InstanceData:
        things = self.found[:]
        size, boxes = self.meta["ori_shape"], things.bboxes
        things.masks = paste_masks(
            self.mask_head, self.mask_logits, boxes, things.labels, size, threshold=0.5
        )
        return things

    def _pasted(self) -> InstanceData:
        logits, config = (self.mask_logits,), ConfigDict(mask_thr_binary=0.5)
        (things,) = self.mask_head.predict_by_feat(
            logits, [self.found[:]], [self.meta], config, rescale=True
        )
        return things

    def _labels(self, quarter: Tensor) -> Tensor:
        return self.semantic_head.predict_labels(quarter, [self.meta])[0]

    def _resized(self, quarter: Tensor) -> Tensor:
        return BaseSemanticHead.predict(self.semantic_head, quarter, [self.meta], rescale=True)[0]


def peak_megabytes(function: Callable) -> float:
    """Largest resident memory while the function runs, over that before."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    Path("/proc/self/clear_refs").write_text("5")  # the peak starts anew
    before = _resident("VmRSS")
    function()
    return (_resident("VmHWM") - before) / 1e3


def _resident(key: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(key))


@torch.no_grad()
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--instances", type=int, nargs="+", default=[20, 100])
    parser.add_argument("--sizes", nargs="+", default=["480x640", "800x1333"])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--cpu-time", action="store_true", help="for a machine that others use")
    args = parser.parse_args()
    clock = use_cpu_time(args.cpu_time)
    print(machine())
    print(f"minimum of {args.rounds} rounds, milli{clock}; equal maps")
    print("    size    n  way            ours ms  other ms  ratio  ours MB  other MB  ratio")
    for size in args.sizes:
        for instances in args.instances:
            scene = Scene(instances, *map(int, size.split("x")))
            for name, sides in scene.ways.items():
                mine, other = (side() for side in sides)
                if not torch.equal(mine, other):
                    raise SystemExit(f"{name}: {int((mine != other).sum())} pixels differ")
                times = in_turn(dict(enumerate(sides)), args.rounds).values()
                ms = [1000 * min(seconds) for seconds in times]
                mb = [peak_megabytes(side) for side in sides]
                print(
                    f"{size:>8} {instances:4}  {name:12} {ms[0]:9.1f} {ms[1]:9.1f} "
                    f"{ms[1] / ms[0]:6.1f} {mb[0]:8.1f} {mb[1]:9.1f} {mb[1] / mb[0]:6.1f}",
                    flush=True,
                )


if __name__ == "__main__":
    main()
