"""What the class behind a ``type`` takes."""

import ast
import contextlib
import importlib
import inspect
import re
import textwrap
import typing
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Annotated, get_args, get_origin

from mmengine.registry import Registry, root
from torch import nn

from mmpanonas.values import ArgumentsOf, TypeIn

#: MMEngine's registries, which hold MMDetection's and ours as children.
REGISTRIES = tuple(item for item in vars(root).values() if isinstance(item, Registry))


@dataclass(frozen=True)
class Parameters:
    """What a constructor takes.

    Attributes:
        hints: annotations by name; ``Parameter.empty`` where there is none that can be read.
        defaults: by name, of those that have one.
        open: whether it takes names besides these.
    """

    hints: Mapping[str, object]
    defaults: Mapping[str, object]
    open: bool


def find(name: object, scope: str, registries: tuple[Registry, ...] = REGISTRIES) -> list[Callable]:
    """What ``type=name`` may mean: the class itself, or what the registries hold by that name."""
    if isinstance(name, str):
        return list(_find(name, scope, registries))
    return [name] if callable(name) else []


@cache
def _find(name: str, scope: str, registries: tuple[Registry, ...]) -> tuple[Callable, ...]:
    found: list[Callable] = []
    for registry in registries:
        own = _of_scope(registry, scope)
        try:
            kind = own.get(name)
        except RuntimeError:  # how a registry says that it has none
            continue
        if kind is not None and kind not in found:
            found.append(kind)
    return tuple(found)


def names_in(registries: tuple[Registry, ...], scope: str) -> set[str]:
    """Every name that may stand without a scope before it."""
    nodes = {node for registry in registries for node in (registry, _of_scope(registry, scope))}
    return {name for node in nodes for name in node.module_dict}


def _of_scope(registry: Registry, scope: str) -> Registry:
    """The child of a package, which is there once the package has been imported."""
    with contextlib.suppress(ImportError):
        importlib.import_module(f"{scope}.registry")
    child = registry._search_child(scope)
    return registry if child is None else child  # an empty one is False


@cache
def parameters(kind: Callable) -> Parameters:
    """Of a class's constructor, with those of its bases where it passes them on; or a function."""
    if not inspect.isclass(kind):
        hints, defaults, rest = _signature(kind)
        return Parameters(hints, defaults, rest is not None)
    hints, defaults, skips = {}, {}, False
    bases = [base for base in kind.__mro__ if "__init__" in vars(base)]
    for base in bases:
        if base in (object, nn.Module):
            continue
        init = inspect.unwrap(base.__init__)
        own, given, rest = _signature(base.__init__)
        hints, defaults = own | hints, given | defaults  # a subclass's word counts
        if rest is None and not skips:
            break
        if rest is None:
            continue
        read, passed, elsewhere = _uses(init, rest)
        skips |= (passed and len(base.__bases__) > 1) or _SKIPS.search(_source(init)) is not None
        hints = dict.fromkeys(read, inspect.Parameter.empty) | hints
        if elsewhere:
            return Parameters(_without_self(hints), defaults, True)
        if not (passed or skips):
            break
    # A class that takes nothing stands for one whose package is not installed.
    return Parameters(_without_self(hints), defaults, not _without_self(hints))


def _without_self(hints: dict) -> dict:
    return {name: hint for name, hint in hints.items() if name != "self"}


def _signature(function: Callable) -> tuple[dict[str, object], dict[str, object], str | None]:
    """Annotations and defaults by name, and the name of ``**kwargs``."""
    try:
        found = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):  # written in C
        return {}, {}, "kwargs"
    try:
        hints = typing.get_type_hints(inspect.unwrap(function), include_extras=True)
    except (TypeError, NameError, AttributeError):  # names for type checkers alone
        hints = {}
    named = [p for p in found if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)]
    rest = [p.name for p in found if p.kind is p.VAR_KEYWORD]
    given = {p.name: hints.get(p.name, p.empty) for p in named}
    for p in named:
        if p.default is None and p.name in hints:  # MMDetection's way to say Optional
            given[p.name] = (
                hints[p.name] | None if hasattr(type(hints[p.name]), "__or__") else p.empty
            )
    defaults = {p.name: p.default for p in named if p.default is not p.empty}
    return given, defaults, (rest or [None])[0]


def _uses(init: Callable, rest: str) -> tuple[set[str], bool, bool]:
    """How a constructor uses its ``**rest``: names read, passed to a base's, used otherwise."""
    if not _source(init):
        return set(), False, True
    try:
        tree = ast.parse(_source(init))
    except SyntaxError:
        return set(), False, True
    read: set[str] = set()
    passed, known = False, set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            method = getattr(node.func, "attr", "")
            if method == "__init__":
                handed = [word.value for word in node.keywords if word.arg is None]
                names = [value for value in handed if _is(value, rest)]
                known |= set(map(id, names))
                passed |= bool(names)
            elif method in ("get", "pop", "setdefault") and _is(node.func.value, rest):
                read |= set(_texts(node.args[:1]))
                known.add(id(node.func.value))
        elif isinstance(node, ast.Compare) and any(_is(item, rest) for item in node.comparators):
            read |= set(_texts([node.left]))
            known |= set(map(id, node.comparators))
        elif isinstance(node, ast.Subscript) and _is(node.value, rest):
            read |= set(_texts([node.slice]))
            known.add(id(node.value))
    others = [n for n in ast.walk(tree) if _is(n, rest) and id(n) not in known]
    return read, passed, bool(others)


#: A call past the next base: where it ends, only the whole inheritance tells.
_SKIPS = re.compile(r"super\(\w")


def _source(function: Callable) -> str:
    try:
        return textwrap.dedent(inspect.getsource(function))
    except (OSError, TypeError):
        return ""


def _is(node: ast.AST, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name


def _texts(nodes: list[ast.expr]) -> Iterator[str]:
    for node in nodes:
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def schema_in(hint: object) -> object:
    """What an annotation says of a dictionary."""
    if get_origin(hint) is Annotated:
        found = [item for item in hint.__metadata__ if isinstance(item, ArgumentsOf | TypeIn)]
        return found[0] if found else None
    found = [schema for part in get_args(hint) if (schema := schema_in(part))]
    return found[0] if found else None


def says_range(hint: object) -> bool:
    """Whether an annotation says the range as well."""
    return get_origin(hint) is Annotated or any(map(says_range, get_args(hint)))


#: How a module reads a dictionary: ``cfg.name``, ``get("name")``, ``"name" in``, ``["name"]``.
_READ = re.compile(
    r"(?:cfg|config)\.([a-z]\w*)(?!\w|\()"
    r"|\.(?:get|pop|setdefault)\(\s*['\"](\w+)['\"]"
    r"|['\"](\w+)['\"]\s+(?:not\s+)?in\b"
    r"|\[['\"](\w+)['\"]\]"
    r"|(?:has|get)attr\([\w.]+,\s*['\"](\w+)['\"]"
)


#: How a module takes something out of a dictionary before it builds what that describes.
_TAKE = re.compile(r"(\b)\w*(?:cfg|dcn|loss)\w*\.(?:get|pop|setdefault)\(\s*['\"](\w+)['\"]")


def names_taken(kind: Callable) -> frozenset[str] | None:
    """Names that the modules of a class take of the dictionaries that they build."""
    return names_read(kind, _TAKE)


@cache
def names_read(kind: Callable, how: re.Pattern = _READ) -> frozenset[str] | None:
    """Names that the modules of a class and its bases read of dictionaries; None: no source."""
    found: set[str] = set()
    for base in getattr(kind, "__mro__", (kind,)):
        if not getattr(base, "__module__", "builtins").startswith(("builtins", "torch", "abc")):
            try:
                text = _text(inspect.getsourcefile(base), how)
            except (OSError, TypeError):
                return None
            found |= text
    return frozenset(found)


@cache
def _text(path: str, how: re.Pattern) -> frozenset[str]:
    with open(path, encoding="utf-8") as file:
        return frozenset(name for match in how.findall(file.read()) for name in match if name)
