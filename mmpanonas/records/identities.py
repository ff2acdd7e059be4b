"""Whether what lies in a folder is what is asked for now: two identities, compared by name."""

import json
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from mmpanonas.records.jsonlines import SearchDirectoryError
from mmpanonas.records.reading import read_object


class _Nothing:
    """Stands where one side has no value; equal to no value."""

    def __str__(self) -> str:
        return "nothing"


_NOTHING = _Nothing()


def check_identity(file: Path, identity: dict, grows: Collection[str] = ()) -> None:
    """Compare ``identity`` with that in a file, which an older version may have written.

    Args:
        file: its stem says whose it is.
        identity: as plain data.
        grows: dotted keys that may be larger now than they were.

    Raises:
        SearchDirectoryError: the file cannot be read, or they differ: it names both values of all
            that does.
    """
    known = _read(file)
    old = "format" not in known  # identities have got more keys since
    here = {key: value for key, value in identity.items() if not old or key in known}
    other = [
        (key, there, now)
        for key, there, now in differences(known, here)
        if not (key in grows and type(now) is type(there) is int and now > there)
    ]
    if not other:
        return
    details = ", ".join(
        f"{key} ({_words(there)} there, {_words(now)} here)" for key, there, now in other
    )
    may = f"{' and '.join(sorted(grows))} alone may grow" if grows else "none of it may change"
    raise SearchDirectoryError(
        f"{file.parent} belongs to another {file.stem}: it differs in {details}; give what it was "
        f"begun with ({may}), or choose another --work-dir"
    )


def differences(there: object, here: object, key: str = "") -> Iterator[tuple[str, object, object]]:
    """Dotted key and both values wherever plain data differ; "nothing" where one has none."""
    if isinstance(there, Mapping) and isinstance(here, Mapping):
        for name in sorted(there.keys() | here.keys()):
            inner = f"{key}.{name}" if key else name
            yield from differences(there.get(name, _NOTHING), here.get(name, _NOTHING), inner)
    elif isinstance(there, list) and isinstance(here, list) and len(there) == len(here):
        for place, pair in enumerate(zip(there, here, strict=True)):
            yield from differences(*pair, f"{key}[{place}]")
    elif there != here or (type(there) is not type(here) and bool in (type(there), type(here))):
        yield key, there, here


def _read(file: Path) -> dict:
    known, problem = read_object(file)
    if problem:
        raise SearchDirectoryError(
            f"{file} {problem}, so whose results lie beside it is unknown: restore it from a copy, "
            f"or choose another --work-dir"
        )
    return known


def _words(value: object) -> str:
    return json.dumps(value) if isinstance(value, dict | list) else str(value)
