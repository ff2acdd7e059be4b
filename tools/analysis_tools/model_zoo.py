"""Write the tables of networks into README.md and docs/model_zoo.md, from the metafiles.

Each page holds its table between two comments; all else stays. model-index.yml names the metafiles.
"""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import yaml

from mmpanonas.errors import InputError, run_tool
from mmpanonas.files import write_atomically
from mmpanonas.parser import Parser
from mmpanonas.paths import FOLDER
from mmpanonas.printing import markdown_table

START, END = "<!-- model zoo: tools/analysis_tools/model_zoo.py -->\n", "<!-- end -->"


def main(argv: list[str] | None = None) -> None:
    """Parse, read, write."""
    parser = Parser(description=__doc__)
    parser.add_argument(
        "--root", type=FOLDER, default=str(Path(__file__).parents[2]), help="the project's folder"
    )
    root = Path(parser.parse_args(argv).root)
    rows = list(results(root))
    write_table(root / "docs/model_zoo.md", table(rows, FULL, "../"))
    write_table(root / "README.md", table([r for r in rows if r["Metrics"]], SHORT, ""))
    print(f"{len(rows)} rows: docs/model_zoo.md, README.md")


def results(root: Path) -> Iterator[dict]:
    """Every result of every network, the network's own keys beside it."""
    for path in yaml.safe_load((root / "model-index.yml").read_text())["Import"]:
        for model in yaml.safe_load((root / path).read_text())["Models"]:
            for result in model["Results"]:
                yield model | model["Metadata"] | result


def table(rows: list[dict], columns: dict[str, Callable[[dict, str], str]], up: str) -> str:
    """In Markdown; links begin with ``up``, the way from the page to the root."""
    cells = [[column(row, up) for column in columns.values()] for row in rows]
    return markdown_table(list(columns), cells)


def write_table(path: Path, text: str) -> None:
    """Put ``text`` between the page's comments. Raises ``InputError`` if it lacks them."""
    page = path.read_text() if path.is_file() else ""
    before, start, rest = page.partition(START)
    _, end, after = rest.partition(END)
    if not end:
        raise InputError(f"{path} has no table: expected {START.strip()} and then {END}")
    write_atomically(path, f"{before}{start}\n{text}\n{end}{after}")


def _name(row: dict, up: str) -> str:
    return f"[{row['Name']}]({up}{row['Config']})"


def _arch(row: dict, up: str) -> str:
    path = row.get("Architecture File")
    return f"[{os.path.basename(path)}]({up}{path})" if path else "-"


def _macs(row: dict, up: str) -> str:
    if "MACs" not in row:
        return "-"
    height, width = row["Input"]
    return f"{_digits(row['MACs'] / 1e9)} G ({height} x {width})"


def _backbone(row: dict, up: str) -> str:
    return f"{_digits(row['Backbone MACs'] / 1e9)} G" if "Backbone MACs" in row else "-"


def _parameters(row: dict, up: str) -> str:
    return f"{_digits(row['Parameters'] / 1e6)} M"


def _digits(number: float) -> str:
    return f"{number:#.3g}".rstrip(".")


def _metric(name: str) -> Callable[[dict, str], str]:
    return lambda row, up: f"{row['Metrics'].get(name, '-')}"


def _key(name: str) -> Callable[[dict, str], str]:
    return lambda row, up: row[name]


SHORT = {
    "network": _name,
    "data": _key("Dataset"),
    "MACs": _macs,
    "parameters": _parameters,
    "PQ": _metric("PQ"),
    "things": _metric("PQ_th"),
    "stuff": _metric("PQ_st"),
    "measured by": _key("Source"),
}
FULL = {"network": _name, "architecture": _arch, "backbone MACs": _backbone} | SHORT


if __name__ == "__main__":
    run_tool(main)
