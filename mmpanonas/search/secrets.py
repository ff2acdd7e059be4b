"""Command lines for files that others read: values of what looks like a secret are left out."""

import re
import shlex
from collections.abc import Sequence

_HIDDEN = "..."
_WORDS = {"key", "auth", "credential", "credentials", "passwd", "passphrase", "pwd"}
_ENDS = ("token", "tokens", "password", "secret", "secrets", "apikey")

#: key=value and "key": value, also inside dict(...); the value up to what ends it.
_ASSIGNED = re.compile(
    r"""(?P<key>[\w.-]+)(?P<sign>["']?\s*[=:]\s*)(?P<value>"[^"]*"|'[^']*'|[^\s,;()\[\]{}&'"]+)"""
)
_LOGIN = re.compile(r"(\w+://)[^/\s@]+@")


def public_command(words: Sequence[object]) -> str:
    """A command line of Python's, ready for a shell, with ``...`` in the place of secrets.

    A secret is what follows a key such as ``token``, ``password`` or ``access_key`` (as
    ``key=value``, as an option, or inside a dictionary), and what stands before a URL's ``@``.
    """
    shown, hide = [], False
    for word in map(str, words):
        key, sign, _ = word.partition("=")
        if hide:
            shown.append(_HIDDEN)
        elif sign and re.fullmatch(r"[\w.-]+", key) and _is_secret(key):
            shown.append(f"{key}={_HIDDEN}")
        else:
            shown.append(_LOGIN.sub(rf"\1{_HIDDEN}@", _ASSIGNED.sub(_without_secret, word)))
        hide = word.startswith("-") and not sign and _is_secret(word)
    return shlex.join(["python", *shown])


def _is_secret(key: str) -> bool:
    parts = re.split(r"[^a-zA-Z0-9]+|(?<=[a-z])(?=[A-Z])", key)
    return any(part.lower() in _WORDS or part.lower().endswith(_ENDS) for part in parts)


def _without_secret(match: re.Match) -> str:
    if not _is_secret(match["key"]):
        return match[0]
    return f"{match['key']}{match['sign']}{_HIDDEN}"
