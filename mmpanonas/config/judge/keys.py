"""Whether a config says only what somebody reads, and values that fit, before all is built."""

import inspect
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

from mmpanonas.config.judge import constructors
from mmpanonas.config.judge.layout import (
    BY_NAME,
    FOREIGN,
    READERS,
    TOP,
    UNREAD,
    Closed,
    Fixed,
    Named,
    Open,
    Section,
    Typed,
)
from mmpanonas.config.judge.problems import Problem, alike, nearest
from mmpanonas.config.judge.ranges import RANGES, foreign_kind, range_of
from mmpanonas.values import ArgumentsOf, Kind, TypeIn, kind_of

#: What every dictionary of a config may hold.
ALWAYS = frozenset({"type", "_scope_", "_delete_"})

#: What ``fill_classes`` fills in where it is None.
FILLED = frozenset({"num_classes", "num_things_classes", "num_stuff_classes"})

_OPEN = Open()
#: An argument of a part of a model: what has a type is built.
_BUILT = Typed(required=False)


Problems = Iterator[Problem]


class Judge:
    """Holds configs against what reads them.

    Args:
        scope: in which the config's types are looked for.
    """

    def __init__(self, scope: str = "mmdet") -> None:
        self.scope = scope

    def problems(self, config: Mapping, variables: Collection[str] = ()) -> list[Problem]:
        """What is wrong in a config, besides ``variables`` that its files read themselves."""
        found: list[Problem] = []
        for key, value in config.items():
            if key in TOP:
                found += self._walk(value, TOP[key], (key,), ())
            elif key not in variables:
                found.append(Problem((key,), f"unknown key; {nearest(key, TOP)}", unknown=True))
        return found

    def _walk(self, value: object, schema: object, path: tuple, owners: tuple) -> Problems:
        """``owners``: the model's dictionary around a section."""
        if isinstance(schema, Kind):
            if not schema.fits(value):
                yield Problem(path, f"expected {schema.words}, got {value!r}")
        elif isinstance(schema, Closed) or value is None:
            return
        elif isinstance(value, list | tuple):
            for place, item in enumerate(value):
                yield from self._walk(item, schema, (*path, str(place)), owners)
        elif isinstance(value, Mapping):
            yield from self._dictionary(value, schema, path, owners)
        elif (
            not isinstance(schema, Open)
            and schema is not _BUILT
            and isinstance(value, str | int | float)
        ):
            yield Problem(path, f"expected a dictionary, got {value!r}")

    def _dictionary(self, node: Mapping, schema: object, path: tuple, owners: tuple) -> Problems:
        if isinstance(schema, Typed):
            yield from self._typed(node, schema, path, owners)
        elif isinstance(schema, TypeIn):
            yield from self._type_in(node, schema, path, owners)
        elif isinstance(schema, ArgumentsOf):
            yield from self._arguments(node, [schema.kind], {}, path, owners)
        elif isinstance(schema, Fixed):
            yield from self._fixed(node, schema, path, owners)
        elif isinstance(schema, Named):
            for key, item in node.items():
                yield from self._walk(item, schema.item, (*path, str(key)), owners)
        elif isinstance(schema, Section):
            yield from self._section(node, path, owners)
        elif "type" in node and self._found(node["type"], constructors.REGISTRIES):
            yield from self._typed(node, Typed(), path, owners)
        else:
            for key, item in node.items():
                yield from self._walk(item, BY_NAME.get(key, _OPEN), (*path, str(key)), owners)

    def _fixed(self, node: Mapping, schema: Fixed, path: tuple, owners: tuple) -> Problems:
        for key, item in node.items():
            if key in schema.keys:
                yield from self._walk(item, schema.keys[key], (*path, key), owners)
            elif key not in ALWAYS and not schema.rest:
                text = f"unknown key; {nearest(key, schema.keys)}"
                yield Problem((*path, key), text, unknown=True)

    def _typed(self, node: Mapping, schema: Typed, path: tuple, owners: tuple) -> Problems:
        if "type" in node:
            registries = schema.registries or constructors.REGISTRIES
            kinds = self._found(node["type"], registries)
            if not kinds:
                known = constructors.names_in(registries, self.scope)
                if not (schema.required or alike(str(node["type"]), known)):
                    return  # a word of the builder's own
                hint = nearest(str(node["type"]), known)
                yield Problem((*path, "type"), f"nothing is called {node['type']!r}; {hint}")
                return
        elif schema.default:
            kinds = schema.default
        elif schema.required:
            yield Problem(path, "has no type: unknown, or one that its base lacks")
            return
        else:
            yield from self._walk_open(node, path, owners)
            return
        yield from self._arguments(node, kinds, schema.more, path, owners)

    def _walk_open(self, node: Mapping, path: tuple, owners: tuple) -> Problems:
        for key, item in node.items():
            yield from self._walk(item, BY_NAME.get(key, _OPEN), (*path, str(key)), owners)

    def _type_in(self, node: Mapping, schema: TypeIn, path: tuple, owners: tuple) -> Problems:
        kind = schema.classes.get(node.get("type"))
        if kind is None:
            text = f"expected one of {sorted(schema.classes)}, got {node.get('type')!r}"
            yield Problem((*path, "type"), text)
        else:
            yield from self._arguments(node, [kind], {}, path, owners)

    def _arguments(
        self, node: Mapping, kinds: Sequence[Callable], more: Mapping, path: tuple, owners: tuple
    ) -> Problems:
        taken = [constructors.parameters(kind) for kind in kinds]
        hints = {name: hint for one in taken for name, hint in one.hints.items()}
        defaults = {name: value for one in taken for name, value in one.defaults.items()}
        names = "/".join(sorted({getattr(kind, "__name__", str(kind)) for kind in kinds}))
        owners = (*owners, node)
        for key, item in node.items():
            inner = (*path, str(key))
            if (names, key) in FOREIGN or key in ALWAYS:
                continue
            if key in more:
                yield from self._walk(item, more[key], inner, owners)
            elif key in hints:
                default = defaults.get(key, inspect.Parameter.empty)
                yield from self._argument(key, item, hints[key], default, inner, owners)
            elif any(one.open for one in taken) and not alike(key, hints):
                yield from self._walk(item, BY_NAME.get(key, _OPEN), inner, owners)
            elif path[0] != "model" or not self._read_by(owners[-2:-1], key):
                text = f"{names} has no {key}; {nearest(key, {*hints, *more})}"
                yield Problem(inner, text, unknown=True)

    def _read_by(self, builders: Sequence[Mapping], key: str) -> bool:
        """Whether whoever builds a part reads the key for itself, as ResNet of its ``dcn``."""
        kinds = [
            k for node in builders for k in self._found(node.get("type"), constructors.REGISTRIES)
        ]
        return any(key in (constructors.names_taken(kind) or ()) for kind in kinds)

    def _argument(
        self, key: str, item: object, hint: object, default: object, path: tuple, owners: tuple
    ) -> Problems:
        if item is None and key in FILLED:
            return
        ours = constructors.says_range(hint)
        foreign = (foreign_kind(hint, default), range_of(key, item, default))
        for kind in (kind_of(hint),) if ours else foreign:
            if kind and not kind.fits(item):
                yield Problem(path, f"expected {kind.words}, got {item!r}")
                return
        schema = constructors.schema_in(hint) or BY_NAME.get(
            key, _BUILT if path[0] == "model" else _OPEN
        )
        yield from self._walk(item, schema, path, owners)

    def _section(self, node: Mapping, path: tuple, owners: tuple) -> Problems:
        """Keys that the code of the classes in the innermost owner reads."""
        owner = owners[-1]
        if path[0] != "model":
            yield from self._walk_open(node, path, owners)
            return
        yield from self._read(node, self._classes(owner), owner, path, owners)

    def _read(
        self, node: Mapping, classes: set, owner: Mapping, path: tuple, owners: tuple
    ) -> Problems:
        names = [constructors.names_read(kind) for kind in classes]
        known = None if None in names or not names else UNREAD.union(*names)
        for key, item in node.items():
            inner = (*path, key)
            if known is not None and key not in known | ALWAYS:
                text = f"nothing in the model reads it; {nearest(key, known)}"
                yield Problem(inner, text, unknown=True)
            elif kind := (RANGES.get(key) if item == {} else range_of(key, item)):
                if not kind.fits(item):
                    yield Problem(inner, f"expected {kind.words}, got {item!r}")
            elif key in BY_NAME or not isinstance(item, Mapping) or "type" in item:
                yield from self._walk(item, BY_NAME.get(key, _OPEN), inner, owners)
            else:
                yield from self._subsection(key, item, classes, owner, inner, owners)

    def _subsection(
        self, key: str, node: Mapping, classes: set, owner: Mapping, path: tuple, owners: tuple
    ) -> Problems:
        part = owner.get(READERS.get(key))
        if isinstance(part, Mapping) and "type" in part:
            own = self._found(part["type"], constructors.REGISTRIES)
            hints = {k: h for kind in own for k, h in constructors.parameters(kind).hints.items()}
            if schema := constructors.schema_in(hints.get("test_cfg")):
                yield from self._walk(node, schema, path, owners)
                return
            classes = self._classes(part) | set(
                self._found(owner.get("type"), constructors.REGISTRIES)
            )
        yield from self._read(node, classes, owner, path, owners)

    def _classes(self, node: object) -> set[Callable]:
        """All classes that a dictionary names, at any depth."""
        if isinstance(node, Mapping):
            found = set().union(*map(self._classes, node.values())) if node else set()
            own = self._found(node["type"], constructors.REGISTRIES) if "type" in node else []
            return found.union(own)
        if isinstance(node, list | tuple):
            return set().union(*map(self._classes, node)) if node else set()
        return set()

    def _found(self, name: object, registries: tuple) -> list[Callable]:
        return constructors.find(name, self.scope, registries)
