"""Write an architecture of a search as an architecture file.

Without an option it is the best by score. --max-cost asks a Pareto search for the best point
of its front that costs no more; every point has a cost of its own, so each can be had.
"""

import argparse
from collections.abc import Mapping

from mmpanonas.errors import InputError, run_tool
from mmpanonas.parser import Parser, of_kind
from mmpanonas.paths import FOLDER, NEW_FILE_HERE
from mmpanonas.records import Candidate, SearchData, check_no_result, read_search
from mmpanonas.space import Arch
from mmpanonas.values import Count, Positive, PositiveInt


def parse_args() -> argparse.Namespace:
    """The command line."""
    form = argparse.RawDescriptionHelpFormatter
    parser = Parser(description=__doc__, formatter_class=form)
    parser.add_argument("search_dir", type=FOLDER, help="work dir of tools/search.py")
    parser.add_argument("out", type=NEW_FILE_HERE, help="architecture file to write")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--rank", type=of_kind(PositiveInt), help="by score, 1 is the best (1)")
    which.add_argument("--index", type=of_kind(Count), help="number of the candidate, from 0")
    which.add_argument(
        "--max-cost", type=of_kind(Positive), metavar="X", help="limit on the front's cost"
    )
    return parser.parse_args()


def main() -> None:
    """Parse, choose, write."""
    args = parse_args()
    check_no_result(args.out, args.search_dir)
    rank = args.rank or 1
    data = read_search(args.search_dir)
    ranked = data.ranked
    if not ranked:
        raise InputError(f"no candidate in {args.search_dir} has a score yet ({data.metric})")
    if args.max_cost is not None:
        point = front_point(data, args.max_cost)
        place = _find(ranked, "arch", Arch.from_dict(point["arch"]))
    elif args.index is not None:
        place = _find(ranked, "index", args.index)
    elif rank <= len(ranked):
        place = rank - 1
    else:
        raise InputError(f"--rank: expected 1 to {len(ranked)}, got {rank}")
    chosen = ranked[place]
    chosen.arch.dump(args.out)
    costs = ", ".join(f"{name} {value:,.6g}" for name, value in chosen.cost.items())
    print(
        f"{args.out}: candidate {chosen.index}, rank {place + 1} of {len(ranked)}, "
        f"{data.metric} {chosen.score(data.metric):.4f}, {costs}"
    )


def front_point(data: SearchData, limit: float) -> Mapping:
    """The best point of a Pareto search's front that costs ``limit`` at most.

    Raises:
        InputError: the search has no front, or none of it is that cheap.
    """
    if "front" not in data.strategy:
        damaged = [f" ({remark})" for remark in data.remarks if "strategy.json" in remark]
        raise InputError(
            f"--max-cost: {data.folder} holds no front{''.join(damaged)}; it is there once a "
            f"search with strategy.type='Pareto' has ended (else use --rank or --index)"
        )
    front = data.strategy["front"]
    points = [point for point in front if point["cost"] <= limit]
    if not points:
        costs = [point["cost"] for point in front]
        least = f"the cheapest point costs {min(costs):,.10g}" if costs else "the front is empty"
        raise InputError(f"--max-cost {limit:,.10g}: {least} ({data.strategy['cost']})")
    return points[-1]  # they come by rising cost and score


def _find(ranked: list[Candidate], key: str, value: object) -> int:
    for place, candidate in enumerate(ranked):
        if getattr(candidate, key) == value:
            return place
    raise InputError(f"no scored candidate has {key} {value}")


if __name__ == "__main__":
    run_tool(main)
