"""Runs the Python of pages, one after the other: python run_blocks.py ROOT PAGE...

A config is loaded on what it inherits from, a part of one on a search's; a module can be imported
by the blocks below it. The current folder, an empty one, gets their files.
"""

import ast
import re
import sys
from pathlib import Path

ROOT = Path(sys.argv[1])
sys.path[:0] = [str(ROOT), "."]

from mmpanonas.config import load_config  # noqa: E402
from tests.docs.deployed import write_deployed  # noqa: E402
from tests.docs.page import Page  # noqa: E402

#: What a reader has, and a page does not define.
GIVEN = dict(array=None)
MODULES = {"strategy.md": "hill_climb.py"}


def run(text: str, page: str, file: Path) -> str:
    """Run one block; what it turned out to be. A first line ``# name.py`` names its file."""
    if named := re.match(r"# (\w+\.py)\n", text):
        file = Path(named[1])
    stated = {
        target.id
        for node in ast.parse(text).body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    if not stated & {"_base_", "val_cfg"}:
        if any(isinstance(node, ast.ClassDef) for node in ast.parse(text).body):
            file = Path(MODULES.get(page, file))
        file.write_text(text)
        exec(compile(text, file, "exec"), {"__name__": file.stem, **GIVEN})
        return "code"
    space: dict = {"_base_": "auto_panoptic/coco/search_evolution.py"}
    exec(text, space)
    name = space["_base_"].removeprefix("mmpanonas::").lstrip("./").removeprefix("configs/")
    (base,) = (ROOT / "configs").glob(f"**/{name}")
    own = "\n".join(line for line in text.splitlines() if not line.startswith("_base_"))
    file.write_text(f'_base_ = "{base}"\n{own}\n')
    cfg = load_config(file, classes=(("thing",), ("stuff",)))
    lost = [key for key in stated - {"_base_"} if key not in cfg]
    assert not lost, lost
    return "config"


for page in map(Path, sys.argv[2:]):
    if page.name == "deployment.md":
        write_deployed(Path("panoptic.onnx"), Path("street.jpg"))
    blocks = [block for block in Page.read(page).blocks if block.language == "python"]
    for number, block in enumerate(blocks):
        kind = run(block.text, page.name, Path(f"{page.stem}_{number}.py"))
        print(f"{page.name}:{block.line} {kind}")
