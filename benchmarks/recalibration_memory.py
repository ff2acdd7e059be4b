"""Peak memory of recalibrating on a batch beside that of a prediction and of the released passes.

    python benchmarks/recalibration_memory.py [--config CONFIG --coco-sample] [--sizes 2 16]

Counted are the bytes that PyTorch's allocator hands out beyond what it held before, weights
and pictures left out; each side keeps nothing afterwards. The first size also runs the
released procedure's pass (whole detector in training mode, with losses, no gradients) and
stops unless both see the same means and variances in every batch norm to 1 %: after
150 layers rounding alone makes 0.5 %.
"""

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path

import torch
from candidate import build, training_batches
from common import config_on_coco_sample, config_on_shapes, machine
from mmdet.registry import DATASETS
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from torch import nn
from torch.profiler import ProfilerActivity, profile

from mmpanonas.recalibration.moments import norms_of
from mmpanonas.recalibration.recalibration import measure


@torch.no_grad()
def peak(function: Callable[[], object]) -> float:
    """MiB at the highest while ``function`` runs."""
    if torch.cuda.is_available():
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        function()
        return (torch.cuda.max_memory_allocated() - before) / 2**20
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as seen:
        function()
    events = [e for e in seen.profiler.kineto_results.events() if e.name() == "[memory]"]
    held = highest = 0
    for event in sorted(events, key=lambda event: event.start_ns()):
        held += event.nbytes()
        highest = max(highest, held)
    return highest / 2**20


def predict(model: nn.Module, batch: dict) -> None:
    """As ``CandidateEvaluator`` does."""
    samples = [sample.new() for sample in batch["data_samples"]]
    model.val_step(dict(batch, data_samples=samples))


def released_pass(model: nn.Module, batch: dict) -> None:
    """One of the released procedure's; statistics become this batch's alone."""
    for norm in norms_of(model).values():
        norm.momentum = 1.0
    model.train()
    samples = [sample.clone() for sample in batch["data_samples"]]
    data = model.data_preprocessor(dict(batch, data_samples=samples), True)
    model.loss(data["inputs"], data["data_samples"])
    model.eval()


def check(model: nn.Module, statistics: dict) -> None:
    """Stop unless the norms of ``model`` hold the given statistics."""
    norms = norms_of(model)
    for name, (mean, var) in statistics.items():
        scale = var.sqrt().max().item()
        mean_there, var_there = norms[name].running_mean.double(), norms[name].running_var.double()
        torch.testing.assert_close(mean_there, mean, rtol=1e-2, atol=1e-3 * scale)
        unbiased = var * (var_there.sum() / var.sum())  # by one factor for all channels
        torch.testing.assert_close(var_there, unbiased, rtol=1e-2, atol=1e-3 * scale**2)


def compare(args: argparse.Namespace, cfg: Config) -> None:
    """Print a line per side and size."""
    dataset = DATASETS.build(cfg.val_dataloader.dataset)
    training = DATASETS.build(cfg.train_dataloader.dataset)
    largest = training_batches(training, max(args.sizes), max(args.sizes))
    model = build(args, cfg, largest, dataset)
    one = pseudo_collate([dataset[0]])
    print(machine(args.device))
    print(f"{args.config}: peak in MiB")
    print(f"prediction of 1 picture: {peak(lambda: predict(model, one)):.0f}")
    for size in args.sizes:
        (batch,) = training_batches(training, size, size)
        found: dict = {}
        here = peak(lambda batch=batch, found=found: found.update(measure(model, [batch], False)))
        print(f"recalibration of {size}, ours: {here:.0f}")
        if size == args.sizes[0]:
            many = pseudo_collate([dataset[i % len(dataset)] for i in range(size)])
            print(f"prediction of {size}: {peak(lambda many=many: predict(model, many)):.0f}")
            there = peak(lambda batch=batch: released_pass(model, batch))
            print(f"recalibration of {size}, released: {there:.0f}")
            check(model, found)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--config", default="configs/auto_panoptic/shapes/supernet.py")
    parser.add_argument("--coco-sample", action="store_true", help="with a COCO config")
    parser.add_argument("--checkpoint", help="of the trained supernet")
    parser.add_argument("--sizes", type=int, nargs="+", default=[2, 16], help="pictures")
    parser.add_argument("--device", default="cpu")
    args = parser.parse_args()
    args.detections = 10
    with tempfile.TemporaryDirectory() as name:
        if args.coco_sample:
            cfg = config_on_coco_sample(args.config)
        else:
            cfg = config_on_shapes(args.config, Path(name) / "shapes", 16, 4)
        compare(args, cfg)


if __name__ == "__main__":
    main()
