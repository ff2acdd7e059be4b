"""Search directories with made-up scores: what a search would write, in no time.

The scores are those of a hidden preference for each choice of each layer, plus noise, so that
the real strategies, which propose the candidates, have something to find.
"""

import json
from pathlib import Path

import numpy as np

from mmpanonas.search import STRATEGIES
from mmpanonas.space import NetworkShape, SearchSpace, backbone_cost, network_cost

PREFIX = "coco_panoptic"
REASONS = ("CUDA out of memory: tried to allocate 2.5 GiB", "loss <b>became</b> NaN & stopped")


def write_search(
    folder: Path,
    strategy: dict,
    failed: int = 0,
    stop_after: int | None = None,
    blocks: tuple[int, ...] = (8, 8, 16, 8),
) -> Path:
    """Run ``strategy`` on made-up scores and write its files; returns ``folder``.

    ``failed`` candidates, spread evenly, get no metrics. ``stop_after`` candidates the search
    is cut off: there is no answer.
    """
    folder.mkdir(parents=True, exist_ok=True)
    space, shape = SearchSpace.full(blocks), NetworkShape(blocks=blocks)
    searched = STRATEGIES[strategy["type"]](
        space, seed=0, **{key: value for key, value in strategy.items() if key != "type"}
    )
    rng = np.random.default_rng(7)
    liking = rng.normal(0, 1, (len(space.num_choices), space.num_choices.max()))
    lines: list[dict] = []
    known: dict = {}
    every = searched.total // failed if failed else 0
    while not searched.done and len(lines) != stop_after:
        for arch in searched.propose(1):
            if arch not in known:
                line = _line(arch, len(lines), _metrics(space.encode(arch), liking, rng), shape)
                line |= searched.label(arch)
                if every and len(lines) % every == every // 2:
                    reason = REASONS[len(lines) // every % len(REASONS)]
                    line |= dict(metrics={}, state="failed", reason=reason, tries=3)
                lines.append(line)
                known[arch] = line["metrics"].get(f"{PREFIX}/PQ", 0.0)
            searched.tell(arch, known[arch])
    _write_files(folder, lines, strategy, blocks, rng)
    if stop_after is None:
        write_answer(folder, lines)
        if report := getattr(searched, "report", dict)():
            (folder / "strategy.json").write_text(json.dumps(report))
    return folder


def _metrics(codes: np.ndarray, liking: np.ndarray, rng: np.random.Generator) -> dict[str, float]:
    liked = liking[np.arange(len(codes)), codes].sum()
    things, stuff = 30 + 0.3 * liked + rng.normal(0, 0.4), 22 + 0.2 * liked + rng.normal(0, 0.4)
    pq = (80 * things + 53 * stuff) / 133
    values = dict(PQ=pq, PQ_th=things, PQ_st=stuff, SQ=70 + 0.1 * liked, RQ=100 * pq / 70)
    return {f"{PREFIX}/{key}": float(value) for key, value in values.items()}


def _line(arch, index: int, metrics: dict, shape: NetworkShape) -> dict:
    backbone, network = backbone_cost(arch, shape), sum(network_cost(arch, shape).values())
    cost = dict(backbone_macs=backbone.macs, backbone_params=backbone.params)
    cost |= dict(network_macs=network.macs, network_params=network.params)
    line = dict(index=index, arch=arch.to_dict(), metrics=metrics, cost=cost)
    return line | dict(state="done", tries=1)


def _write_files(folder: Path, lines: list, strategy: dict, blocks, rng) -> None:
    times = [
        dict(index=line["index"], seconds=rng.uniform(11, 14), worker=f"host{line['index'] % 2}:0")
        for line in lines
    ]
    for name, rows in (("results.jsonl", lines), ("times.jsonl", times)):
        (folder / name).write_text("".join(json.dumps(row) + "\n" for row in rows))
    identity = dict(
        model=dict(type="AutoPanoptic", backbone=dict(blocks=list(blocks))),
        strategy=strategy,
        seed=0,
        metric=f"{PREFIX}/PQ",
        budgets=[dict(quantity="macs", limit=1.3e9)],
        recalibration=dict(num_images=500, batch_size=16),
        checkpoint="9f2c" * 16,
    )
    (folder / "search.json").write_text(json.dumps(identity))
    run = dict(
        versions=dict(mmpanonas="0.1.0", torch="2.13.0", python="3.11.2"),
        command_lines=["tools/search.py config.py super.pth", "tools/search.py <x> --resume"],
        hosts=2,
        started="2026-11-22 15:40:28",
    )
    (folder / "run.json").write_text(json.dumps(run))


def write_answer(folder: Path, lines: list[dict]) -> None:
    """``arch.json`` and ``ranking.csv`` as a finished search leaves them."""
    done = [line for line in lines if line["state"] == "done"]
    best = max(done, key=lambda line: line["metrics"][f"{PREFIX}/PQ"], default=None)
    if best:
        (folder / "arch.json").write_text(json.dumps(best["arch"]))
    rows = "".join(f"{rank},{line['index']}\n" for rank, line in enumerate(done, 1))
    (folder / "ranking.csv").write_text(f"rank,index\n{rows}")
