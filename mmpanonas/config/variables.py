"""The variables of config files: names at the top that the files read themselves."""

import ast
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from mmengine.config import Config

#: How a text names what a base defines: ``{{_base_.name}}``.
_QUOTED = re.compile(r"\{\{\s*_base_\.(\w+)")


def variables_of(path: str | Path) -> set[str]:
    """Names that some file assigns and that it, or one that inherits from it, reads.

    The last file that assigns a name counts: what a base did with its own is done. All of a file
    that was dumped, sorted and without a name read, have been read already.
    """
    files = list(_files(Path(path), set()))
    found: set[str] = set()
    for place, (assigned, _, dumped) in enumerate(files):
        later = set().union(*(read for _, read, _ in files[place:]))
        found -= assigned
        found |= assigned if dumped else assigned & later
    return found


def _files(path: Path, seen: set[Path]) -> Iterator[tuple[set[str], set[str], bool]]:
    """Of a config and its bases, these first: names assigned, names read, whether dumped."""
    if path in seen or path.suffix != ".py":
        return
    seen.add(path)
    text = path.read_text(encoding="utf-8")
    tree = ast.parse(_QUOTED.sub(r"_base_.\1", text).replace("}}", "") if "{{" in text else text)
    for base in _bases(path, tree):
        yield from _files(base, seen)
    assigned = [
        target.id
        for node in tree.body
        if isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign)
        for target in getattr(node, "targets", None) or [node.target]
        if isinstance(target, ast.Name)
    ]
    read = {
        node.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)
    } - {"dict", "list", "tuple"}
    read |= {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
        if node.value.id == "_base_"
    }
    installed = "site-packages" in path.parts  # MMDetection's own, with variables left over
    dumped = not read and len(assigned) > 5 and assigned == sorted(assigned)
    everything = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name)}
    yield (everything | set(assigned) if installed else set(assigned)), read, dumped or installed


def _bases(path: Path, tree: ast.Module) -> Iterator[Path]:
    for node in tree.body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "_base_":
            value = ast.literal_eval(node.value)
            for name in [value] if isinstance(value, str) else value:
                if "::" in name:
                    yield Path(Config._get_cfg_path(name, str(path))[0])
                else:
                    yield path.parent / name
        elif isinstance(node, ast.With):  # of a pure-Python config: with read_base()
            for inner in ast.walk(node):
                if isinstance(inner, ast.ImportFrom) and inner.module:
                    folder = path.parent
                    for _ in range(inner.level - 1):
                        folder = folder.parent
                    yield folder.joinpath(*inner.module.split(".")).with_suffix(".py")


def spread(name: str, config: Mapping) -> str | None:
    """Where the value of a variable stands in a config, as the first key that holds it."""
    for key, value in config.items():
        for path, item in _inside(value, key):
            if path != name and item == config[name] and item is not None:
                return path
    return None


def _inside(value: object, path: str) -> Iterator[tuple[str, object]]:
    yield path, value
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _inside(item, f"{path}.{key}")
    elif isinstance(value, list | tuple):
        for place, item in enumerate(value):
            yield from _inside(item, f"{path}.{place}")
