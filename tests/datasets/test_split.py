"""train, val, test and nas_val of one annotation file."""

import json
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmpanonas.datasets.check import find_problems
from mmpanonas.datasets.shapes import write_shapes
from mmpanonas.datasets.split import draw_parts, sizes_of
from mmpanonas.errors import InputError
from tests.tools.conftest import one_line

TOOL = "tools/dataset_converters/split.py"
SHARES = dict(val=0.1, test=0.2, nas_val=0.1)
PICTURES = st.lists(st.sets(st.integers(0, 6), max_size=4), min_size=10, max_size=60)


@given(found=PICTURES, seed=st.integers(0, 99))
def test_parts_are_disjoint_complete_of_the_sizes_and_the_same_again(found, seed):
    categories = dict(enumerate(found))
    sizes = sizes_of(SHARES, len(found))
    parts = draw_parts(categories, sizes, seed)
    assert parts.keys() == categories.keys()  # each picture once
    assert Counter(parts.values()) == sizes
    backwards = dict(reversed(categories.items()))
    assert draw_parts(backwards, sizes, seed) == parts


@given(
    kinds=st.lists(st.integers(0, 4), min_size=50, max_size=120),
    seed=st.integers(0, 99),
    shares=st.fixed_dictionaries({p: st.floats(0.1, 0.25) for p in SHARES}),
)
def test_where_each_picture_has_one_category(kinds, seed, shares):
    """All parts have all categories of four pictures or more, in their shares but for a few.

    A category's own pictures go where most is wanting, so that it is off by less than one, or by
    what its first picture is too much; what the parts' sizes leave over falls to the last.
    """
    sizes = sizes_of(shares, len(kinds))
    parts = draw_parts({place: {kind} for place, kind in enumerate(kinds)}, sizes, seed)
    times = Counter(kinds)
    found = Counter((kinds[place], part) for place, part in parts.items())
    for kind, number in times.items():
        for part, size in sizes.items():
            assert found[kind, part] >= (number >= len(sizes))
            assert abs(found[kind, part] - number * size / len(kinds)) <= len(times)


@given(found=PICTURES, seed=st.integers(0, 99))
def test_a_category_of_two_pictures_never_fills_a_part(found, seed):
    """Rare ones come first, when all parts have room: both are apart."""
    found = [*found, {9}, {9}, *[{0}] * 10]
    parts = draw_parts(dict(enumerate(found)), dict(a=len(found) - 10, b=10), seed)
    rare = [place for place, kinds in enumerate(found) if 9 in kinds]
    assert {parts[place] for place in rare} == {"a", "b"}


def test_the_draw_depends_on_the_seed():
    categories = {place: {place % 3} for place in range(60)}
    sizes = sizes_of(SHARES, 60)
    assert draw_parts(categories, sizes, 0) != draw_parts(categories, sizes, 1)
    times = Counter(draw_parts(categories, sizes, seed)[7] for seed in range(300))
    # Of probability 0.6: five standard deviations of 300 draws are 43.
    assert 137 < times["nas_train"] < 223


def test_sizes():
    """By hand; a share of 0 is no part, and a small one is a picture."""
    sizes = dict(val=10, test=20, nas_val=10, nas_train=60)
    assert sizes_of(SHARES, 100) == sizes
    assert sizes_of(SHARES | dict(test=0), 4) == dict(val=1, nas_val=1, nas_train=2)
    with pytest.raises(InputError, match="of 3 annotated pictures, which leaves none"):
        sizes_of(SHARES, 3)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Twenty pictures, one of them without annotation."""
    root = tmp_path_factory.mktemp("whole")
    write_shapes(root, {"train": 20}, (32, 32))
    path = root / "annotations/panoptic_train.json"
    content = json.loads(path.read_text())
    del content["annotations"][3]
    path.write_text(json.dumps(content))
    return [path, root / "images/train", path.with_suffix("")]


def test_command(whole, tmp_path, call_tool):
    before = {p: p.stat().st_mtime_ns for p in whole[0].parents[1].rglob("*")}
    out = tmp_path / "out"
    code, said, error = call_tool(TOOL, *whole, out, "--nas-val", 0.2)
    assert code == 0, error
    assert f"nas_val: {out}/annotations/panoptic_nas_val.json, 4 pictures" in said
    assert {p: p.stat().st_mtime_ns for p in whole[0].parents[1].rglob("*")} == before
    content = json.loads(whole[0].read_text())
    ids = {}
    for part in ("train", "val", "test", "nas_train", "nas_val"):
        path = out / f"annotations/panoptic_{part}.json"
        ids[part] = [image["id"] for image in json.loads(path.read_text())["images"]]
        home = "train" if part.startswith("nas_") else part
        folder = out / f"annotations/panoptic_{home}"
        assert find_problems(path, out / "images" / home, folder).problems == []
    assert {part: len(found) for part, found in ids.items()} == dict(
        train=16, val=2, test=2, nas_train=12, nas_val=4
    )
    order = [image["id"] for image in content["images"]]
    assert ids["train"] == [i for i in order if i in {*ids["nas_train"], *ids["nas_val"]}]
    assert sorted(ids["nas_train"] + ids["nas_val"] + ids["val"] + ids["test"]) == sorted(order)
    assert order[3] in ids["nas_train"]


def test_without_a_test_part(whole, tmp_path, call_tool):
    assert call_tool(TOOL, *whole, tmp_path / "out", "--test", 0)[0] == 0
    assert not [*tmp_path.rglob("*test*")]


def test_what_cannot_be_divided(whole, tmp_path, call_tool):
    out = tmp_path / "out"
    line = one_line(call_tool(TOOL, *whole, out, "--val", 0.9))
    assert "val 0.9, test 0.1, nas_val 0.1 were asked of 19 annotated pictures" in line
    assert not out.exists()
    (out / "images/val").mkdir(parents=True)
    assert "move it away" in one_line(call_tool(TOOL, *whole, out))
    assert not (out / "annotations").exists()


def test_the_source_is_never_overwritten(whole, tmp_path, call_tool):
    before = whole[0].read_bytes()
    assert "would be overwritten" in one_line(call_tool(TOOL, *whole, whole[0].parents[1]))
    assert whole[0].read_bytes() == before
