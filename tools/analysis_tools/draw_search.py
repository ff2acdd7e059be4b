"""Draw a search into its directory: progress, best architecture, scoreboard or front."""

import argparse
from collections.abc import Mapping
from pathlib import Path

from mmpanonas.errors import run_tool
from mmpanonas.options import add_config_options
from mmpanonas.parser import Parser
from mmpanonas.paths import CONFIG, FOLDER
from mmpanonas.records import SearchData, read_search
from mmpanonas.space import NetworkShape


def parse() -> argparse.Namespace:
    """The command line."""
    parser = Parser(description=__doc__)
    parser.add_argument("search_dir", type=FOLDER, help="work dir of tools/search.py")
    parser.add_argument(
        "--config", type=CONFIG, required=True, help="of the search or the retraining"
    )
    add_config_options(parser)
    return parser.parse_args()


if __name__ == "__main__":  # a wrong command line ends here: what follows takes seconds
    run_tool(parse)

from mmpanonas.config import load_config
from mmpanonas.strategies import check_cycle
from mmpanonas.visualization import draw_arch, draw_front, draw_scoreboard, draw_search


def main() -> None:
    """Parse, draw what there is of a finished or a running search."""
    args = parse()
    folder = Path(args.search_dir)
    data = read_search(folder)
    shape = NetworkShape.of_model(load_config(args.config, args.cfg_options).model)
    for remark in data.remarks:
        print(remark)
    draw_search(data.candidates, folder / "progress.png", data.metric)
    print(f"progress: {folder / 'progress.png'}")
    if data.answer:  # written when the search ends
        draw_arch(data.answer, folder / "arch.png", shape=shape)
        print(f"best architecture: {folder / 'arch.png'}")
    if "scoreboard" in data.strategy:
        _draw_scoreboard(data.strategy, folder)
    if "front" in data.strategy:
        _draw_front(data, folder / "pareto.png")


def _draw_front(data: SearchData, path: Path) -> None:
    """Of ``Pareto.report``."""
    costs, scores = ([c[key] for c in data.strategy["candidates"]] for key in ("cost", "score"))
    labels = (data.strategy["cost"], data.metric.rpartition("/")[2])
    draw_front(costs, scores, path, labels, title="Score against cost")
    print(f"front: {path}")


def _draw_scoreboard(report: Mapping, folder: Path) -> None:
    """Of ``PathPriority.report``."""
    finished, paths = report["finished_paths"], report["paths"]
    check_cycle(finished, paths)
    title = f"Scoreboard of {finished - finished % paths} paths in cycles of {paths}"
    draw_scoreboard(report["scoreboard"], folder / "scoreboard.png", title)
    print(f"scoreboard: {folder / 'scoreboard.png'}")
    print(report["note"] or "the search is not finished")


if __name__ == "__main__":
    run_tool(main)
