"""``--cfg-options``: keys of a config and their values, as words of a command line."""

import argparse
import ast
import copy
from collections.abc import Mapping, Sequence

from mmengine.config import Config, DictAction

from mmpanonas.errors import ConfigError

#: How a dictionary begins, in a value.
_DICTIONARIES = ("dict(", "{")


class ConfigOptions(DictAction):
    """Words ``key=value`` to a dictionary, values as MMEngine reads them, and dictionaries too.

    A dictionary is written ``{'quantity': 'macs'}`` or ``dict(quantity='macs')``, alone or in a
    list, in quotes against the shell. Raises ``ConfigError`` for what is none of it.
    """

    #: Given again it adds to what was given.
    adds = True

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
        "key=\"dict(name='text')\"; of a key given twice the last word counts",
    )


def read_value(key: str, text: str) -> object:
    """The value of a word of ``--cfg-options``. Raises ``ConfigError`` if it cannot be read."""
    if any(begin in text for begin in _DICTIONARIES):
        try:
            return literal(ast.parse(text.strip(), mode="eval").body)
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


def literal(node: ast.expr) -> object:
    """The value of constants, bare words, lists, tuples and dictionaries, also ``dict(...)``.

    Raises:
        ValueError, TypeError: it is anything else.
    """
    if isinstance(node, ast.List | ast.Tuple):
        items = [literal(item) for item in node.elts]
        return items if isinstance(node, ast.List) else tuple(items)
    if isinstance(node, ast.Dict):
        return {literal(k): literal(v) for k, v in zip(node.keys, node.values, strict=True)}
    if isinstance(node, ast.Call) and getattr(node.func, "id", None) == "dict" and not node.args:
        return {word.arg: literal(word.value) for word in node.keywords if word.arg or _refuse()}
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
