"""Two identities: what differs is named by its key, whole, and nothing else."""

import json
from copy import deepcopy

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmpanonas.records import SearchDirectoryError, check_identity
from mmpanonas.records.identities import differences
from mmpanonas.strategies import Evolution, PathPriority, Random
from tests.execution.helpers import SPACE, search

LONG = "x" * 200
KNOWN = dict(
    format=2,
    model=dict(arch=None, fusion=dict(score_thr=0.5, name=LONG)),
    budgets=[dict(limit=3)],
    strategy=dict(type="Evolution", generations=3),
)


def check(tmp_path, here: dict, known: dict = KNOWN, **options) -> None:
    path = tmp_path / "search.json"
    path.write_text(json.dumps(known))
    check_identity(path, here, **options)


def test_all_that_differs_is_named_with_both_values(tmp_path):
    here = deepcopy(KNOWN)
    check(tmp_path, here)
    here["model"]["fusion"] = dict(score_thr=0.1, name=LONG + "y", order="area")
    here["budgets"][0]["limit"] = 4
    with pytest.raises(SearchDirectoryError) as error:
        check(tmp_path, here)
    assert str(error.value) == (
        f"{tmp_path} belongs to another search: it differs in budgets[0].limit (3 there, 4 here), "
        f"model.fusion.name ({LONG} there, {LONG}y here), model.fusion.order (nothing there, area "
        f"here), model.fusion.score_thr (0.5 there, 0.1 here); give what it was begun with "
        f"(none of it may change), or choose another --work-dir"
    )


def test_what_may_grow_grows_and_never_shrinks(tmp_path):
    here = deepcopy(KNOWN)
    here["strategy"]["generations"] = 5
    check(tmp_path, here, grows={"strategy.generations"})
    with pytest.raises(SearchDirectoryError, match=r"generations .3 there, 5 here.; give what it"):
        check(tmp_path, here)
    here["strategy"]["generations"] = 2
    with pytest.raises(SearchDirectoryError, match=r"\(strategy.generations alone may grow\)"):
        check(tmp_path, here, grows={"strategy.generations"})


def test_identities_of_older_versions_are_read(tmp_path):
    old = {key: value for key, value in KNOWN.items() if key != "format"}
    check(tmp_path, KNOWN | dict(pictures=["digest"]), old)
    with pytest.raises(SearchDirectoryError, match=r"differs in pictures .nothing there"):
        check(tmp_path, KNOWN | dict(pictures="nothing"))
    with pytest.raises(SearchDirectoryError, match=r"differs in pictures .nothing there"):
        check(tmp_path, KNOWN | dict(pictures=["digest"]))
    with pytest.raises(SearchDirectoryError, match=r"differs in format .1 there, 2 here"):
        check(tmp_path, KNOWN, KNOWN | dict(format=1))


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.text(max_size=2),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=3)
    ),
    max_leaves=8,
)


@settings(max_examples=200, deadline=None)
@given(PLAIN, PLAIN)
def test_something_differs_exactly_where_json_differs(there, here):
    same = json.dumps(there, sort_keys=True) == json.dumps(here, sort_keys=True)
    assert (list(differences(there, here)) == []) is same


@pytest.mark.parametrize(
    ("kind", "short", "long"),
    [
        (Evolution, dict(generations=2), dict(generations=4)),
        (Random, dict(total=5), dict(total=9)),
    ],
)
def test_a_finished_search_that_grows_ends_as_one_that_was_longer(tmp_path, kind, short, long):
    more = dict(population=4, parents=2, mutants=2, crosses=1) if kind is Evolution else {}
    search(tmp_path / "grown", strategy=kind(SPACE, **short, **more))
    search(tmp_path / "grown", strategy=kind(SPACE, **long, **more))
    search(tmp_path / "whole", strategy=kind(SPACE, **long, **more))
    for name in ("results.jsonl", "arch.json", "ranking.csv", "strategy.json"):
        grown, whole = (tmp_path / folder / name for folder in ("grown", "whole"))
        assert grown.read_text() == whole.read_text()
    assert kind.grows == short.keys()
    assert PathPriority.grows == frozenset()
