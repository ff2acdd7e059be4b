"""Whether a dotted key is one that some config, or the constructor of its type, knows."""

import ast
import inspect
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path

import mmdet.registry
from mmengine.config import Config
from mmengine.model import PretrainedInit
from mmengine.registry import Registry
from mmengine.runner import Runner

import mmpanonas.register  # noqa: F401
from mmpanonas.engine import RecalibrationBatches
from mmpanonas.engine.study_plan import StudyPlan
from mmpanonas.execution import RayExecutor
from mmpanonas.models.fusion import FusionRules
from mmpanonas.search import STRATEGIES
from mmpanonas.space import Budget, CostMeasure

#: Constructors of dictionaries that name no type.
_UNTYPED = {
    "budgets": Budget,
    "cost": CostMeasure,
    "executor": RayExecutor,
    "init_cfg": PretrainedInit,
    "panoptic": FusionRules,
    "recalibration": RecalibrationBatches,
    "study": StudyPlan,
}

#: What ``mmpanonas.config.load_config`` fills in elsewhere.
_SPREAD = {"data_root", "image_scale", "max_iters"}

#: What every dictionary of a config may hold.
_ALWAYS = {"type", "_delete_", "_scope_", "_base_", "custom_imports"}


@cache
def arguments(kind: type) -> frozenset[str]:
    """Names of what a constructor takes, those of its bases included where it passes them on."""
    found: set[str] = set()
    for base in kind.__mro__:
        if "__init__" in vars(base):
            parameters = inspect.signature(base.__init__).parameters.values()
            found |= {p.name for p in parameters if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)}
            if not any(p.kind is p.VAR_KEYWORD for p in parameters):
                break
    return frozenset(found - {"self"})


@cache
def kinds(name: str) -> tuple[type, ...]:
    """The classes that ``type=name`` may mean."""
    registries = (item for item in vars(mmdet.registry).values() if isinstance(item, Registry))
    found = {registry.get(name) for registry in registries} | {STRATEGIES.get(name)}
    return tuple(kind for kind in found if inspect.isclass(kind))


class ConfigKeys:
    """The keys of some configs, and of all constructors that they name."""

    @classmethod
    def of_files(cls, paths: Iterable[Path]) -> "ConfigKeys":
        """Of config files, none of whose imports is made: some packages are optional."""
        configs = (Config.fromfile(path, import_custom_modules=False) for path in paths)
        return cls(config.to_dict() for config in configs)

    def __init__(self, configs: Iterable[Mapping]) -> None:
        self.configs = list(configs)
        self.dictionaries = [node for config in self.configs for node in _dictionaries(config)]
        self.everywhere = set().union(*self.dictionaries)

    def knows(self, path: Sequence[str]) -> bool:
        """Whether ``path`` leads somewhere from the root of one of the configs."""
        return [*path] in [[name] for name in arguments(Runner) | _SPREAD] or any(
            _leads(config, path) for config in self.configs
        )

    def knows_tail(self, path: Sequence[str]) -> bool:
        """Whether ``path`` leads somewhere from any dictionary of one of the configs."""
        return any(_leads(node, path) for node in self.dictionaries)

    def unknown(self, source: str, defined: Collection[str] = ()) -> Iterator[tuple[int, str]]:
        """Line (from 1) and name of what no config knows in a piece of a config file.

        ``defined`` names classes that need not be known, whatever they take.
        """
        for node in ast.parse(source).body:
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                name = node.targets[0].id
                if not self.knows([name]):
                    yield node.lineno, name
                else:
                    yield from self._unknown(node.value, [name], defined)

    def _unknown(
        self, value: ast.expr, path: list[str], defined: Collection[str]
    ) -> Iterator[tuple[int, str]]:
        if isinstance(value, ast.List | ast.Tuple):
            for item in value.elts:
                yield from self._unknown(item, path, defined)
        if not _is_dict(value):
            return
        named = {word.arg: word.value for word in value.keywords}
        kind = getattr(named.get("type"), "value", None)
        if kind in defined:
            return
        classes = kinds(kind) if kind else ()
        if kind and not classes and path[-1] not in _UNTYPED:
            yield value.lineno, f"{'.'.join(path)}.type {kind!r}"
        for key, item in named.items():
            inner = [*path, key]
            taken = any(key in arguments(kind) for kind in classes)
            if key in _ALWAYS or taken or (not classes and self.knows(inner)):
                yield from self._unknown(item, inner, defined)
            else:
                yield item.lineno, ".".join(inner)


def _is_dict(value: ast.expr) -> bool:
    return isinstance(value, ast.Call) and getattr(value.func, "id", None) == "dict"


def _dictionaries(node: object) -> Iterator[Mapping]:
    if isinstance(node, Mapping):
        yield node
        node = list(node.values())
    if isinstance(node, list | tuple):
        for item in node:
            yield from _dictionaries(item)


def _leads(node: object, path: Sequence[str], name: str = "") -> bool:
    """Whether ``path`` leads on from ``node``, the value of the key ``name``."""
    if not path or path[0] in _ALWAYS | {"*"}:
        return True
    key, *rest = path
    if isinstance(node, list | tuple):
        if key.isdigit():
            return int(key) < len(node) and _leads(node[int(key)], rest, name)
        return any(_leads(item, path, name) for item in node)
    if isinstance(node, Mapping) and key in node:
        return _leads(node[key], rest, key)
    classes = list(kinds(node["type"])) if isinstance(node, Mapping) and "type" in node else []
    if name in _UNTYPED:
        classes.append(_UNTYPED[name])
    taken = any(key in arguments(kind) for kind in classes)
    return taken and (not rest or _leads({}, rest, key))
