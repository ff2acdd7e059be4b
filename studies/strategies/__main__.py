"""Compare strategies on one supernet at equal numbers of evaluated candidates.

Every search has its own folder in the work dir, named like Evolution_0; started again, the
comparison goes on where it stopped. Afterwards --out holds the outcome of each search.
"""

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path

from mmpanonas.command_line import make_search_parser
from mmpanonas.errors import run_tool
from mmpanonas.files import write_atomically
from mmpanonas.parser import of_kind
from mmpanonas.paths import NEW_FILE
from mmpanonas.strategies import STRATEGIES
from mmpanonas.values import PositiveInt
from studies.strategies.sizes import sizes

#: Strategies that look for the best score alone.
ONE_GOAL = sorted(set(STRATEGIES) - {"Pareto"})


def parse() -> argparse.Namespace:
    """The command line; numbers that no strategy can plan are refused here."""
    parser = make_search_parser(__doc__)
    parser.add_argument("--strategies", nargs="+", choices=ONE_GOAL, default=ONE_GOAL)
    parser.add_argument(
        "--seeds", type=of_kind(PositiveInt), default=3, help="searches of each strategy"
    )
    parser.add_argument(
        "--evaluations", type=of_kind(PositiveInt), default=60, help="candidates of each search"
    )
    parser.add_argument("--out", type=NEW_FILE, required=True, help="results file to write (JSON)")
    parser.replaces("--strategies", "val_cfg.strategy", always=True)
    parser.replaces("--seeds", "val_cfg.seed", "val_cfg.resume", always=True)
    args = parser.parse_args()
    for name in args.strategies:
        sizes(name, args.evaluations)
    return args


if __name__ == "__main__":  # a wrong command line ends here: what follows takes seconds
    run_tool(parse)

import torch

from mmpanonas.cli import prepare_search
from mmpanonas.config import check_writable
from mmpanonas.search.secrets import public_command
from studies.strategies.comparison import comparison_table, run_search


def main() -> None:
    """Parse, search, write and print what came out."""
    args = parse()
    out = Path(args.out)
    check_writable(out.parent, "folder of the results file", "--out")
    cfg = prepare_search(args)
    searches = [(name, seed) for name in args.strategies for seed in range(args.seeds)]
    outcomes = []
    for number, (name, seed) in enumerate(searches, 1):
        folder = Path(cfg.work_dir) / f"{name}_{seed}"
        print(f"\n=== {number}/{len(searches)} {name}, seed {seed} ({folder})", flush=True)
        outcomes.append(run_search(cfg, name, seed, args.evaluations, folder))
    out.parent.mkdir(parents=True, exist_ok=True)
    results = dict(
        command=public_command(sys.argv),
        device=torch.cuda.get_device_name() if torch.cuda.is_available() else "CPU",
        searches=[asdict(outcome) for outcome in outcomes],
    )
    write_atomically(out, json.dumps(results, indent=2) + "\n")
    print(f"\n{comparison_table(outcomes)}\n\nof every search: {out}")


if __name__ == "__main__":
    run_tool(main)
