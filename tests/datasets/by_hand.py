"""A converted picture against one that was drawn by hand, a letter for each segment."""

import json
from pathlib import Path

from mmpanonas.datasets.check import find_problems
from mmpanonas.panoptic.png import read_panoptic_png


def assert_drawn(ann_file: Path, png: str, rows: str, legend: dict[str, str]) -> None:
    """One segment for each letter of ``rows``, and void for each dot; all files agree.

    Args:
        legend: the name of each letter's class; with ``*`` before it, it is a crowd.
    """
    content = json.loads(ann_file.read_text())
    names = {each["id"]: each["name"] for each in content["categories"]}
    (annotation,) = (each for each in content["annotations"] if each["file_name"] == png)
    found = {
        s["id"]: "*" * s["iscrowd"] + names[s["category_id"]] for s in annotation["segments_info"]
    }
    ids = read_panoptic_png(ann_file.with_suffix("") / png).tolist()
    drawn = [row.strip() for row in rows.split()]
    assert (len(ids), len(ids[0])) == (len(drawn), len(drawn[0]))
    pairs = {
        (v, c) for row, line in zip(ids, drawn, strict=True) for v, c in zip(row, line, strict=True)
    }
    letters = dict(pairs)
    assert len(pairs) == len(letters) == len({*letters.values()}), ids
    assert letters.pop(0, ".") == "."
    assert {letters[segment]: name for segment, name in found.items()} == legend
    split = ann_file.stem.removeprefix("panoptic_")
    folder = ann_file.parents[1] / "images" / split
    assert find_problems(ann_file, folder, ann_file.with_suffix("")).problems == []


def things_of(ann_file: Path) -> tuple[list[str], list[str]]:
    """Names of things and of stuff, in the file's order."""
    categories = json.loads(ann_file.read_text())["categories"]
    return tuple([c["name"] for c in categories if c["isthing"] == kind] for kind in (1, 0))


def refused(tool_result: tuple[int, str, str], out: Path) -> str:
    """The one line of a converter that wrote nothing."""
    code, said, error = tool_result
    assert (code, said) == (2, "")
    (line,) = error.split("\n")[1:-1]
    assert not out.exists()
    return line
