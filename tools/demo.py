"""The main job on the embedded data set: data, supernet, search, retraining, test, pictures.

Runs the same commands that a user would, prints each, and ends with where everything lies.
Started again, it goes on where it stopped.
"""

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CONFIGS = "configs/auto_panoptic/shapes"


def steps(work: Path, data: Path) -> list[tuple[str, list[str]]]:
    """Every step's name and command (a script and its arguments)."""
    supernet, search, retrain = (work / name for name in ("supernet", "search", "retrain"))
    annotations = data / "annotations/panoptic_train.json"
    root = ["--cfg-options", f"data_root={data}/"]
    arch = [*root, f"model.arch={search / 'arch.json'}"]
    return [
        ("render shapes", ["tools/dataset_converters/shapes.py", data, "--train", 480]),
        (
            "hold out nas_val",
            ["tools/dataset_converters/nas_split.py", annotations, "--num-val", 80],
        ),
        (
            "train supernet",
            ["tools/train.py", f"{CONFIGS}/supernet.py", "--work-dir", supernet, "--resume", *root],
        ),
        (
            "search",
            [
                "tools/search.py",
                f"{CONFIGS}/search_evolution.py",
                lambda: last_checkpoint(supernet),
                "--work-dir",
                search,
                "--resume",
                *root,
            ],
        ),
        (
            "draw search",
            ["tools/analysis_tools/draw_search.py", search, "--config", f"{CONFIGS}/retrain.py"],
        ),
        (
            "retrain",
            ["tools/train.py", f"{CONFIGS}/retrain.py", "--work-dir", retrain, "--resume", *arch],
        ),
        (
            "test",
            [
                "tools/test.py",
                f"{CONFIGS}/retrain.py",
                lambda: last_checkpoint(retrain),
                "--work-dir",
                work / "test",
                "--show-dir",
                work / "pictures",
                "--out",
                work / "test/results",
                *arch,
            ],
        ),
    ]


def last_checkpoint(folder: Path) -> str:
    """The checkpoint that a finished training names in its folder."""
    return (folder / "last_checkpoint").read_text().strip()


def run(number: int, total: int, name: str, command: list) -> float:
    """Run one step with its output shown; returns its seconds, or ends with its exit code."""
    words = [str(word() if callable(word) else word) for word in command]
    print(f"\n=== {number}/{total} {name}\n$ python {' '.join(words)}", flush=True)
    start = time.perf_counter()
    code = subprocess.run([sys.executable, "-W", "ignore", *words], cwd=ROOT).returncode
    if code:
        sys.exit(f"demo: step {name!r} failed with exit code {code}; start again to go on from it")
    return time.perf_counter() - start


def summary(work: Path, data: Path, seconds: dict[str, float]) -> str:
    """What came out, and where it lies."""
    logs = sorted((work / "test").glob("*/*.json"))
    scores = json.loads(logs[-1].read_text().splitlines()[-1])
    rows = [
        f"{name:<7} PQ {scores[f'coco_panoptic/PQ{key}']:5.1f}   "
        f"SQ {scores[f'coco_panoptic/SQ{key}']:5.1f}   RQ {scores[f'coco_panoptic/RQ{key}']:5.1f}"
        for name, key in (("all", ""), ("things", "_th"), ("stuff", "_st"))
    ]
    places = {
        "data": data,
        "supernet": last_checkpoint(work / "supernet"),
        "architecture": f"{work / 'search/arch.json'} (diagram: {work / 'search/arch.png'})",
        "search": f"{work / 'search/ranking.csv'} (curve: {work / 'search/progress.png'})",
        "retrained": last_checkpoint(work / "retrain"),
        "results": work / "test/results.panoptic.json",
        "pictures": f"{work / 'pictures'}/",
        "curves": f"tensorboard --logdir {work}",
    }
    times = ", ".join(f"{name} {value:.0f} s" for name, value in seconds.items())
    lines = [f"{name:<13} {place}" for name, place in places.items()]
    return "\n".join(
        [
            "\n=== The retrained network on val (per class: the table above)",
            *rows,
            "\n=== Where everything lies",
            *lines,
            f"\nTook {sum(seconds.values()) / 60:.1f} minutes: {times}",
        ]
    )


def main() -> None:
    """Run every step."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work-dir", type=Path, default=Path("work_dirs/demo"))
    parser.add_argument("--data", type=Path, default=Path("data/shapes"))
    args = parser.parse_args()
    todo = steps(args.work_dir, args.data)
    seconds = {
        name: run(number, len(todo), name, command)
        for number, (name, command) in enumerate(todo, 1)
    }
    print(summary(args.work_dir, args.data, seconds))


if __name__ == "__main__":
    main()
