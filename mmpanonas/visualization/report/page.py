"""One HTML page that needs nothing besides itself.

Its frame, look and behaviour are ``report.html``, ``report.css`` and ``report.js``.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from importlib import resources
from string import Template


@dataclass(frozen=True)
class Section:
    """A part of a page with its own anchor; one without ``html`` is left out."""

    name: str
    title: str
    html: str


def render_page(
    title: str,
    about: str,
    kind: str,
    status: str,
    sections: Iterable[Section],
    remarks: Iterable[str] = (),
    facts: str = "",
    legend: str | None = None,
) -> str:
    """The page's text.

    Args:
        title, about: what it is called, and what it is.
        kind, status: beside the title.
        sections: with their content as HTML.
        remarks: what a reader must know first.
        facts: tiles, as HTML.
        legend: JSON for the script of a table of candidates; None for a page without script.
    """
    sections = [section for section in sections if section.html]
    return Template(_part("html")).substitute(
        title=escape(title),
        about=escape(about),
        kind=escape(kind),
        status=escape(status),
        remarks="".join(f'<p class="remark">{escape(remark)}</p>' for remark in remarks),
        facts=facts,
        contents="".join(f'<a href="#{s.name}">{s.title}</a>' for s in sections),
        sections="".join(
            f'<section id="{s.name}"><h2>{s.title}</h2>{s.html}</section>' for s in sections
        ),
        legend=legend or "null",
        style=_part("css"),
        script=_part("js") if legend else "",
    )


def plain_table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of texts, which are escaped."""
    head = "".join(f'<th scope="col">{escape(text)}</th>' for text in heads)
    body = "".join(
        f"<tr>{''.join(f'<td>{escape(text)}</td>' for text in row)}</tr>" for row in rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _part(suffix: str) -> str:
    return (resources.files(__package__) / f"report.{suffix}").read_text()
