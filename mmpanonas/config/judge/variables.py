"""The variables of config files: names at the top that the files read themselves."""

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from mmengine.config import Config
from mmengine.fileio import load
from mmengine.utils import get_installed_path

from mmpanonas.config.inheritance import base_path

#: How a text names what a base defines: ``{{_base_.name}}``.
_QUOTED = re.compile(r"\{\{\s*_base_\.([\w.]+)\s*\}\}")
#: What MMEngine puts the name of the file or of its folder for.
_FILE = re.compile(r"\{\{\s*file\w+\s*\}\}")


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
    if path in seen:
        return
    seen.add(path)
    text = path.read_text(encoding="utf-8")
    if path.suffix != ".py":  # JSON or YAML
        for base in Config._get_base_files(str(path)):
            yield from _files(_base(path, base), seen)
        yield set(load(str(path)) or ()), set(), False
        return
    tree = ast.parse(_FILE.sub("file", _QUOTED.sub(r"_base_.\1", text)))
    for base in _bases(path, tree):
        yield from _files(base, seen)
    assigned = list(_assigned(tree.body))
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


def _assigned(statements: Iterable[ast.stmt]) -> Iterator[str]:
    """Names that statements leave in a module, those within ``if``, ``for`` and so on too."""
    for node in statements:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            continue
        for target in getattr(node, "targets", None) or [getattr(node, "target", None)]:
            for name in ast.walk(target) if target else ():
                if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Store):
                    yield name.id
        for part in ("body", "orelse", "finalbody"):
            yield from _assigned(getattr(node, part, ()))


def _bases(path: Path, tree: ast.Module) -> Iterator[Path]:
    pure = [node for node in tree.body if isinstance(node, ast.With)]  # with read_base()
    if not pure:
        for name in Config._get_base_files(str(path)):
            yield _base(path, name)
    for inner in (inner for node in pure for inner in ast.walk(node)):
        if isinstance(inner, ast.ImportFrom) and inner.module:
            parts = inner.module.split(".")
            if inner.level:
                folder = [path, *path.parents][inner.level]
            else:  # of a package: from mmdet.configs
                folder = Path(get_installed_path(parts.pop(0)))
            file = folder.joinpath(*parts).with_suffix(".py")
            yield file if file.is_file() else folder.joinpath(".mim", *parts).with_suffix(".py")


def _base(path: Path, name: str) -> Path:
    """The file of a word of ``_base_``, also of another package (``mmdet::NAME``)."""
    return Path(base_path(name, str(path))[0])


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
