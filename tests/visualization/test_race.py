"""A raced search in its report: pictures, intervals, and no score of who left."""

from mmpanonas.records import Candidate, SearchData
from mmpanonas.visualization.report import tables
from tests.conftest import shapes_arch

PQ = "coco_panoptic/PQ"


def test_who_left_shows_an_interval_instead_of_a_score(tmp_path):
    arch, cost = shapes_arch(), {}
    done = Candidate(0, arch, {PQ: 40.0}, cost, pictures=12)
    left = Candidate(1, arch, {PQ: 41.0}, cost, state="left", pictures=3, interval=[30.25, 39.5])
    for each in (done, left):
        assert Candidate.from_dict(each.to_dict()) == each
    data = SearchData(tmp_path, (done, left))
    assert data.ranked == [done]
    rows = tables.candidates(data)["rows"]
    assert [row["remark"] for row in rows] == ["done", "left the race: 30.25 to 39.50 (95 %)"]
    assert [text for row in rows[1:] for value, text in row["numbers"] if value == "3"] == ["3"]
    shown = [(fact.value, fact.name) for fact in tables.facts(data)]
    assert ("62 %", "of their pictures seen (race)") in shown
