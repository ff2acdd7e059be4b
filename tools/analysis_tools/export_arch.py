"""Write an architecture of a search as an architecture file.

Without an option it is the best by score. --max-cost asks a Pareto search for the best point
of its front that costs no more; every point has a cost of its own, so each can be had.
"""

import argparse
import json
import math
from pathlib import Path

from mmpanonas.errors import InputError, run_tool
from mmpanonas.options import Parser, of_kind
from mmpanonas.space import Arch
from mmpanonas.values import Count, Positive, PositiveInt


def parse_args() -> argparse.Namespace:
    """The command line."""
    form = argparse.RawDescriptionHelpFormatter
    parser = Parser(description=__doc__, formatter_class=form)
    parser.add_argument("search_dir", type=Path, help="work dir of tools/search.py")
    parser.add_argument("out", type=Path, help="architecture file to write")
    which = parser.add_mutually_exclusive_group()
    which.add_argument(
        "--rank", type=of_kind(PositiveInt), default=1, help="by score, 1 is the best (1)"
    )
    which.add_argument("--index", type=of_kind(Count), help="number of the candidate, from 0")
    which.add_argument(
        "--max-cost", type=of_kind(Positive), metavar="X", help="limit on the front's cost"
    )
    return parser.parse_args()


def main() -> None:
    """Parse, choose, write."""
    args = parse_args()
    metric, ranked = read_ranked(args.search_dir)
    if args.max_cost is not None:
        place = _find(ranked, "arch", front_point(args.search_dir, args.max_cost)["arch"])
    elif args.index is not None:
        place = _find(ranked, "index", args.index)
    elif 1 <= args.rank <= len(ranked):
        place = args.rank - 1
    else:
        raise InputError(f"--rank: expected 1 to {len(ranked)}, got {args.rank}")
    if not args.out.absolute().parent.is_dir():
        raise InputError(f"cannot write {args.out}: its folder does not exist")
    chosen = ranked[place]
    Arch.from_dict(chosen["arch"]).dump(args.out)
    costs = ", ".join(f"{name} {value:,.6g}" for name, value in chosen["cost"].items())
    print(
        f"{args.out}: candidate {chosen['index']}, rank {place + 1} of {len(ranked)}, "
        f"{metric} {chosen['metrics'][metric]:.4f}, {costs}"
    )


def read_ranked(folder: Path) -> tuple[str, list[dict]]:
    """The metric of a search and its results that have one, the best first.

    Raises:
        InputError: the folder is none of a search, or nothing in it has a score.
    """
    try:
        metric = json.loads((folder / "search.json").read_text())["metric"]
        lines = (folder / "results.jsonl").read_text().splitlines(keepends=True)
        # A line without its end is being written, or was torn by a crash.
        results = [json.loads(line) for line in lines if line.endswith("\n")]
    except (OSError, ValueError, KeyError) as error:
        raise InputError(f"{folder} holds no results of a search ({error})") from None
    scored = [
        result
        for result in results
        if math.isfinite((result.get("metrics") or {}).get(metric, math.nan))
    ]
    if not scored:
        raise InputError(f"no candidate in {folder} has a score yet")
    return metric, sorted(scored, key=lambda r: (-r["metrics"][metric], r["index"]))


def front_point(folder: Path, limit: float) -> dict:
    """The best point of a Pareto search's front that costs ``limit`` at most.

    Raises:
        InputError: the search has no front, or none of it is that cheap.
    """
    report = folder / "strategy.json"
    found = json.loads(report.read_text()) if report.is_file() else {}
    if "front" not in found:
        raise InputError(
            f"--max-cost: {folder} holds no front; it is there once a search with "
            f"strategy.type='Pareto' has ended (else use --rank or --index)"
        )
    points = [point for point in found["front"] if point["cost"] <= limit]
    if not points:
        costs = [point["cost"] for point in found["front"]]
        least = f"the cheapest point costs {min(costs):,.10g}" if costs else "the front is empty"
        raise InputError(f"--max-cost {limit:,.10g}: {least} ({found['cost']})")
    return points[-1]  # they come by rising cost and score


def _find(ranked: list[dict], key: str, value: object) -> int:
    for place, result in enumerate(ranked):
        if result[key] == value:
            return place
    raise InputError(f"no scored candidate has {key} {value}")


if __name__ == "__main__":
    run_tool(main)
