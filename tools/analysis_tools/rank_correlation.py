"""Does the supernet rank as stand-alone training does? Kendall's tau-b and Spearman's rho.

STAND_ALONE is a .csv or .json file with the results of candidates that were trained alone:

    index,score            [{"index": 12, "score": 41.3},
    12,41.3                 {"arch": {"backbone": ["xception", ...], ...}, "score": 39.9}]
    40,39.9

Each names a candidate of the search by its index or its architecture (in CSV a column "arch"
with the text of an arch.json). Several results of one candidate count as their mean.
"""

import argparse
import json
from dataclasses import asdict
from pathlib import Path

from mmpanonas.errors import InputError, run_tool
from mmpanonas.files import write_atomically
from mmpanonas.parser import Parser, of_kind
from mmpanonas.paths import FILE, NEW_FILE_HERE, SEARCH
from mmpanonas.records import check_no_result, read_search
from mmpanonas.values import Resamples, Seed


def parse() -> argparse.Namespace:
    """The command line."""
    parser = Parser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "search", type=SEARCH, help="work dir of tools/search.py, or its results.jsonl"
    )
    parser.add_argument("stand_alone", type=FILE, help="results of candidates trained alone")
    parser.add_argument("--metric", help="the supernet's score; the search's own by default")
    parser.add_argument(
        "--resamples", type=of_kind(Resamples), default=2000, help="of the bootstrap (2000)"
    )
    parser.add_argument("--seed", type=of_kind(Seed), default=0, help="of the bootstrap (0)")
    parser.add_argument(
        "--out", type=NEW_FILE_HERE, help="JSON file to write: the coefficients and the pairs"
    )
    return parser.parse_args()


if __name__ == "__main__":  # a wrong command line ends here: what follows takes seconds
    run_tool(parse)

from mmpanonas.evaluation import pair_scores, rank_correlation, read_stand_alone


def main() -> None:
    """Parse, compare, print."""
    args = parse()
    folder = Path(args.search)
    folder = folder.parent if folder.name == "results.jsonl" else folder
    if args.out:
        check_no_result(args.out, folder)
    search = read_search(folder)
    metric = args.metric or search.metric
    known = sorted({name for candidate in search.candidates for name in candidate.metrics})
    if args.metric and metric not in known:
        raise InputError(f"--metric: expected one of {', '.join(known)}, got {metric!r}")
    supernet = {c.index: (c.arch, c.score(metric)) for c in search.candidates}
    pairs = pair_scores(supernet, read_stand_alone(args.stand_alone))
    first, second = zip(*pairs.values(), strict=True) if pairs else ((), ())
    found = rank_correlation(first, second, args.resamples, args.seed)
    print(f"{len(pairs)} candidates, supernet score: {metric}")
    for name, title in (("kendall_tau", "Kendall's tau-b"), ("spearman_rho", "Spearman's rho")):
        c = found[name]
        print(f"{title:<16}{c.value:7.3f}   95 % interval {c.low:.3f} to {c.high:.3f} (bootstrap)")
    if args.out:
        _write(args.out, metric, pairs, found)


def _write(path: str, metric: str, pairs: dict, found: dict) -> None:
    rows = [dict(index=i, supernet=a, stand_alone=b) for i, (a, b) in pairs.items()]
    report = dict(metric=metric, n=len(pairs), pairs=rows)
    report |= {name: asdict(correlation) for name, correlation in found.items()}
    try:
        write_atomically(path, json.dumps(report, indent=2) + "\n")
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror}") from None
    print(f"written: {path}")


if __name__ == "__main__":
    run_tool(main)
