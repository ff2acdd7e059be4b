"""GPU memory that training and search of a config need, predicted without a GPU.

Predicted is what tensors take at most in float32, of a supernet on any of some paths. CUDA itself
takes about half a GiB besides.
"""

import argparse
import json
from unittest import mock

from mmpanonas.errors import InputError, run_tool
from mmpanonas.options import add_config_options
from mmpanonas.parser import Parser, of_kind
from mmpanonas.paths import CONFIG
from mmpanonas.values import Pixels, PositiveInt


def parse(argv: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = Parser(description=__doc__)
    parser.add_argument("config", type=CONFIG, help="config file of a training or a search")
    parser.add_argument(
        "--shape",
        nargs=2,
        type=of_kind(Pixels),
        default=(800, 1333),
        metavar=("H", "W"),
        help="of the largest batch, in pixels (800 1333)",
    )
    parser.add_argument("--paths", type=of_kind(PositiveInt), default=4, help="of a supernet (4)")
    parser.add_argument("--gpus", type=of_kind(PositiveInt), default=8, help="that train (8)")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead")
    add_config_options(parser)
    return parser.parse_args(argv)


if __name__ == "__main__":  # a wrong command line ends here: what follows takes seconds
    run_tool(parse)

import torch
from mmdet.registry import MODELS
from mmengine.registry import init_default_scope
from torch import Tensor

import mmpanonas.register  # noqa: F401
from mmpanonas.config import load_config
from mmpanonas.models.detector import AutoPanoptic
from mmpanonas.models.memory import as_on_a_gpu, prediction_memory, training_memory
from mmpanonas.recalibration.moments import measuring, trained_norms_of

GIB = 2**30


@torch.no_grad()
def recalibration_memory(model: AutoPanoptic, size: tuple[int, int], pictures: int) -> int:
    """The most bytes that recalibration on a batch holds at a time, weights apart."""

    def update_stats(x: Tensor, *_) -> tuple[Tensor, Tensor]:
        return x.new_empty(x.shape[1]), x.new_empty(x.shape[1])

    norms = trained_norms_of(model)
    with (
        mock.patch.object(torch, "batch_norm_update_stats", update_stats),  # has no meta kernel
        as_on_a_gpu() as live,
        measuring(norms, in_place=True),
    ):
        x = torch.empty(pictures, 3, *size, device="meta")
        for module in model.backbone.chain:
            x = module(x)
    return live.peak


def predict(args: argparse.Namespace) -> dict[str, float]:
    """GiB by what needs them."""
    cfg = load_config(args.config, args.cfg_options)
    init_default_scope("mmdet")
    model = MODELS.build(cfg.model)
    if not isinstance(model, AutoPanoptic):
        raise InputError(
            f"{args.config}: expected a model of type AutoPanoptic, got {type(model).__name__}"
        )
    model, found = model.to("meta"), {}
    size = tuple(-(-side // 32) * 32 for side in args.shape)
    pictures = cfg.train_dataloader.batch_size
    recalibrated = cfg.get("recalibration", {}).get("batch_size", 16)
    held = sum(p.numel() * p.element_size() for p in model.parameters())
    searched = model.search_space.size > 1
    for path in range(args.paths if searched else 1):
        model.set_arch(model.search_space.fair_path(0, path))
        trained = training_memory(model.train(), size, pictures, args.gpus)
        rows = {
            "weights": trained.weights,
            "kept": trained.kept,
            "training": trained.peak,
            "prediction": held + prediction_memory(model.eval(), size),
            "recalibration": held + recalibration_memory(model, size, recalibrated),
        }
        found = {name: max(found.get(name, 0), value / GIB) for name, value in rows.items()}
    return found | dict(pictures=pictures, recalibrated=recalibrated)


def main(argv: list[str] | None = None) -> None:
    """Parse, predict, print."""
    args = parse(argv)
    found = predict(args)
    if args.json:
        print(json.dumps({name: round(value, 3) for name, value in found.items()}))
        return
    print(
        f"training on {found['pictures']} pictures: {found['training']:.1f} GiB\n"
        f"  weights, gradients, momenta: {found['weights']:.1f}\n"
        f"  activations kept for the backward pass: {found['kept']:.1f}\n"
        f"prediction of 1 picture: {found['prediction']:.1f} GiB\n"
        f"recalibration on {found['recalibrated']}: {found['recalibration']:.1f} GiB"
    )


if __name__ == "__main__":
    run_tool(main)
