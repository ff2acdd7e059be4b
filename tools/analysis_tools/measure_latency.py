"""Measure the latency of a network's operations, for budgets and Pareto searches.

Every searched operation and every other module is timed on its own, on one random picture;
a network's latency is predicted as the sum. The prediction is checked against whole networks
of random paths. What is timed, and what not: mmpanonas/models/latency.py.
"""

import argparse
import json
import platform
from datetime import date
from functools import partial
from pathlib import Path

import numpy as np
from mmengine.config import Config
from tqdm import tqdm

from mmpanonas.errors import InputError, run_tool
from mmpanonas.files import write_atomically
from mmpanonas.options import add_config_options
from mmpanonas.parser import Parser, of_kind
from mmpanonas.paths import CONFIG, NEW_FILE_HERE
from mmpanonas.space import NetworkShape
from mmpanonas.values import Pixels, PositiveInt, Seed, Workers


def parse() -> argparse.Namespace:
    """The command line."""
    form = argparse.RawDescriptionHelpFormatter
    parser = Parser(description=__doc__, formatter_class=form)
    parser.add_argument("config", type=CONFIG, help="config of a supernet or of a fixed network")
    parser.add_argument(
        "--out", type=NEW_FILE_HERE, default="latency.json", help="the table (latency.json)"
    )
    parser.add_argument(
        "--size",
        nargs=2,
        type=of_kind(Pixels),
        metavar=("H", "W"),
        help="of the picture, in pixels (the scale of the config's test pictures)",
    )
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument(
        "--repeats", type=of_kind(PositiveInt), default=20, help="of each median (20)"
    )
    parser.add_argument(
        "--threads", type=of_kind(Workers), help="of the CPU (PyTorch's own choice)"
    )
    parser.add_argument(
        "--networks", type=of_kind(PositiveInt), default=10, help="to check with (10)"
    )
    parser.add_argument(
        "--seed", type=of_kind(Seed), default=0, help="of the networks to check with"
    )
    add_config_options(parser)
    return parser.parse_args()


if __name__ == "__main__":  # a wrong command line ends here: what follows takes seconds
    run_tool(parse)

import torch
from mmcv.transforms import Resize
from mmdet.registry import MODELS
from mmengine.registry import TRANSFORMS, init_default_scope

import mmpanonas.register  # noqa: F401
from mmpanonas.config import datasets_of, is_kind, load_config
from mmpanonas.models import AutoPanoptic
from mmpanonas.models.latency import MeasuredNetwork, Stopwatch, measure
from mmpanonas.printing import BAR


def main() -> None:
    """Parse, build, measure, check, write."""
    args = parse()
    if args.device == "cuda" and not torch.cuda.is_available():
        raise InputError("--device cuda: there is no GPU that PyTorch can use; use --device cpu")
    if args.threads:
        torch.set_num_threads(args.threads)
    cfg = load_config(args.config, args.cfg_options)
    model = build(cfg, args.config).to(args.device).eval()
    network = MeasuredNetwork(model, NetworkShape.of_model(cfg.model), args.size or test_size(cfg))
    rng = np.random.default_rng(args.seed)
    archs = list(dict.fromkeys(model.search_space.sample(rng) for _ in range(args.networks)))
    clock = Stopwatch(args.device, args.repeats, partial(tqdm, desc="measure", **BAR))
    found = describe(args) | measure(network, archs, clock)
    write_atomically(args.out, json.dumps(found, indent=1) + "\n")
    print(summary(found, args.out))


def build(cfg: Config, path: str) -> AutoPanoptic:
    """The config's network with random weights. Raises ``InputError`` for another kind."""
    init_default_scope("mmdet")
    model = MODELS.build(cfg.model)
    if not isinstance(model, AutoPanoptic):
        raise InputError(f"{path}: model.type is {cfg.model.type}; expected AutoPanoptic")
    return model


def test_size(cfg: Config) -> tuple[int, int]:
    """Height and width of a landscape test picture as the config scales it."""
    scope = cfg.get("default_scope")
    for dataset in datasets_of(cfg, ("test_dataloader",)):
        for step in dataset.pipeline:
            if is_kind(step, Resize, TRANSFORMS, scope) and step.get("scale"):
                return min(step.scale), max(step.scale)
    raise InputError("the config's test pipeline resizes to no scale: give --size HEIGHT WIDTH")


def describe(args: argparse.Namespace) -> dict:
    """Where, with what and when it was measured."""
    device = torch.cuda.get_device_name() if args.device == "cuda" else cpu_name()
    return dict(
        device=device,
        threads=torch.get_num_threads(),
        torch=torch.__version__,
        repeats=args.repeats,
        date=date.today().isoformat(),
        config=args.config,
    )


def cpu_name() -> str:
    """The processor's name where Linux tells it, else its kind."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def summary(found: dict, out: str) -> str:
    """What was measured and how well the sums predict it, in a few lines."""
    check = found["check"]
    rows = zip(check["predicted"], check["measured"], strict=True)
    tau = check["kendall_tau"]
    return "\n".join(
        [
            f"{found['device']}, threads: {found['threads']}, torch {found['torch']}, one picture "
            f"of {found['size'][0]} x {found['size'][1]}",
            "predicted and measured ms of whole networks:",
            *(f"  {predicted:10.3f} {measured:10.3f}" for predicted, measured in rows),
            f"mean absolute error {check['mean_error_percent']:.2f} %, Kendall's tau "
            f"{'undefined' if tau is None else f'{tau:.3f}'}",
            f"table: {out}",
        ]
    )


if __name__ == "__main__":
    run_tool(main)
