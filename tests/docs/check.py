"""What a page of the documentation says that is not so."""

import ast
import importlib.util
import json
import pkgutil
import re
from collections.abc import Callable, Iterable, Iterator

import yaml

from tests.docs.configs import Configs, refused_options
from tests.docs.page import Block, Page
from tests.docs.project import Project
from tests.docs.shell import UsageError, commands, forwarded, parse, parser_of

#: Options in prose that belong to other programs than ours.
FOREIGN_OPTIONS = {"--no-deps", "--system-site-packages"}

_KEY = re.compile(r"([a-z]\w*(?:\.(?:\w+|\*))+)(?<!\.json)(?:=.*)?")
_MODULE = re.compile(r"mmpanonas(\.\w+)+")
Found = Iterator[tuple[int, str]]


class Checker:
    """Checks pages against a project.

    Args:
        project: where paths lead.
        configs: of the project.
    """

    def __init__(self, project: Project, configs: Configs) -> None:
        self.project, self.configs = project, configs

    def problems(self, page: Page) -> list[str]:
        """One line for each, with the page's line."""
        found = [*self._links(page), *self._spans(page), *self._blocks(page)]
        name = page.path.relative_to(self.project.root)
        return [f"{name}:{line}: {text}" for line, text in sorted(set(found))]

    def _links(self, page: Page) -> Found:
        for line, target in page.links:
            if re.match(r"[a-z]+:", target):  # what lies elsewhere is not asked for
                continue
            place, _, anchor = target.partition("#")
            path = page.path.parent / place if place else page.path
            if not path.exists():
                yield line, f"link to {target}: no such file"
            elif anchor and anchor not in Page.read(path).anchors:
                yield line, f"link to {target}: no such heading"

    def _spans(self, page: Page) -> Found:
        for line, text in page.spans:
            words = text.split()
            for word in words:
                if problem := self.project.missing(word):
                    yield line, problem
            if words[:1] in (["python"], ["bash"], ["make"]) and len(words) > 1:
                yield from self._shell(line, text)
            elif words and words[0].endswith(".py"):
                yield from self._options(line, words, self.project.matches(words[0]))
            elif text.startswith("--"):
                yield from self._options(line, words, self.project.tools)
            if _MODULE.fullmatch(text) and not _resolves(text):
                yield line, f"{text} cannot be imported"
            match = _KEY.fullmatch(text)
            if match and not self._is_key(match[1].split(".")):
                yield line, f"config key {match[1]}: nobody reads it"

    def _is_key(self, path: list[str]) -> bool:
        """True as well for what does not begin like a key."""
        return path[0] not in self.configs.everywhere or self.configs.knows(path)

    def _options(self, line: int, words: list[str], scripts: Iterable[str]) -> Found:
        tools = self.project.tools & set(scripts)
        parsers = [parser_of(self.project.root / tool) for tool in tools]
        known = {option for parser in parsers for option in parser._option_string_actions}
        for word in words if tools else ():
            option = word.partition("=")[0].rstrip(",;")
            if re.match(r"--\w", word) and option not in known | FOREIGN_OPTIONS:
                yield line, f"option {option}: no tool of ours that it may belong to has it"

    def _blocks(self, page: Page) -> Found:
        readers: dict[str, Callable[[Block], Found]] = {
            "bash": lambda block: self._shell(block.line + 1, block.text),
            "python": lambda block: self._python(block, defined),
            "json": lambda block: _readable(block, json.loads),
            "yaml": lambda block: _readable(block, yaml.safe_load),
            "": self._text,
        }
        defined = {name for b in page.blocks for name in re.findall(r"^class (\w+)", b.text, re.M)}
        for block in page.blocks:
            if block.language in readers:
                yield from readers[block.language](block)

    def _text(self, block: Block) -> Found:
        for number, line in enumerate(block.text.splitlines(), block.line + 1):
            for word in line.split():
                if problem := self.project.missing(word):
                    yield number, problem

    def _shell(self, start: int, script: str) -> Found:
        try:
            lines = list(commands(script))
        except ValueError as error:
            yield start, f"no shell command: {error}"
            return
        for line, words in lines:
            for word in words:
                if problem := self.project.missing(word.partition("=")[2] or word):
                    yield start + line, problem
            if problem := self._refused(words):
                yield start + line, problem

    def _refused(self, words: list[str]) -> str | None:
        """Why a command would not run."""
        program, rest = words[0].rpartition("/")[2], words[1:]
        if program == "make":
            targets = re.findall(r"^(\w+):", (self.project.root / "Makefile").read_text(), re.M)
            unknown = [word for word in rest if word.isalpha() and word not in targets]
            return f"make has no target {unknown[0]}" if unknown else None
        if rest[:1] == ["-m"] and not _importable(rest[1]):
            return f"python -m {rest[1]}: no such module"
        if rest[:2] == ["-m", "pydoc"] and not _resolves(rest[2]):
            return f"pydoc {rest[2]}: cannot be imported"
        if rest[:1] == ["-m"] and self.project.program(rest[1]):
            words = [words[0], self.project.program(rest[1]), *rest[2:]]
        scripts = [word for word in words if word.endswith((".py", ".sh"))]
        if program not in ("python", "bash") or not scripts:
            return None
        script, arguments = self.project.root / scripts[0], words[words.index(scripts[0]) + 1 :]
        if not script.is_file():
            return None  # said already
        try:
            if script.suffix == ".sh":
                if not (started := forwarded(script, arguments)):
                    return None
                script, arguments = started
            return self._refused_options(parse(script, arguments))
        except UsageError as error:
            return f"{scripts[0]}: {error}"

    def _refused_options(self, args: object) -> str | None:
        """Why ``--cfg-options`` would be refused for the config that is named."""
        options = getattr(args, "cfg_options", None) or {}
        config = self.project.root / (getattr(args, "config", None) or "")
        if config.is_file():
            return refused_options(config, options)
        unknown = [key for key in options if not self.configs.knows(key.split("."))]
        return f"--cfg-options: nobody reads {unknown[0]}" if unknown else None

    def _python(self, block: Block, defined: set[str]) -> Found:
        try:
            tree = ast.parse(block.text)
        except SyntaxError as error:
            yield block.line + error.lineno, f"no Python: {error.msg}"
            return
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                for word in node.value.split():
                    if problem := self.project.missing(word.lstrip("./")):
                        yield block.line + node.lineno, problem
            for name in _imports(node):
                if not _resolves(name):
                    yield block.line + node.lineno, f"{name} cannot be imported"
        if all(isinstance(node, ast.Assign) for node in tree.body):  # a piece of a config
            for line, problem in self.configs.problems(block.text, defined):
                yield block.line + line, f"config key {problem}"


def _readable(block: Block, read: Callable[[str], object]) -> Found:
    try:
        read(block.text)
    except (ValueError, yaml.YAMLError) as error:
        yield block.line, f"no {block.language}: {str(error).splitlines()[0]}"


def _imports(node: ast.AST) -> list[str]:
    if isinstance(node, ast.ImportFrom):
        return [f"{node.module}.{alias.name}" for alias in node.names]
    return [alias.name for alias in node.names] if isinstance(node, ast.Import) else []


def _importable(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:
        return False


def _resolves(name: str) -> bool:
    """Whether a dotted name is a module, or something that one holds."""
    try:
        pkgutil.resolve_name(name)
    except (ImportError, AttributeError):
        return False
    return True
