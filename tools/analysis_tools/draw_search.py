"""Draw a search into its directory: progress, best architecture, scoreboard or front."""

import json
from pathlib import Path

from mmpanonas.config import load_config
from mmpanonas.errors import InputError, run_tool
from mmpanonas.execution import read_records
from mmpanonas.options import Parser, add_config_options
from mmpanonas.search import check_cycle
from mmpanonas.space import Arch, NetworkShape
from mmpanonas.visualization import draw_arch, draw_front, draw_scoreboard, draw_search


def main() -> None:
    """Parse, draw what there is of a finished or a running search."""
    parser = Parser(description=__doc__)
    parser.add_argument("search_dir", help="work dir of tools/search.py")
    parser.add_argument("--config", required=True, help="of the search or the retraining")
    add_config_options(parser)
    args = parser.parse_args()
    folder = Path(args.search_dir)
    if not (folder / "results.jsonl").is_file():
        raise InputError(f"{folder} holds no results.jsonl: give the work dir of a search")
    shape = NetworkShape.of_model(load_config(args.config, args.cfg_options).model)
    records = read_records(folder)
    draw_search([vars(record) for record in records], folder / "progress.png")
    print(f"progress: {folder / 'progress.png'}")
    if (folder / "arch.json").is_file():  # written when the search ends
        draw_arch(Arch.load(folder / "arch.json"), folder / "arch.png", shape=shape)
        print(f"best architecture: {folder / 'arch.png'}")
    strategy = folder / "strategy.json"
    report = json.loads(strategy.read_text()) if strategy.is_file() else {}
    if "scoreboard" in report:
        _draw_scoreboard(report, folder)
    if "front" in report:
        draw_front(report, folder / "pareto.png")
        print(f"front: {folder / 'pareto.png'}")


def _draw_scoreboard(report: dict, folder: Path) -> None:
    """Of ``PathPriority.report``."""
    finished, paths = report["finished_paths"], report["paths"]
    check_cycle(finished, paths)
    title = f"Scoreboard of {finished - finished % paths} paths in cycles of {paths}"
    draw_scoreboard(report["scoreboard"], folder / "scoreboard.png", title)
    print(f"scoreboard: {folder / 'scoreboard.png'}")
    print(report["note"] or "the search is not finished")


if __name__ == "__main__":
    run_tool(main)
