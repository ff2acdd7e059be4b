"""Multiply-accumulates and parameters of a config's backbone and network, none being built."""

import argparse
import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import redirect_stdout

from mmengine.config import Config

from mmpanonas.errors import InputError, run_tool
from mmpanonas.options import add_config_options
from mmpanonas.parser import Parser, of_kind
from mmpanonas.paths import CONFIG, FILE
from mmpanonas.printing import text_table
from mmpanonas.space import (
    Arch,
    ArchError,
    Cost,
    NetworkShape,
    backbone_cost,
    cost_range,
    network_cost,
    space_of,
    uncounted,
)
from mmpanonas.space.cost import IMAGENET_SIZE, TEST_SIZE
from mmpanonas.values import Pixels


def parse_args(argv: list[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = Parser(description=__doc__)
    parser.add_argument("config", type=CONFIG, help="config of a supernet or of a fixed network")
    parser.add_argument(
        "--arch", type=FILE, help="architecture file; replaces the config's model.arch"
    )
    parser.add_argument(
        "--shape",
        nargs=2,
        type=of_kind(Pixels),
        default=TEST_SIZE,
        metavar=("H", "W"),
        help="input of the whole network, in pixels (800 1333)",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object instead")
    add_config_options(parser)
    parser.replaces("--arch", "model.arch", "model.backbone.arch")
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> None:
    """Parse, count, print."""
    args = parse_args(argv)
    cfg = read_config(args.config, args.cfg_options)
    source = args.arch or cfg.model.get("arch") or cfg.model.backbone.get("arch")
    shape, size = NetworkShape.of_model(cfg.model), tuple(args.shape)
    report = {"config": args.config, "arch": source if isinstance(source, str) else None}
    if source:
        arch = Arch.load(source)
        try:
            space_of({**cfg.model, "arch": None}).check(arch)
            report |= count_network(arch, shape, size)
        except ArchError as error:
            raise InputError(
                f"{source} does not fit the network of {args.config}: {error}"
            ) from None
    else:
        report |= count_space(shape, size, space_of(cfg.model).extreme_sizes())
    print(json.dumps(report) if args.json else format_report(report, shape))


def read_config(path: str, options: dict | None) -> Config:
    """Read and check a config. Raises ``InputError`` if it is wrong or cannot be counted."""
    with redirect_stdout(sys.stderr):  # MMDetection may print as it is imported
        from mmpanonas.config import ClassesError, load_config

        try:
            cfg = load_config(path, options)
        except ClassesError as error:
            raise InputError(
                f"{path} takes its classes from its data set: {error}; to name the data set, "
                f"add --cfg-options data_root=PATH"
            ) from None
    reason = uncounted(cfg.model)
    if reason:
        raise InputError(f"{path}: {reason} (MMDetection's own get_flops.py counts other networks)")
    return cfg


def count_network(arch: Arch, shape: NetworkShape, size: tuple[int, int]) -> dict:
    """Cost of the backbone at ImageNet's size, and of every module at ``size``."""
    modules = network_cost(arch, shape, size)
    return {
        "choices": arch.to_dict(),
        "backbone": {"size": IMAGENET_SIZE, **vars(backbone_cost(arch, shape))},
        "network": {
            "size": size,
            **vars(sum(modules.values())),
            "modules": {name: vars(cost) for name, cost in modules.items()},
        },
    }


def count_space(shape: NetworkShape, size: tuple[int, int], extremes: list[Arch]) -> dict:
    """Bounds over all backbones of the space, at ImageNet's size and at ``size``."""
    return {
        "backbone_range": [
            {"size": at, **{q: cost_range(shape, at, q, extremes) for q in ("macs", "params")}}
            for at in (IMAGENET_SIZE, size)
        ]
    }


def format_report(report: dict, shape: NetworkShape) -> str:
    """The report as a table with its head and foot lines."""
    table = text_table([("", "input", "MACs", "parameters"), *_rows(report)])
    if "network" in report:
        head = f"architecture: {report['arch'] or 'in the config'}"
        foot = (
            f"The box head sees {shape.box_rois} regions a picture, the mask head "
            f"{shape.mask_rois}."
        )
    else:
        head = "architecture: none, so smallest and largest backbone of the search space"
        foot = (
            "Each bound stands alone: the backbone of fewest MACs may not be that of fewest "
            "parameters.\nFor the whole network give an architecture file with --arch."
        )
    note = "MACs: multiply-accumulates of convolutions and fully connected layers, one picture."
    return "\n".join([f"config: {report['config']}", head, "", table, "", note, foot])


def _rows(report: dict) -> Iterator[tuple[str, ...]]:
    for bounds in report.get("backbone_range", ()):
        for place, name in enumerate(("smallest", "largest")):
            cost = Cost(bounds["macs"][place], bounds["params"][place])
            yield _row(f"{name} backbone", bounds["size"], vars(cost))
    if "network" in report:
        network = report["network"]
        yield _row("backbone", report["backbone"]["size"], report["backbone"])
        yield ("",) * 4
        for name, cost in network["modules"].items():
            yield _row(name, network["size"], cost)
        yield _row("network", network["size"], network)


def _row(name: str, size: tuple[int, int], cost: Mapping) -> tuple[str, ...]:
    macs, params = cost["macs"] / 1e9, cost["params"] / 1e6
    return name, f"{size[0]} x {size[1]}", f"{macs:,.3f} G", f"{params:,.3f} M"


if __name__ == "__main__":
    run_tool(main)
