"""The report as text, and in a browser: it loads, sorts, unfolds, shows its pictures, prints."""

import html
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import cv2
import numpy as np
import pytest

from mmpanonas.records import read_search
from mmpanonas.space import BACKBONE_CHOICES, NetworkShape, Part, SearchSpace, network_cost
from mmpanonas.visualization import write_report
from mmpanonas.visualization.report import pictures
from mmpanonas.visualization.report.numbers import cost_title, digits_of, duration, unit_of
from mmpanonas.visualization.report.page import inline_svg
from mmpanonas.visualization.report.report import _doubts, render
from tests.browser import Page
from tests.made_up_search import REASONS, write_search

PQ = "coco_panoptic/PQ"
EVOLUTION = dict(type="Evolution", generations=6, population=10, parents=3, mutants=4, crosses=4)
PICTURES = ["diagram", "progress-curve", "generations", "shares", "choices-all", "choices-best"]
FRONTS = [f"front-{place}" for place in range(4)]  # MACs and parameters of backbone and network


def page_of(folder: Path, strategy: dict, **options) -> Path:
    write_search(folder, strategy, **options)
    write_report(read_search(folder), folder / "report.html")
    return folder / "report.html"


@pytest.fixture(scope="module")
def small(tmp_path_factory) -> Path:
    """60 candidates, 5 of them failed."""
    return page_of(tmp_path_factory.mktemp("report") / "small", EVOLUTION, failed=5)


@pytest.fixture(scope="module")
def large(tmp_path_factory) -> Path:
    """DetNAS's 20 generations of 50, 12 of them failed."""
    return page_of(tmp_path_factory.mktemp("report") / "large", dict(type="Evolution"), failed=12)


ELASTIC = SearchSpace(
    [
        Part("backbone", 8, stages=(2, 2, 2, 2)),
        Part("mask_head", 4),
        Part("semantic_head", 3),
        Part("stage_widths", 5, operations=("x50", "x100", "x150", "x200")),
        Part("stage_depths", 4, operations=(("d1", "d2"), ("d1", "d2"), ("d2",), ("d1", "d2"))),
        Part("mask_width", 1, operations=("x50", "x100")),
    ]
)


class Balanced(HTMLParser):
    """Fails on elements that are not closed, and collects ids."""

    VOID = {"meta", "br"}

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.ids += [value for key, value in attrs if key == "id"]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.ids += [value for key, value in attrs if key == "id"]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@pytest.mark.parametrize(
    ("strategy", "drawn"),
    [
        (EVOLUTION | dict(generations=2), "choices-best"),
        (dict(type="PathPriority", cycles=1), "scoreboard"),
    ],
)
def test_widths_and_depths_have_their_pictures(tmp_path, strategy, drawn):
    page = page_of(tmp_path / "search", strategy, blocks=(2, 2, 2, 2), space=ELASTIC).read_text()
    ids = Balanced(page).ids
    assert {"diagram", drawn} <= set(ids)
    assert "Stage widths" in page
    assert [i for i in ids if i.startswith(f"{drawn}-") and "stage_depths_0_d2" in i]


@pytest.mark.parametrize("page", ["small", "large"])
def test_one_sound_file_that_names_nothing_outside(page, request):
    path = request.getfixturevalue(page)
    text = path.read_text()
    assert path.stat().st_size < 3_000_000
    assert not re.search(r"https?:|//[\w.]+\.\w+/|@import|<link|\ssrc=", text)
    ids = Balanced(text).ids
    assert len(ids) == len(set(ids))
    for target in re.findall(r'href="#([^"]+)"', text) + re.findall(r"url\(#([^)]+)\)", text):
        assert target in ids


def test_every_candidate_with_its_numbers(small):
    text = small.read_text()
    for c in read_search(small.parent).candidates:
        row = re.search(rf'<tr id="c{c.index}".*?</tr>', text).group()
        cells = re.findall(r'<td data-value="([^"]*)">([^<]*)</td>', row)
        assert cells[0] == (str(c.index), str(c.index))
        scores = [c.score(f"coco_panoptic/{key}") for key in ("PQ", "PQ_th", "PQ_st", "SQ", "RQ")]
        for (exact, shown), score in zip(cells[2:7], scores, strict=True):
            assert (shown == "\N{EN DASH}") == (score is None) == c.failed
            if score is not None:
                assert float(exact) == pytest.approx(score)
                assert shown == f"{score:.2f}"
        assert cells[7][1] == f"{c.cost['backbone_macs'] / 1e9:.3f}"
        state = f"failed: {html.escape(c.reason)}" if c.failed else "done"
        assert f">{state}</td></tr>" in row


def test_what_users_wrote_is_text(tmp_path):
    folder = write_search(tmp_path / "<i>&", EVOLUTION, stop_after=14)
    hostile = "</script><script>alert(1)</script><img src=x>"
    lines = [json.loads(line) for line in (folder / "results.jsonl").read_text().splitlines()]
    lines[3] |= dict(metrics={}, state="failed", reason=hostile)
    for line in lines:
        line["cost"]["<b>latency"] = 3.5 + line["index"]
    (folder / "times.jsonl").unlink()  # its checksums tell that results were changed
    (folder / "results.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    (folder / "run.json").write_text(json.dumps({hostile: {hostile: [hostile]}}))
    text = render(read_search(folder))
    assert "<img" not in text
    assert "<b>latency" not in text
    assert text.count("<script") == 2
    assert "<h1>&lt;i&gt;&amp;</h1>" in text
    Balanced(text)


def test_provenance(small):
    text = small.read_text()
    for word in (
        "torch",
        "2.13.0",
        "node1",
        "9f2c" * 16,
        "population",
    ):
        assert word in text
    assert "tools/search.py &lt;x&gt; --resume" in text
    failures = text[text.index('id="failures"') :]
    for reason, indices in zip(REASONS, ([6, 30, 54], [18, 42]), strict=True):
        row = re.search(rf"<tr><td>{re.escape(html.escape(reason))}.*?</tr>", failures).group()
        assert re.findall(r"#c(\d+)", row) == list(map(str, indices))


def test_a_search_that_has_not_ended_says_so(tmp_path):
    folder = write_search(tmp_path / "search", EVOLUTION, stop_after=14)
    with (folder / "results.jsonl").open("a") as file:
        file.write('{"index": 14, "arch"')
    text = render(read_search(folder))
    assert "not finished" in text
    assert "has not ended" in text
    assert "its first 14 candidates" in text
    assert "The last line of results.jsonl is incomplete" in text
    assert "best so far" in text


def test_a_finished_one_does_not(small):
    text = small.read_text()
    assert ">finished<" in text
    assert 'class="remark"' not in text


def test_all_failed(tmp_path):
    folder = write_search(tmp_path / "search", EVOLUTION | dict(generations=1), failed=10)
    (folder / "arch.json").unlink(missing_ok=True)
    text = render(read_search(folder))
    assert f"No candidate has a score ({PQ})." in text
    assert 'id="winner"' not in text
    assert text.count('class="failed"') == 10


@pytest.mark.parametrize(
    ("identity", "diagram"), [({}, True), (dict(model=dict(backbone=dict(blocks=[1]))), False)]
)
def test_widths_that_do_not_fit_leave_the_diagram_out(tmp_path, identity, diagram):
    folder = write_search(tmp_path / "search", EVOLUTION, stop_after=6)
    (folder / "search.json").write_text(json.dumps(identity))
    text = render(read_search(folder))
    assert ('id="diagram"' in text) == diagram
    assert ("give its config to the tool with --config" in text) != diagram


def test_scoreboard_of_path_priority(tmp_path):
    folder = write_search(tmp_path / "search", dict(type="PathPriority", cycles=2))
    report = json.loads((folder / "strategy.json").read_text())
    report["scoreboard"]["backbone"][5] = dict(zip(BACKBONE_CHOICES, (1, 77, 2, 88), strict=True))
    (folder / "strategy.json").write_text(json.dumps(report))
    text = render(read_search(folder))
    picture = re.search(r'<figure id="scoreboard".*?</figure>', text, re.DOTALL).group()
    assert [picture.count(f">{number}<") for number in (77, 88)] == [1, 1]
    assert 'id="scoreboard-winner_backbone_5_xception"' in picture
    report["finished_paths"] = report["paths"] - 1
    (folder / "strategy.json").write_text(json.dumps(report))
    assert 'id="scoreboard"' not in render(read_search(folder))


def test_the_report_of_another_strategy_is_no_scoreboard(tmp_path):
    folder = write_search(tmp_path / "search", EVOLUTION, stop_after=4)
    (folder / "strategy.json").write_text(json.dumps(dict(front=[dict(score=1.0)])))
    assert 'id="scoreboard"' not in render(read_search(folder))


def test_numbers():
    assert unit_of([3, 27_306_720]) == (1e6, "M")
    assert unit_of([0.5]) == (1.0, "")
    assert unit_of([]) == (1.0, "")
    assert [digits_of([v]) for v in (385.4, 27.3, 1.179, 0.3)] == [1, 2, 3, 4]
    assert [duration(s) for s in (4.21, 187, 7512)] == ["4.2 s", "3 min 7 s", "2 h 5 min"]
    assert cost_title("backbone_macs") == "backbone MACs"


def test_ids_of_two_pictures_cannot_clash():
    svg = '<?xml?>\n<svg xmlns="u:x"><metadata>m</metadata><g id="a">\n <use xlink:href="#a"/></g>'
    svg += '<g clip-path="url(#a)"></g></svg>'
    assert inline_svg(svg, "p") == (
        '<svg><g id="p-a"><use xlink:href="#p-a"/></g><g clip-path="url(#p-a)"></g></svg>'
    )


# In the browser.


@pytest.fixture
def browser(tmp_path):
    with Page(tmp_path / "profile") as page:
        yield page


COLUMN = """[...document.querySelectorAll('#table tbody tr[data-arch]')].map(
    (row) => row.cells[{}].dataset.value ?? row.cells[{}].textContent)"""


def column(page: Page, place: int) -> list[str]:
    return page.run(COLUMN.format(place, place))


def head(place: int) -> str:
    return f"#table thead th:nth-child({place + 1}) button"


def order(page: Page) -> list[str | None]:
    return page.run(
        "[...document.querySelectorAll('#table thead th')].map((h) => h.getAttribute('aria-sort'))"
    )


def test_it_loads_without_a_complaint_and_asks_for_nothing(browser, large):
    browser.open(large)
    assert browser.errors == []
    assert [url for url in browser.requests if not url.startswith("data:")] == [f"file://{large}"]
    assert len(column(browser, 0)) == 1000
    assert browser.run("document.documentElement.scrollWidth <= innerWidth")


def test_a_click_on_a_head_sorts(browser, small):
    browser.open(small)
    assert order(browser)[2] == "descending"
    for place, first in ((2, "ascending"), (0, "ascending"), (3, "descending"), (7, "ascending")):
        for turn in (first, {"ascending": "descending", "descending": "ascending"}[first]):
            browser.click(head(place))
            assert [value for value in order(browser) if value] == [turn]
            assert order(browser)[place] == turn
            found = column(browser, place)
            numbers = [float(value) for value in found if value]
            assert numbers == sorted(numbers, reverse=turn == "descending")
            assert found[len(numbers) :] == [""] * (60 - len(numbers)), "failed ones stay last"
            assert len(numbers) == (55 if place in (2, 3) else 60)
    last = len(order(browser)) - 1
    browser.click(head(last))
    assert column(browser, last) == sorted(column(browser, last))
    assert browser.errors == []


def test_the_keyboard_sorts_and_unfolds(browser, small):
    browser.open(small)
    browser.run(f"document.querySelector({json.dumps(head(0))}).focus()")
    browser.press("Enter", text="\r")
    assert column(browser, 0) == [str(i) for i in range(60)]
    for _ in order(browser):  # past the other heads, to the first row's button
        browser.press("Tab")
    browser.press("Enter", text="\r")
    assert browser.run("document.querySelector('.arch').previousSibling.id") == "c0"


def test_a_row_unfolds_to_its_architecture_which_stays_with_it(browser, small):
    candidate = read_search(small.parent).failed[1]
    browser.open(small)
    button = f"#c{candidate.index} .unfold"
    browser.click(button)
    lines = browser.run(
        "[...document.querySelectorAll('.arch div')].map("
        "(line) => [...line.children].map((child) => child.textContent))"
    )
    assert [line[0] for line in lines] == [
        "Backbone", "Mask head", "Semantic head", "Things to stuff", "Stuff to things",
    ]  # fmt: skip
    names = {"shuffle_3x3": "3\N{MULTIPLICATION SIGN}3", "xception": "Xception"}
    for shown, choice in zip(lines[0][1:], candidate.arch.backbone, strict=True):
        assert shown == names.get(choice, shown)
    assert lines[3][1:] == [f"r = {choice[1:]}" for choice in candidate.arch.things_to_stuff]
    assert candidate.reason in browser.run("document.querySelector('.arch').textContent")
    browser.click(head(0))
    assert (
        browser.run("document.querySelector('.arch').previousSibling.id") == f"c{candidate.index}"
    )
    browser.click(button)
    assert browser.run("document.querySelector('.arch')") is None


def test_it_shows_its_pictures(browser, small):
    """Each lies within the page, is large enough to be read, and has ink and colour."""
    browser.open(small)
    places = browser.run(
        "[...document.querySelectorAll('figure')].map((figure) => {"
        "const r = figure.firstChild.getBoundingClientRect();"
        "return [figure.id, r.x, r.y + scrollY, r.width, r.height]; })"
    )
    assert [place[0] for place in places] == PICTURES + FRONTS
    image = cv2.imdecode(np.frombuffer(browser.screenshot(whole=True), np.uint8), cv2.IMREAD_COLOR)
    assert image.shape[1] == 1280
    for name, x, y, width, height in places:
        assert width > 400, name
        assert height > 200, name
        assert 0 <= x <= x + width <= 1280, name
        part = image[int(y) : int(y + height), int(x) : int(x + width)].astype(int)
        assert (part.max(axis=2) < 90).sum() > 300, f"{name}: no dark text"
        assert (np.ptp(part, axis=2) > 60).sum() > 200, f"{name}: no colour"
        assert (part.min(axis=2) > 240).mean() > 0.1, f"{name}: no white ground"


def test_text_of_the_pictures_can_be_searched(browser, small):
    browser.open(small)
    assert browser.run("window.find('Inter-modular attention')")
    assert browser.run("window.find('front (')")


def test_it_prints_every_row(browser, small):
    browser.open(small)
    assert browser.pdf()[:5] == b"%PDF-"
    browser.send("Emulation.setEmulatedMedia", media="print")
    box = "document.querySelector('.scroll')"
    assert browser.run(f"{box}.scrollHeight <= {box}.clientHeight + 1")


def test_the_winners_cost_is_drawn_by_module(tmp_path):
    """With the costs of the best and of the mean, counted here anew."""
    folder = write_search(tmp_path / "search", EVOLUTION)
    data = read_search(folder)
    shape = NetworkShape(blocks=(8, 8, 16, 8))
    section = pictures.spending(data, shape)
    costs = [network_cost(c.arch, shape) for c in data.candidates]
    ours = network_cost(data.winner.arch, shape)
    total = sum(cost.macs for cost in ours.values())
    share = f"{ours['mask_head'].macs / total:.0%}"
    mean = {name: np.mean([cost[name].macs for cost in costs]) for name in costs[0]}
    (drawn,) = section["pictures"]
    assert drawn.svg.count(f">{share}<") >= 1
    assert f">{mean['backbone'] / sum(mean.values()):.0%}<" in drawn.svg
    assert pictures.spending(data) is None  # search.json names no backbone that is counted


@pytest.mark.parametrize(
    ("scores", "things", "said"),
    [
        ([5.0, 5.0, 5.0], 1.0, "All 3 candidates score 5: this ranking says nothing."),
        ([5.0, 5.0, 4.0], 1.0, "2 candidates share the best score"),
        ([5.0, 4.0, 3.0], 0.0, "No candidate finds a thing"),
        ([5.0, 4.0, 3.0], 1.0, None),
    ],
)
def test_a_ranking_that_says_nothing_is_said(tmp_path, scores, things, said):
    folder = write_search(tmp_path / "search", dict(type="Random", total=3))
    data = read_search(folder)
    candidates = tuple(
        replace(c, metrics={PQ: score, "coco_panoptic/PQ_th": things})
        for c, score in zip(data.candidates, scores, strict=True)
    )
    remarks = _doubts(replace(data, candidates=candidates))
    assert any(said in remark for remark in remarks) if said else remarks == []
