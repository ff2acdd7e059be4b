"""A Markdown page as what can be checked in it: anchors, links, code spans, code blocks."""

import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

_PARSER = MarkdownIt("commonmark").enable("table")


@dataclass(frozen=True)
class Block:
    """A fenced code block: the line it begins at, its language ("" if none), its text."""

    line: int
    language: str
    text: str


@dataclass
class Page:
    """What a Markdown file holds, with the numbers of its lines.

    Attributes:
        anchors: of its headings, as GitHub makes them.
        links: targets of links and pictures.
        spans: texts of inline code.
        blocks: fenced code.
    """

    path: Path
    anchors: set[str] = field(default_factory=set)
    links: list[tuple[int, str]] = field(default_factory=list)
    spans: list[tuple[int, str]] = field(default_factory=list)
    blocks: list[Block] = field(default_factory=list)

    @classmethod
    def read(cls, path: Path) -> "Page":
        """Parse a file."""
        page, slugs = cls(path), Counter()
        tokens = _PARSER.parse(path.read_text())
        line = 0
        for before, token in zip([None, *tokens], tokens, strict=False):
            line = token.map[0] + 1 if token.map else line  # cells of a table have none
            if token.type == "fence":
                language = (token.info.split() or [""])[0]
                page.blocks.append(Block(line, language, token.content))
            elif token.type == "inline":
                page._read_inline(line, token)
                if before.type == "heading_open":
                    page._add_anchor(token, slugs)
        return page

    def block(self, language: str, number: int = 0) -> str:
        """The text of the ``number``-th block of a language."""
        return [block.text for block in self.blocks if block.language == language][number]

    def _read_inline(self, line: int, inline: Token) -> None:
        for token in inline.children:
            if token.type == "code_inline":
                self.spans.append((line, token.content))
            for name in ("href", "src"):
                if target := token.attrGet(name):
                    self.links.append((line, target))

    def _add_anchor(self, inline: Token, slugs: Counter) -> None:
        kinds = ("text", "code_inline")
        title = "".join(token.content for token in inline.children if token.type in kinds)
        slug = re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")
        self.anchors.add(f"{slug}-{slugs[slug]}" if slugs[slug] else slug)
        slugs[slug] += 1
