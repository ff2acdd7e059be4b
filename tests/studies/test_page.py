"""The page of a ranking study: whole, self-contained, with the numbers of its results."""

import re

import pytest

from studies.ranking.answers import answers
from studies.ranking.page import interval, write_ranking_page
from tests.studies.made_up import made_up_results
from tests.visualization.test_report import Balanced


def page_of(results: dict, path) -> str:
    results["answers"] = answers(results, resamples=100)
    write_ranking_page(results, path)
    return path.read_text()


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    return page_of(made_up_results(), tmp_path_factory.mktemp("page") / "ranking_made_up.html")


def test_one_sound_file_that_names_nothing_outside(page):
    assert not re.search(r"https?:|//[\w.]+\.\w+/|@import|<link|\ssrc=", page)
    ids = Balanced(page).ids
    assert len(ids) == len(set(ids))
    assert len(page) < 1_000_000
    assert page.count("<svg") == 5
    assert "<h1>ranking made up</h1>" in page


def test_it_holds_the_answers(page):
    for text in (
        "<td>1.00 [1.00, 1.00]</td>",  # tau
        "<td>-2.00 [-2.00, -2.00]</td>",  # uniform against fair, and the stuff of the preset
        "<td>Random</td><td>2</td><td>2</td><td>73.0 [",
        "<td>91.00</td><td>81.00</td><td>10.00 [",
        "<td>9.0 and 8.5</td>",
        "24 networks drawn, 26 trained",
        "<dd>589,824</dd>",
    ):
        assert text in page, text
    rows = re.findall(r"<tr><td>(drawn|returned|baseline)</td>", page)
    assert rows == ["returned", "baseline", *["drawn"] * 24]  # by PQ


def test_questions_without_an_answer_say_why(tmp_path):
    results = made_up_results(networks=4)
    for network in results["networks"]:
        network["alone"] = network["alone"][:1]
    results |= dict(searches=[], choices=[])
    page = page_of(results, tmp_path / "few.html")
    assert '<p class="remark">no network was trained with several seeds</p>' in page
    assert '<p class="remark">no search has ended</p>' in page
    assert "1.00 [" in page
    Balanced(page)


def test_an_interval_in_words():
    assert interval(dict(value=0.416, low=-0.2, high=1)) == "0.42 [-0.20, 1.00]"
