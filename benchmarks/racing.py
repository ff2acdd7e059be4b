"""How often a race makes the choice of the full evaluation, and for how many of the pictures.

    python benchmarks/racing.py SEARCH [SEARCH ...] [--orders 100] [--seats 1]

SEARCH is the work dir of a search in which nobody has left the race, so that ``rungs.jsonl`` holds
all counts, such as that of

    python tools/search.py configs/auto_panoptic/shapes/search_random.py SUPERNET --cfg-options \
        "val_cfg.race=dict(type='paired', first=1)" val_cfg.strategy.total=60

Its candidates run one race on each of many orders of the pictures, which are drawn anew. Nothing is
evaluated.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mmpanonas.errors import InputError, run_tool
from mmpanonas.parser import Parser, of_kind
from mmpanonas.paths import FOLDER
from mmpanonas.racing import Contestant, Halving, PairedTest, PictureCounts, Race
from mmpanonas.records import Rungs, read_search
from mmpanonas.values import PositiveInt

#: What is compared, by the words of its config.
RULES: dict[str, Race] = {
    "everybody on 1/4": Halving([0.25], keep=0),
    "halving 1/8 1/4 1/2": Halving(),
    "halving 1/16 1/8 1/4 1/2": Halving([0.0625, 0.125, 0.25, 0.5]),
    "halving 1/12 1/6 1/3, keep 1/3": Halving([1 / 12, 1 / 6, 1 / 3], keep=1 / 3),
    **{f"paired z={z:g}": PairedTest(z=z) for z in (1.5, 2, 2.5, 3)},
}


def main() -> None:
    """Parse, replay, print."""
    parser = Parser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("search", nargs="+", type=FOLDER, help="work dir of a search")
    parser.add_argument("--orders", type=of_kind(PositiveInt), default=100, help="drawn (100)")
    parser.add_argument("--seats", type=of_kind(PositiveInt), default=1, help="wanted (1)")
    args = parser.parse_args()
    for folder in args.search:
        counts = whole_counts(Path(folder))
        pictures, scores = len(counts[0]), [each.quality for each in counts]
        print(
            f"{folder}: {len(counts)} candidates, {pictures} pictures, PQ {min(scores):.1f} to "
            f"{max(scores):.1f}"
        )
        print(f"{'rule':<32}{'pictures':>10}{'choice':>8}{'regret':>8}{'95 %':>8}")
        for name, rule in RULES.items():
            used, same, regrets = replay(rule, counts, args.orders, args.seats)
            print(
                f"{name:<32}{used:>9.1%}{same:>8.0%}{np.mean(regrets):>8.3f}"
                f"{np.percentile(regrets, 95):>8.3f}"
            )


def whole_counts(folder: Path) -> list[PictureCounts]:
    """Of every candidate that has seen all pictures.

    Raises:
        InputError: fewer than two have.
    """
    data = read_search(folder)
    seen = Rungs(folder, print).read()
    most = max((len(each.pictures) for each in seen.values()), default=0)
    rows = [s.pictures for i, s in sorted(seen.items()) if len(s.pictures) == most]
    if len(rows) < 2:
        raise InputError(
            f"{folder}: expected two candidates or more with all counts in rungs.jsonl"
        )
    labels = {row[0] for pictures in rows for *_, found in pictures for row in found}
    things = data.identity.get("model", {}).get("semantic_head", {}).get("num_things_classes", 0)
    key = data.metric.rpartition("/")[2]
    classes = dict(PQ_th=range(things), PQ_st=range(things, max(labels) + 1))
    own = classes.get(key, range(max(labels) + 1))
    return [
        PictureCounts.of([{row[0]: row[1:] for row in found} for *_, found in pictures], own)
        for pictures in rows
    ]


def replay(
    rule: Race, counts: Sequence[PictureCounts], orders: int, seats: int, seed: int = 0
) -> tuple[float, float, list[float]]:
    """Share of the pictures used, share of the full evaluation's choices, and regrets in PQ."""
    rng, full = np.random.default_rng(seed), np.array([each.quality for each in counts])
    used, regrets = [], []
    for _ in range(orders):
        order = rng.permutation(len(counts[0]))
        chosen, seen = run(
            rule, [PictureCounts(c.iou[order], c.weight[order]) for c in counts], seats
        )
        used.append(seen / (len(counts) * len(order)))
        regrets.append(float(full.max() - full[chosen]))
    return float(np.mean(used)), float(np.mean(np.array(regrets) == 0)), regrets


def run(rule: Race, counts: Sequence[PictureCounts], seats: int) -> tuple[int, int]:
    """One race: who wins, and how many pictures were seen."""
    left, pictures, seen, before = list(range(len(counts))), len(counts[0]), 0, 0
    for stop in rule.rungs(pictures):
        seen += len(left) * (stop - before)
        before = stop
        field = [Contestant(counts[place].first(stop)) for place in left]
        if stop < pictures:
            gone = {*rule.leaving(field, [], seats, pictures)}
            left = [place for number, place in enumerate(left) if number not in gone]
    return max(left, key=lambda place: counts[place].quality), seen


if __name__ == "__main__":
    run_tool(main)
