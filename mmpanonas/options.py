"""What the command lines of all tools share: one line for a wrong word, and ``--cfg-options``."""

import argparse
import ast
import copy
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import NoReturn, get_args

from mmengine.config import Config, DictAction

from mmpanonas.errors import ConfigError, InputError
from mmpanonas.values import Threads, kind_of

#: How a dictionary begins, in a value.
_DICTIONARIES = ("dict(", "{")


class Parser(argparse.ArgumentParser):
    """A tool's command line. What is wrong with it is an ``InputError``, one line."""

    def error(self, message: str) -> NoReturn:
        """Raise ``InputError`` instead of printing how the tool is used."""
        raise InputError(f"{message} (--help lists all options)")

    def parse_known_args(
        self, args: Sequence[str] | None = None, namespace: argparse.Namespace | None = None
    ) -> tuple[argparse.Namespace, list[str]]:
        """As argparse does; an empty word says nothing and is refused."""
        words = sys.argv[1:] if args is None else list(args)
        for before, word in zip(["", *words], words, strict=False):
            option, equals, value = word.partition("=") if word[:2] == "--" else (before, "=", word)
            if equals and not value.strip():
                self.error(f"{option or 'argument 1'}: expected a value, got {value!r}")
        return super().parse_known_args(words, namespace)


def of_kind(annotation: object) -> Callable[[str], int | float]:
    """An argument's ``type``: the number that a text says, of a kind of :mod:`mmpanonas.values`."""
    kind, convert = kind_of(annotation), get_args(annotation)[0]

    def read(text: str) -> int | float:
        try:
            value = convert(text)
        except ValueError:
            value = text
        if not kind.fits(value):
            raise argparse.ArgumentTypeError(f"expected {kind.words}, got {text!r}")
        return value

    return read


def add_workers(parser: argparse.ArgumentParser) -> None:
    """Give a tool ``--workers``: threads, None for one for each core."""
    parser.add_argument(
        "--workers", type=of_kind(Threads), help="threads, 0 for none (one for each core)"
    )


class ConfigOptions(DictAction):
    """Words ``key=value`` to a dictionary, values as MMEngine reads them, and dictionaries too.

    A dictionary is written ``{'quantity': 'macs'}`` or ``dict(quantity='macs')``, alone or in a
    list, in quotes against the shell. Raises ``ConfigError`` for what is none of it.
    """

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Sequence[str],
        option_string: str | None = None,
    ) -> None:
        """Add the words to those of earlier ``--cfg-options``."""
        options = copy.copy(getattr(namespace, self.dest, None) or {})
        for word in values:
            key, equals, text = word.partition("=")
            if not equals or not all(key.strip().split(".")) or " " in key:
                raise ConfigError(f"--cfg-options: expected key=value, got {word!r}")
            options[key] = read_value(key, text)
        setattr(namespace, self.dest, options)


def add_config_options(parser: argparse.ArgumentParser) -> None:
    """Give a tool ``--cfg-options``."""
    parser.add_argument(
        "--cfg-options",
        nargs="+",
        action=ConfigOptions,
        help="override config keys: key=value, key='[a,b]', nested.key=value, "
        "key=\"dict(name='text')\"",
    )


def read_value(key: str, text: str) -> object:
    """The value of a word of ``--cfg-options``. Raises ``ConfigError`` if it cannot be read."""
    if any(begin in text for begin in _DICTIONARIES):
        try:
            return _literal(ast.parse(text.strip(), mode="eval").body)
        except (SyntaxError, ValueError, TypeError):
            raise ConfigError(
                f"--cfg-options {key}: cannot read the dictionary {text!r}; write it as Python "
                f"does, texts in quotes, all of it in quotes against the shell: "
                f"\"{key}=dict(name='text', number=1)\""
            ) from None
    if any(text.count(a) != text.count(b) for a, b in ("()", "[]")):
        raise ConfigError(f"--cfg-options {key}: brackets open that do not close in {text!r}")
    try:
        return DictAction._parse_iterable(text)
    except (AssertionError, ValueError, RecursionError):
        raise ConfigError(f"--cfg-options {key}: cannot read the value {text!r}") from None


def _literal(node: ast.expr) -> object:
    """The value of constants, bare words, lists, tuples and dictionaries, also ``dict(...)``."""
    if isinstance(node, ast.List | ast.Tuple):
        items = [_literal(item) for item in node.elts]
        return items if isinstance(node, ast.List) else tuple(items)
    if isinstance(node, ast.Dict):
        return {_literal(k): _literal(v) for k, v in zip(node.keys, node.values, strict=True)}
    if isinstance(node, ast.Call) and getattr(node.func, "id", None) == "dict" and not node.args:
        return {word.arg: _literal(word.value) for word in node.keywords if word.arg or _refuse()}
    if isinstance(node, ast.Name):
        return node.id
    return ast.literal_eval(node)


def _refuse() -> None:
    raise ValueError("**")


def check_options(cfg: Config, options: Mapping[str, object]) -> None:
    """Raise ``ConfigError`` if a dotted key leads nowhere, or two speak of one place."""
    tree = cfg.to_dict()
    for key in options:
        for other in options:
            if other.startswith(f"{key}."):
                raise ConfigError(f"--cfg-options: {key} and {other} cannot both be given")
        _check_path(key, tree)


def _check_path(key: str, node: object) -> None:
    done: list[str] = []
    *through, last = key.split(".")
    for name in [*through, last]:
        here = ".".join(done) or "the config"
        if isinstance(node, list | tuple):
            if not (name.isdigit() and int(name) < len(node)):
                count = f"0 to {len(node) - 1}" if node else "none: it is empty"
                raise ConfigError(
                    f"--cfg-options {key}: {here} is a list of {len(node)}; expected a place in "
                    f"it ({count}), got {name!r}"
                )
            node = node[int(name)]
        elif isinstance(node, Mapping):
            if name not in node:
                return
            node = node[name]
        elif node is None or done[-1] == "arch":  # a dictionary replaces it
            return
        else:
            raise ConfigError(
                f"--cfg-options {key}: {here} is {node!r}, nothing lies below it; give all of it: "
                f'{here}="dict(...)"'
            )
        done.append(name)
