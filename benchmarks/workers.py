"""Evaluations per minute of a search with one worker and with two, one thread each.

    python benchmarks/workers.py [--checkpoint FILE] [--rounds 2]

Every search is the tool as a user starts it, on the same shapes, with the same candidates in
the same order; it stops unless all write the same results, bit by bit. The time is that from
the beginning of the first evaluation to the end of the last, loading of the model and the
data left out. Without a checkpoint weights are random, so little is found and painted.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import torch
from common import ROOT, config_on_shapes, machine
from mmdet.registry import MODELS

CONFIG = "configs/auto_panoptic/shapes/search_random.py"


def command(workers: int, checkpoint: Path) -> list[str]:
    """The search in its own process, or with so many workers of Ray."""
    words = [sys.executable, "-W", "ignore", "tools/search.py", CONFIG, str(checkpoint)]
    return words + (["--num-workers", str(workers)] if workers > 1 else [])


def search(workers: int, folder: Path, checkpoint: Path, options: list[str]) -> tuple[float, bytes]:
    """Evaluations per minute, and the file of results."""
    env = os.environ | {"OMP_NUM_THREADS": "1"}
    words = [*command(workers, checkpoint), "--work-dir", str(folder), "--cfg-options", *options]
    log = folder.with_suffix(".log")
    with log.open("w") as file:
        done = subprocess.run(words, cwd=ROOT, env=env, stdout=file, stderr=file)
    if done.returncode:
        raise SystemExit(f"{workers} workers failed:\n{log.read_text()[-3000:]}")
    tries = list(map(json.loads, (folder / "times.jsonl").read_text().splitlines()))
    begin = min(entry["ended"] - entry["seconds"] for entry in tries)
    minutes = (max(entry["ended"] for entry in tries) - begin) / 60
    return len(tries) / minutes, (folder / "results.jsonl").read_bytes()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--checkpoint", type=Path, help="of a trained shapes supernet")
    parser.add_argument("--candidates", type=int, default=40)
    parser.add_argument("--pictures", type=int, default=80, help="of nas_val")
    parser.add_argument("--rounds", type=int, default=2, help="the best of each counts")
    args = parser.parse_args()
    best: dict[int, float] = {}
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        cfg = config_on_shapes(CONFIG, root / "shapes", 64, args.pictures)
        checkpoint = args.checkpoint or root / "random.pth"
        if not args.checkpoint:
            torch.manual_seed(0)
            model = MODELS.build(cfg.model)
            model.init_weights()
            torch.save({"state_dict": model.state_dict(), "meta": {}}, checkpoint)
        options = [f"data_root={root / 'shapes'}/", f"val_cfg.strategy.total={args.candidates}"]
        options += ["val_dataloader.num_workers=0", "val_dataloader.persistent_workers=False"]
        answers = set()
        for number in range(args.rounds):
            for workers in (1, 2):
                folder = root / f"{workers}_{number}"
                rate, answer = search(workers, folder, checkpoint.absolute(), options)
                best[workers] = max(rate, best.get(workers, 0.0))
                answers.add(answer)
        if len(answers) > 1:
            raise SystemExit("the searches have written different results")
    print(machine())
    print(f"{args.candidates} candidates on {args.pictures} pictures, best of {args.rounds}")
    for workers, rate in best.items():
        print(f"{workers} worker{'s' * (workers > 1):1} {rate:7.1f} a minute {rate / best[1]:6.2f}")


if __name__ == "__main__":
    main()
