"""Draw the progress of a search and its best architecture into the search directory."""

import argparse
import json
from pathlib import Path

from mmengine.config import DictAction

from mmpanonas.config import load_config
from mmpanonas.errors import InputError, run_tool
from mmpanonas.space import Arch, NetworkShape
from mmpanonas.visualization import draw_arch, draw_search


def main() -> None:
    """Parse, draw."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("search_dir", help="work dir of tools/search.py")
    parser.add_argument("--config", required=True, help="of the search or the retraining")
    parser.add_argument("--cfg-options", nargs="+", action=DictAction, help="override config keys")
    args = parser.parse_args()
    folder = Path(args.search_dir)
    if not (folder / "results.jsonl").is_file():
        raise InputError(f"{folder} holds no results.jsonl: give the work dir of a search")
    shape = NetworkShape.of_model(load_config(args.config, args.cfg_options).model)
    results = [json.loads(line) for line in (folder / "results.jsonl").read_text().splitlines()]
    draw_search(results, folder / "progress.png")
    draw_arch(Arch.load(folder / "arch.json"), folder / "arch.png", shape=shape)
    print(f"pictures: {folder / 'progress.png'}, {folder / 'arch.png'}")


if __name__ == "__main__":
    run_tool(main)
