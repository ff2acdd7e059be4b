"""What a search space costs: range, each module's share of the cost and of its variance, budgets.

The budgets are those of a search's config; --macs names another limit of the whole network.
"""

import argparse
import json

from mmpanonas.errors import InputError, run_tool
from mmpanonas.options import add_config_options
from mmpanonas.parser import Parser, of_kind
from mmpanonas.paths import CONFIG
from mmpanonas.values import Pixels, Positive, PositiveInt, Seed


def parse(argv: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = Parser(description=__doc__)
    parser.add_argument("config", type=CONFIG, help="config file of a supernet or a search")
    parser.add_argument(
        "--shape",
        nargs=2,
        type=of_kind(Pixels),
        metavar=("H", "W"),
        help="of the picture, in pixels (that of the first budget, else 800 1333)",
    )
    parser.add_argument("--macs", type=of_kind(Positive), help="a limit of multiply-accumulates")
    parser.add_argument("--draws", type=of_kind(PositiveInt), default=500, help="of them (500)")
    parser.add_argument("--seed", type=of_kind(Seed), default=0, help="of the draws (0)")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead")
    add_config_options(parser)
    return parser.parse_args(argv)


if __name__ == "__main__":  # a wrong command line ends here: what follows takes seconds
    run_tool(parse)

from mmpanonas.config import load_config
from mmpanonas.printing import text_table
from mmpanonas.space import Budget, NetworkShape, check_counted, space_of
from mmpanonas.space.cost import TEST_SIZE
from mmpanonas.space.describe import SpaceCosts


def describe(args: argparse.Namespace) -> tuple[SpaceCosts, list[Budget], tuple[int, int]]:
    """The costs of the config's space, the budgets, and the picture's height and width."""
    cfg = load_config(args.config, args.cfg_options)
    check_counted(cfg.model, "network", "describe_space.py")
    space, shape = space_of(cfg.model), NetworkShape.of_model(cfg.model)
    if space.size < 2:
        raise InputError(f"{args.config}: nothing to describe: the model is one fixed network")
    budgets = [Budget(**each) for each in (cfg.get("val_cfg") or {}).get("budgets", ())]
    sizes = [b.measure.size for b in budgets if b.measure.scope == "network"]
    picture = tuple(args.shape or (sizes or [TEST_SIZE])[0])
    if args.macs:
        budgets = [Budget("macs", args.macs, "network", size=picture)]
    return SpaceCosts.of(space, shape, picture, args.draws, args.seed, budgets), budgets, picture


def report(costs: SpaceCosts, budgets: list[Budget], picture: tuple[int, int]) -> str:
    """What there is to say, for people."""
    rows = zip(
        costs.modules, costs.macs.mean(axis=0), costs.shares, costs.variance_shares, strict=True
    )
    table = text_table(
        [
            ("module", "mean MACs", "of the cost", "of its variance"),
            *((name, f"{mean / 1e6:,.1f} M", f"{s:.0%}", f"{v:.0%}") for name, mean, s, v in rows),
        ]
    )
    spread = ", ".join(f"{value / 1e6:,.1f} M ({q:.0%})" for q, value in costs.quantiles.items())
    lines = [
        f"{costs.size:.3g} architectures; {len(costs.macs)} drawn, one picture of "
        f"{picture[0]} x {picture[1]}",
        f"MACs of the network, quantiles: {spread}",
        "",
        table,
    ]
    kept = zip(budgets, costs.allowed, strict=True)
    lines += ["", *(f"{share:.1%} of the draws keep: {budget.words}" for budget, share in kept)]
    return "\n".join([*lines, *costs.remarks()])


def main(argv: list[str] | None = None) -> None:
    """Parse, draw, print."""
    args = parse(argv)
    costs, budgets, picture = describe(args)
    if not args.json:
        print(report(costs, budgets, picture))
        return
    modules = zip(costs.modules, costs.shares.tolist(), costs.variance_shares.tolist(), strict=True)
    found = dict(
        size=costs.size,
        picture=picture,
        quantiles={str(q): value for q, value in costs.quantiles.items()},
        modules={name: dict(share=s, variance_share=v) for name, s, v in modules},
        budgets=[
            dict(budget=b.words, share=s) for b, s in zip(budgets, costs.allowed, strict=True)
        ],
        remarks=costs.remarks(),
    )
    print(json.dumps(found))


if __name__ == "__main__":
    run_tool(main)
