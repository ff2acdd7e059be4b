"""An exported network against PyTorch: from a resized picture to its panoptic map.

    python benchmarks/exported.py [--config shapes/retrain.py] [--size 128 128] [--cpu-time]

Both sides get the same picture of noise, resized and in bytes, and fuse at its size; onnxruntime
and PyTorch have as many threads. The network is random, and made to find things everywhere. It
stops if more than a pixel in a hundred differs.
"""

import argparse
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch
from common import ROOT, in_turn, machine, use_cpu_time
from mmengine.registry import init_default_scope

sys.path.insert(0, str(ROOT))

from mmpanonas.config import load_config
from mmpanonas.deployment import export
from mmpanonas.onnx import Network
from tests.deployment.networks import eager, picture, segment_ids


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--config", default="shapes/retrain.py", help="below auto_panoptic")
    parser.add_argument("--arch", default="shapes.json", help="below auto_panoptic/archs")
    parser.add_argument("--size", nargs=2, type=int, default=(128, 128), metavar=("H", "W"))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--cpu-time", action="store_true")
    args = parser.parse_args()
    unit = use_cpu_time(args.cpu_time)
    print(machine())
    folder = ROOT / "configs/auto_panoptic"
    arch = {"model.arch": str(folder / "archs" / args.arch)}
    cfg = load_config(str(folder / args.config), arch)
    init_default_scope("mmdet")
    model, pixels, size = eager(cfg), picture(*args.size), tuple(args.size)
    facts = dict(scale=None, keep_ratio=True, interpolation="bilinear")
    facts |= dict(classes=[str(n) for n in range(999)], things=0)
    with tempfile.TemporaryDirectory() as work:
        path = Path(work) / "network.onnx"
        export(model, path, "panoptic", facts)
        network = Network(path, threads=torch.get_num_threads())
    result = network(pixels)
    equal = (result.panoptic_seg == segment_ids(model, pixels, size)).mean()
    if equal < 0.99:
        sys.exit(f"only {equal:.4f} of the pixels are equal")
    sides = dict(
        onnxruntime=lambda: network(pixels), PyTorch=lambda: segment_ids(model, pixels, size)
    )
    seconds = in_turn(sides, args.rounds)
    ours, theirs = (min(seconds[name]) for name in sides)
    print(
        f"{args.config}, {args.size[0]} x {args.size[1]}, {len(result.segments_info)} segments, "
        f"{100 * equal:.3f} % of pixels equal; least {unit}, and medians: onnxruntime "
        f"{ours:.3f} ({np.median(seconds['onnxruntime']):.3f}), PyTorch {theirs:.3f} "
        f"({np.median(seconds['PyTorch']):.3f}): {theirs / ours:.2f} times as fast"
    )


if __name__ == "__main__":
    main()
