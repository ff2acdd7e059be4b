"""Pieces of configs as pages show them, held against the product's own judge of configs."""

import ast
import copy
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from mmengine.config import Config

import mmpanonas.register  # noqa: F401
from mmpanonas.config.inheritance import inherit, merge_options, read_file
from mmpanonas.config.judge.keys import Judge
from mmpanonas.config.judge.layout import TOP
from mmpanonas.config.judge.problems import Problem
from mmpanonas.config.judge.variables import variables_of
from mmpanonas.errors import InputError
from mmpanonas.options import check_options


class Configs:
    """Whole configs, by the names of their files, as plain dictionaries."""

    @classmethod
    def of_files(cls, paths: Iterable[Path]) -> "Configs":
        """Of config files, none of whose imports is made: some packages are optional."""
        return cls({str(path): _read(path).to_dict() for path in paths})

    def __init__(self, configs: Mapping[str, Mapping]) -> None:
        self.configs, self.judge = dict(configs), Judge()
        self.everywhere = set(TOP)
        for config in self.configs.values():
            self.everywhere |= {key for _, node in _dictionaries(config) for key in node}

    def knows(self, words: Sequence[str]) -> bool:
        """Whether dotted keys lead somewhere from some dictionary of a config; ``*`` is any."""
        words = words[: words.index("*")] if "*" in words else words
        found = [
            (words[0] in node, config, place)
            for config in self.configs.values()
            for place, node in _dictionaries(config)
            if words[0] in node or not place
        ]
        found.sort(key=lambda each: not each[0])  # where the key stands already comes first
        return any(self._leads(config, [*place, *words]) for _, config, place in found)

    def _leads(self, config: Mapping, path: Sequence[str]) -> bool:
        """Whether a key is one; a value is not judged."""
        top = {path[0]: copy.deepcopy(config.get(path[0]))}
        _put(top, path)
        named = [problem for problem in self.judge.problems(top) if problem.unknown]
        return not any([*problem.path] == [*path][: len(problem.path)] for problem in named)

    def problems(self, source: str, defined: Collection[str] = ()) -> Iterator[tuple[int, str]]:
        """Line (from 1) and problem of a piece of a config file.

        ``defined`` names classes that need not be known, whatever they take.
        """
        piece: dict = {}
        exec(source, {}, piece)
        base = (
            piece.pop("_base_", "")
            .removeprefix("mmpanonas::")
            .lstrip("./")
            .removeprefix("configs/")
        )
        bases = [config for name, config in self.configs.items() if name.endswith(base)]
        found = [self._problems(piece, config, defined) for config in bases]
        for problem in min(found, key=len, default=[]):
            yield _line(ast.parse(source), problem.path), str(problem)

    def _problems(self, piece: dict, base: Mapping, defined: Collection[str]) -> list[Problem]:
        """Of a piece that inherits from ``base``, as MMEngine merges it."""
        own, merged = _without(copy.deepcopy(piece), defined), copy.deepcopy({**base})
        inherit(own, merged)
        merged = Config._merge_a_into_b(own, merged)
        return self.judge.problems({key: merged[key] for key in own})


def refused_options(path: Path, options: Mapping) -> str | None:
    """Why a tool would refuse ``--cfg-options`` for a config file."""
    judge, variables, cfg = Judge(), variables_of(path), _read(path)
    before = judge.problems(cfg.to_dict(), variables)  # of packages that are not installed
    try:
        check_options(cfg, options)
        merge_options(cfg, options)
    except InputError as error:
        return str(error)
    found = [each for each in judge.problems(cfg.to_dict(), variables) if each not in before]
    return f"--cfg-options {found[0]}" if found else None


def _read(path: Path) -> Config:
    return read_file(str(path), import_modules=False)


def _dictionaries(node: object, place: tuple = ()) -> Iterator[tuple[tuple, Mapping]]:
    """Every dictionary of a config, and the keys that lead there."""
    if isinstance(node, Mapping):
        yield place, node
        node = list(node.items())
    elif isinstance(node, list | tuple):
        node = [(str(number), item) for number, item in enumerate(node)]
    else:
        return
    for key, item in node:
        yield from _dictionaries(item, (*place, str(key)))


def _put(node: object, path: Sequence[str]) -> None:
    """Make a path lead through dictionaries; a value at its end stays, else it is True."""
    key, *rest = path
    if isinstance(node, list) and not key.isdigit():
        for item in node:
            _put(item, path)
    elif isinstance(node, list):
        _put(node[int(key)], rest) if rest else None
    elif isinstance(node, dict):
        if rest and not isinstance(node.get(key), dict | list):
            node[key] = {}
        node.setdefault(key, True)
        if rest:
            _put(node[key], rest)


def _without(node: object, defined: Collection[str]) -> object:
    """A piece without the dictionaries that are built to classes of the page."""
    if isinstance(node, dict):
        mine = [key for key, item in node.items() if _type(item) in defined]
        return {key: _without(item, defined) for key, item in node.items() if key not in mine}
    return node


def _type(node: object) -> object:
    return node.get("type") if isinstance(node, dict) else None


def _line(tree: ast.AST, path: Sequence[str]) -> int:
    """The line of the last of the keys that a piece names."""
    line = 1
    for key in path:
        found = [n for n in ast.walk(tree) if _names(n) == key]
        if found:
            line, tree = found[0].lineno, found[0]
    return line


def _names(node: ast.AST) -> str | None:
    """The key that a node of a config file gives a value."""
    if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
        return node.targets[0].id
    return node.arg if isinstance(node, ast.keyword) else None
