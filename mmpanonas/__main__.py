"""``mmpanonas TOOL ...``: the programs of ``tools`` and ``demo`` by name, from any folder."""

import ast
import os
import runpy
import sys
from pathlib import Path

from mmpanonas.files import SHIPPED

#: What is of use in a checkout alone, or to other programs.
_NO_PROGRAMS = ("demo", "model_zoo", "setup", "slurm")


def programs() -> dict[str, Path]:
    """All that can be run, by name."""
    places = ("tools/*.py", "tools/*.sh", "tools/*/*.py", "demo/*.py")
    files = sorted(path for place in places for path in SHIPPED.glob(place))
    return {path.stem: path for path in files if path.stem not in _NO_PROGRAMS}


def about(path: Path) -> str:
    """The first line that a program says of itself."""
    if path.suffix == ".sh":
        return path.read_text().splitlines()[1].lstrip("# ")
    return (ast.get_docstring(ast.parse(path.read_text())) or "").partition("\n")[0]


def main() -> None:
    """Run the program that the first word names, with the others as its arguments."""
    known = programs()
    name = sys.argv[1] if len(sys.argv) > 1 else "--help"
    if name in ("-h", "--help"):
        print("usage: mmpanonas TOOL ...   (mmpanonas TOOL --help says how)\n")
        print("\n".join(f"  {tool:<22}{about(path)}" for tool, path in known.items()))
        print("\nA shipped config is named mmpanonas::auto_panoptic/shapes/supernet.py, say.")
        return
    if name not in known:
        sys.exit(f"error: mmpanonas has no tool {name!r}; it has {', '.join(known)}")
    path = known[name]
    if path.suffix == ".sh":
        os.execvp("bash", ["bash", str(path), *sys.argv[2:]])
    del sys.argv[1]
    sys.path.insert(0, os.getcwd())  # as python -m does: operations and parts of a user's folder
    runpy.run_path(str(path), run_name="__main__")


if __name__ == "__main__":
    main()
