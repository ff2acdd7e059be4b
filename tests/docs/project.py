"""The project's files, as pages name them."""

import re
from fnmatch import fnmatch
from functools import cached_property
from itertools import product
from pathlib import Path

#: Folders of what a user makes (street: docs/your_data.md), or of what is not ours.
_FOREIGN = {".git", ".venv", "work_dirs", "data", "street", "build", "dist", "__pycache__"}

#: Files that only the project makes: a name that ends so must be one of them.
SOURCES = (".py", ".sh", ".md", ".css", ".js", ".html", ".toml")

_PLACEHOLDER = re.compile(r"<[^<>]*>|\.\.\.|(?<![\w.-])[A-Z][A-Z_]+(?![\w-]|\.md)")


class Project:
    """What lies below ``root``."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @cached_property
    def files(self) -> set[str]:
        """Paths of all files, relative to the root."""
        found = (path.relative_to(self.root) for path in self.root.rglob("*") if path.is_file())
        return {path.as_posix() for path in found if not _FOREIGN & set(path.parts)}

    @cached_property
    def folders(self) -> set[str]:
        """Paths of all folders that hold files."""
        parents = {parent.as_posix() for name in self.files for parent in Path(name).parents}
        return parents - {"."}

    @cached_property
    def tops(self) -> set[str]:
        """Folders right below the root."""
        return {name for name in self.folders if "/" not in name}

    @cached_property
    def tools(self) -> set[str]:
        """Scripts that take arguments."""
        no_tools = ("mmpanonas/", "configs/", "tests/")
        scripts = (n for n in self.files if n.endswith(".py") and not n.startswith(no_tools))
        return {name for name in scripts if "parse_args(" in (self.root / name).read_text()}

    def program(self, module: str) -> str | None:
        """The script that ``python -m module`` runs, if it is the project's."""
        name = f"{module.replace('.', '/')}/__main__.py"
        return name if name in self.files else None

    def matches(self, name: str) -> list[str]:
        """Files that ``name`` may mean: a path from the root or the end of one.

        ``{a,b}`` stands for each, of which every one must be there; ``*``, a word in capitals,
        ``<word>`` and ``...`` for anything.
        """
        found = [self._match(_PLACEHOLDER.sub("*", plain)) for plain in expand_braces(name)]
        return sorted(set().union(*found)) if all(found) else []

    def _match(self, name: str) -> set[str]:
        name = name.removeprefix("./").rstrip("/")
        return {path for path in self.files | self.folders if fnmatch(path, name)} or {
            path for path in self.files if fnmatch(path, f"*/{name}")
        }

    def missing(self, word: str) -> str | None:
        """What is wrong with a word that names a file of the project, if it does."""
        word, _, test = word.partition("::")
        word = word.strip("\"'`,;:()").removeprefix("./")
        if not (word.partition("/")[0] in self.tops and "/" in word) and not (
            word.endswith(SOURCES) and re.search(r"\w", word.rpartition("/")[2].partition(".")[0])
        ):
            return None
        elsewhere = word.startswith("/") or "://" in word  # on the machine, or on the network
        if elsewhere or word.partition("/")[0] in _FOREIGN:
            return None
        found = self.matches(word)
        if not found:
            return f"{word} does not exist"
        if test and not any(
            re.search(rf"^def {test}\b", (self.root / path).read_text(), re.M) for path in found
        ):
            return f"{word} has no {test}"
        return None


def expand_braces(text: str) -> list[str]:
    """As a shell does: "a{b,c}" is "ab" and "ac"."""
    pieces = re.split(r"\{([^{}]*,[^{}]*)\}", text)
    choices = [piece.split(",") if place % 2 else [piece] for place, piece in enumerate(pieces)]
    return ["".join(chosen) for chosen in product(*choices)]
