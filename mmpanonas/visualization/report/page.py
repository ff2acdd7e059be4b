"""One HTML page that needs nothing besides itself.

``templates/page.html`` is its frame, ``sections.html`` what stands in it; look and behaviour
are ``report.css`` and ``report.js``. Whatever is put in is escaped, except ``Markup``.
"""

import json
import re
import tempfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

#: In the place of a value that there is none of.
MISSING = "\N{EN DASH}"


class Section(NamedTuple):
    """A part of a page with its own anchor; one without ``values`` is left out.

    ``macro`` is that of ``sections.html`` which writes it, ``values`` are its arguments.
    """

    name: str
    title: str
    macro: str
    values: Mapping | None


class Fact(NamedTuple):
    """A tile above the sections: a value, what it is, and a link to an anchor of the page."""

    value: str
    name: str = ""
    link: str = ""
    link_text: str = ""


class Picture(NamedTuple):
    """A drawing of a page: its anchor, what it shows, and itself."""

    name: str
    label: str
    svg: Markup


def render_page(
    title: str,
    about: str,
    kind: str,
    status: str,
    sections: Iterable[Section],
    remarks: Iterable[str] = (),
    facts: Iterable[Fact] = (),
    legend: object = None,
) -> str:
    """The page's text.

    Args:
        title, about: what it is called, and what it is.
        kind, status: beside the title.
        sections: one below the other.
        remarks: what a reader must know first.
        facts: what one wants to know first.
        legend: JSON for the script of a table of candidates; None for a page without script.
    """
    return (
        _environment()
        .get_template("page.html")
        .render(
            title=title,
            about=about,
            kind=kind,
            status=status,
            sections=[section for section in sections if section.values is not None],
            remarks=remarks,
            facts=facts,
            legend=legend,
        )
    )


def _environment() -> Environment:
    templates = Environment(
        loader=FileSystemLoader(Path(__file__).with_name("templates")),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
    )
    templates.globals["missing"] = MISSING
    templates.filters["json"] = lambda value, indent=None: json.dumps(
        value, indent=indent, ensure_ascii=False
    )
    return templates


def picture(name: str, label: str, draw: Callable, /, *data: object, **options: object) -> Picture:
    """What ``draw`` writes to its ``path``, as a drawing of the page."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "picture.svg"
        draw(*data, path=path, **options)
        return Picture(name, label, Markup(inline_svg(path.read_text(), name)))


def inline_svg(svg: str, name: str) -> str:
    """An SVG file as an element of an HTML page.

    Its ids begin with ``name``, since those of several pictures would clash; what stands
    before it, its metadata and name spaces (which HTML knows) go.
    """
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'\s+xmlns(:\w+)?="[^"]*"', "", svg)
    svg = re.sub(r'(\sid="|href="#|url\(#)', rf"\g<1>{name}-", svg)
    return re.sub(r">\s+<", "><", svg)
