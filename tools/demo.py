"""The main job on the embedded data set: data, supernet, search, retraining, test, pictures.

Runs the same commands that a user would, prints each, and ends with where everything lies.
Started again, it goes on where it stopped.
"""

import argparse
import csv
import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

from mmpanonas.errors import run_tool
from mmpanonas.parser import Parser
from mmpanonas.paths import NEW_FOLDER


def parse() -> argparse.Namespace:
    """The command line."""
    parser = Parser(description=__doc__)
    parser.add_argument("--work-dir", type=NEW_FOLDER, default="work_dirs/demo")
    parser.add_argument("--data", type=NEW_FOLDER, default="data/shapes")
    return parser.parse_args()


if __name__ == "__main__":  # a wrong command line ends here: what follows takes seconds
    run_tool(parse)

import torch

ROOT = Path(__file__).resolve().parents[1]
CONFIGS = "configs/auto_panoptic/shapes"
#: One for each GPU; without one, two of one thread each use two cores better than one of two.
PROCESSES = torch.cuda.device_count() or 2


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
            [
                "tools/dist_train.sh",
                f"{CONFIGS}/supernet.py",
                PROCESSES,
                "--work-dir",
                supernet,
                "--resume",
                *root,
            ],
        ),
        (
            "search",
            [
                "tools/search.py",
                f"{CONFIGS}/search_evolution.py",
                lambda: last_checkpoint(supernet),
                "--num-workers",
                PROCESSES,
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
            [
                "tools/dist_train.sh",
                f"{CONFIGS}/retrain.py",
                PROCESSES,
                "--work-dir",
                retrain,
                "--resume",
                *arch,
            ],
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


def run(number: int, total: int, name: str, command: list, log: Path) -> float:
    """Run one step; returns its seconds, or ends the demo with the end of its log.

    Progress bars and errors (stderr) are shown; what else a step prints goes to ``log``.
    """
    words = [str(word() if callable(word) else word) for word in command]
    distributed = words[0].endswith(".sh")
    program = ["bash"] if distributed else [sys.executable, "-W", "ignore"]
    environment = os.environ | (torchrun_settings() if distributed else {})
    shown = Path(program[0]).name
    print(f"\n=== {number}/{total} {name} (log: {log})\n$ {shown} {' '.join(words)}", flush=True)
    log.parent.mkdir(parents=True, exist_ok=True)
    start = time.perf_counter()
    with log.open("w") as file:
        done = subprocess.run([*program, *words], cwd=ROOT, stdout=file, env=environment)
    if done.returncode:
        print(log.read_text()[-2000:], file=sys.stderr)
        sys.exit(f"demo: step {name!r} failed; start again to go on from it")
    return time.perf_counter() - start


def torchrun_settings() -> dict[str, str]:
    """Environment of the distributed steps: this Python, a free port, one thread a process."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    return dict(PYTHON=sys.executable, PYTHONWARNINGS="ignore", PORT=str(port), OMP_NUM_THREADS="1")


def table(rows: list[dict], columns: dict[str, str]) -> str:
    """Rows of numbers under their names."""
    lines = ["".join(f"{column:>10}" for column in columns.values())]
    for row in rows:
        cells = (row[key] for key in columns)
        lines.append("".join(f"{c:>10.1f}" if isinstance(c, float) else f"{c:>10}" for c in cells))
    return "\n".join(lines)


def ranking(search: Path, count: int = 5) -> str:
    """The best candidates of the search."""
    with (search / "ranking.csv").open() as file:
        rows = list(csv.DictReader(file))[:count]
    scores = {f"coco_panoptic/{key}": key for key in ("PQ", "PQ_th", "PQ_st")}
    rows = [row | {key: float(row[key]) for key in scores} for row in rows]
    return table(rows, dict(rank="rank", index="candidate", generation="born") | scores)


def scores(results: Path) -> str:
    """PQ, SQ and RQ per group and per class."""
    report = json.loads(results.read_text())
    groups = [
        dict(name=name)
        | {key: report["metrics"][f"{key}{suffix}"] for key in ("PQ", "SQ", "RQ")}
        | dict(n_tp="", n_fp="", n_fn="")
        for name, suffix in (("all", ""), ("things", "_th"), ("stuff", "_st"))
    ]
    columns = dict(name="", PQ="PQ", SQ="SQ", RQ="RQ", n_tp="TP", n_fp="FP", n_fn="FN")
    return table(groups + report["classes"], columns)


def summary(work: Path, data: Path, seconds: dict[str, float]) -> str:
    """What came out, and where it lies."""
    places = {
        "data": data,
        "supernet": last_checkpoint(work / "supernet"),
        "architecture": f"{work / 'search/arch.json'} (diagram: {work / 'search/arch.png'})",
        "search": f"{work / 'search/ranking.csv'} (curve: {work / 'search/progress.png'})",
        "retrained": last_checkpoint(work / "retrain"),
        "results": f"{work / 'test/results.panoptic.json'}, {work / 'test/results.pq.json'}",
        "pictures": f"{work / 'pictures'}/",
        "logs": f"{work / 'logs'}/; tensorboard --logdir {work}",
    }
    times = ", ".join(f"{name} {value:.0f} s" for name, value in seconds.items())
    return "\n".join(
        [
            "\n=== Best paths of the supernet on nas_val",
            ranking(work / "search"),
            "\n=== The best one, retrained at the larger width, on val",
            scores(work / "test/results.pq.json"),
            "\n=== Where everything lies",
            *(f"{name:<13} {place}" for name, place in places.items()),
            f"\nTook {sum(seconds.values()) / 60:.1f} minutes: {times}",
        ]
    )


def log_file(work: Path, number: int, name: str) -> Path:
    """Where step ``number`` logs to."""
    return work / "logs" / f"{number}_{name.replace(' ', '_')}.log"


def main() -> None:
    """Run every step."""
    args = parse()
    work, data = Path(args.work_dir), Path(args.data)
    todo = steps(work, data)
    seconds = {
        name: run(number, len(todo), name, command, log_file(work, number, name))
        for number, (name, command) in enumerate(todo, 1)
    }
    print(summary(work, data, seconds))


if __name__ == "__main__":
    run_tool(main)
