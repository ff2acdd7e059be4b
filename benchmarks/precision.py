"""How far outputs and losses move under autocast: float16 and bfloat16 against float32.

    python benchmarks/precision.py [--config CONFIG] [--coco-sample] [--paths 6]

Paths of the supernet from the beginning of a fairness window, in training mode, on one training
picture, forward in each precision as the project does it. Weights are random, and those that find
the offsets of deformable convolutions are spread until a unit input moves a sample by about a pixel
(fresh ones are zero and round to zero).

Random layers without shortcuts multiply any difference, of 150 batch norms by thousands. So every
block of the backbone is given what float32 gave the block before, all that follows gets float32's
pyramid, and the heads the proposals of float32; ``--whole`` lets errors grow from the picture on.
The relative error is that of the Euclidean norm over all elements, of a loss that of its value.
Stops where an answer is not finite.

Products of lower precision are summed in float32, as GPUs do. CPUs without instructions for them
take twenty times as long as for float32; so the rounded numbers are multiplied in float32 there
and the sums are rounded, which is the same but for the order of summing (``--kernels``: PyTorch's
own). ``--rounded-positions`` leaves deformable convolutions to autocast, as if nothing was done.
"""

import argparse
import tempfile
from collections.abc import Iterator
from contextlib import nullcontext
from itertools import chain
from pathlib import Path

import torch
from common import config_on_coco_sample, config_on_shapes, machine, seed_all
from mmdet.registry import MODELS
from mmdet.structures.bbox import bbox2roi
from mmengine.config import Config
from supernet_step import make_batch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_map_only

from mmpanonas.models.layers.attention import thing_levels
from mmpanonas.models.layers.head_ops import DeformableConv

PRECISIONS = ("float32", "float16", "bfloat16")
#: Boxes of which masks are compared.
MASKS = 128
PRODUCTS = {getattr(torch.ops.aten, name).default for name in ("convolution", "addmm", "mm", "bmm")}


class InFloat32(TorchDispatchMode):
    """Convolutions and products of rounded numbers are computed in float32, then rounded."""

    def __torch_dispatch__(self, func, types, args=(), kwargs=None) -> object:
        """The operator's answer, in the precision of what it was given."""
        if func not in PRODUCTS or args[0].dtype == torch.float32:
            return func(*args, **(kwargs or {}))
        return func(*tree_map_only(Tensor, Tensor.float, args)).to(args[0].dtype)


class Fed:
    """Parts of the backbone and the neck answer what they answered first; notes how far off."""

    def __init__(self, model: nn.Module) -> None:
        self.first: dict[nn.Module, tuple[Tensor, ...]] = {}
        self.errors: list[float] = []
        for module in (*chain.from_iterable(model.backbone.chain), model.neck):
            module.register_forward_hook(self._swap)

    def _swap(self, module: nn.Module, inputs: tuple, output: Tensor | tuple) -> Tensor | tuple:
        if module not in self.first:
            self.first[module] = output
        else:
            self.errors.append(error(flat(output), flat(self.first[module])))
        return self.first[module]


def build(cfg: Config, seed: int) -> nn.Module:
    """The supernet with random weights, its deformable convolutions away from the grid."""
    seed_all(seed)
    model = MODELS.build(cfg.model)
    model.init_weights()
    for module in model.modules():
        if isinstance(module, DeformableConv):
            weight = module.conv_offset.weight
            nn.init.normal_(weight, std=weight[0].numel() ** -0.5)
    return model.train()


def answers(model: nn.Module, batch: dict, proposals: list | None) -> tuple[dict, list]:
    """Outputs, then losses, by name; and the proposals, found unless they are given."""
    samples, metas = batch["data_samples"], [s.metainfo for s in batch["data_samples"]]
    features = model.features(batch["inputs"])
    x = thing_levels(features)
    outputs = {f"attended pyramid, P{2 + i}": level for i, level in enumerate(x)}
    scores, boxes = model.rpn_head(x)
    outputs |= {"RPN, scores": scores, "RPN, boxes": boxes}
    if proposals is None:
        proposals = model.rpn_head.predict_by_feat(scores, boxes, batch_img_metas=metas)
    rois = bbox2roi([found.bboxes for found in proposals])
    found = model.roi_head._bbox_forward(x, rois)
    outputs |= {"classes of boxes": found["cls_score"], "boxes": found["bbox_pred"]}
    masks = model.roi_head._mask_forward(x, rois[:MASKS])
    outputs["masks"] = masks["mask_preds"]
    outputs["semantic logits"] = model.semantic_head(features)["seg_preds"]
    given = [found.clone() for found in proposals]  # the head adds the true boxes
    seed_all(1)
    losses = model.rpn_head.loss_by_feat(
        scores, boxes, [s.gt_instances for s in samples], metas, batch_gt_instances_ignore=None
    )
    losses |= model.roi_head.loss(x, given, samples) | model.semantic_head.loss(features, samples)
    losses = {name: value for name, value in losses.items() if "loss" in name}
    return outputs | {name: flat(value).sum() for name, value in losses.items()}, proposals


def error(value: Tensor, expected: Tensor) -> float:
    """Relative, of the Euclidean norm."""
    return float((value - expected).norm() / expected.norm())


def flat(value: Tensor | list) -> Tensor:
    """All elements of the tensors of every level, in float64."""
    levels = value if isinstance(value, list | tuple) else [value]
    return torch.cat([level.detach().double().flatten() for level in levels])


@torch.no_grad()
def errors(
    model: nn.Module, batch: dict, fed: Fed | None, kernels: bool
) -> Iterator[tuple[str, str, float]]:
    """Precision, name and relative error of each answer of the active path."""
    device = next(model.parameters()).device.type
    expected, proposals = {}, None
    for precision in PRECISIONS:
        lower = precision != "float32"
        mode = nullcontext() if kernels else InFloat32()
        with torch.autocast(device, getattr(torch, precision), enabled=lower), mode:
            found, proposals = answers(model, batch, proposals)
        for name, value in found.items():
            value = flat(value)
            if not value.isfinite().all():
                raise SystemExit(f"{name} in {precision}: not all values are finite")
            if lower:
                yield precision, name, error(value, expected[name])
            else:
                expected[name] = value
        if fed and lower:
            yield from ((precision, "a block, the neck", found) for found in fed.errors)
            fed.errors.clear()
    if fed:
        fed.first.clear()


def table(found: dict[str, dict[str, list[float]]]) -> None:
    """Print the mean and the largest error of each answer in percent."""
    print(f"{'percent: mean, largest':24}" + "".join(f"{name:>20}" for name in PRECISIONS[1:]))
    for name, by_precision in found.items():
        cells = [by_precision[precision] for precision in PRECISIONS[1:]]
        texts = [f"{100 * sum(c) / len(c):.3f}, {100 * max(c):.3f}" for c in cells]
        print(f"{name:24}" + "".join(f"{text:>20}" for text in texts))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--config", default="configs/auto_panoptic/shapes/supernet.py")
    parser.add_argument("--coco-sample", action="store_true", help="with a COCO config")
    parser.add_argument("--paths", type=int, default=6, help="of a fairness window")
    parser.add_argument("--seed", type=int, default=0, help="of weights and paths")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--whole", action="store_true", help="let errors grow through all layers")
    parser.add_argument("--kernels", action="store_true", help="of PyTorch, on a GPU or new CPU")
    parser.add_argument(
        "--rounded-positions", action="store_true", help="of deformable convolutions"
    )
    args = parser.parse_args()
    if args.rounded_positions:
        DeformableConv.forward = DeformableConv._forward
    with tempfile.TemporaryDirectory() as name:
        if args.coco_sample:
            cfg = config_on_coco_sample(args.config)
        else:
            cfg = config_on_shapes(args.config, Path(name) / "shapes", train=8, val=1)
        model = build(cfg, args.seed).to(args.device)
        batch = make_batch(cfg, 1, model)
    fed = None if args.whole else Fed(model)
    shape = "x".join(map(str, batch["inputs"].shape))
    print(f"{machine(args.device)}\n{args.config}, input {shape}, {args.paths} paths", flush=True)
    found: dict[str, dict[str, list[float]]] = {}
    for number in range(args.paths):
        arch = model.search_space.fair_path(args.seed, number)
        model.set_arch(arch)
        for precision, name, gap in errors(model, batch, fed, args.kernels):
            found.setdefault(name, {}).setdefault(precision, []).append(gap)
        print(
            f"path {number}: {', '.join(arch.semantic_head)}; {', '.join(arch.mask_head)}",
            flush=True,
        )
    table(found)


if __name__ == "__main__":
    main()
