"""An architecture: files of either format, validation, atomic writing."""

import json
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmpanonas.files import write_atomically
from mmpanonas.space import PART_CHOICES, Arch, ArchError

ARCHS = Path(__file__).parents[2] / "configs" / "auto_panoptic" / "archs"

# The published integer codes.
PUBLISHED = {
    "coco": {
        "backbone": (
            "3 2 0 2 1 3 2 0 | 1 3 1 3 3 0 0 1 | 0 0 1 0 2 3 2 2 1 0 1 3 1 2 2 1 | 1 2 0 2 0 2 3 0"
        ),
        "head": "4 1 2 3 2 3 0",
        "inter": "2 0 0 0 1 1 1 2 0",
    },
    "ade20k": {
        "backbone": (
            "1 2 3 1 1 2 1 2 | 0 3 2 2 1 3 1 3 | 1 3 3 2 1 0 0 2 1 3 2 0 1 1 0 3 | 0 3 0 3 3 1 3 3"
        ),
        "head": "2 0 3 3 3 2 3",
        "inter": "2 0 1 1 0 0 1 0 2",
    },
}

archs = st.builds(
    Arch, **{name: st.lists(st.sampled_from(c), max_size=6) for name, c in PART_CHOICES.items()}
)


def published(name: str) -> list[dict[str, list[int]]]:
    return [
        {
            key: [int(code) for code in line.replace("|", " ").split()]
            for key, line in PUBLISHED[name].items()
        }
    ]


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_codes_name_the_shipped_files(name):
    arch = Arch.load(ARCHS / f"{name}.json")
    assert Arch.from_published(published(name)) == arch
    assert arch.to_published() == published(name)


def test_codes_are_places_in_the_lists_of_the_paper():
    arch = Arch.from_published(
        [
            {
                "backbone": [0, 1, 2, 3],
                "head": [0, 1, 2, 3, 4, 5, 0],
                "inter": [0, 1, 2, 0, 2, 1, 0, 0, 0],
            }
        ]
    )
    assert arch.backbone == ("shuffle_3x3", "shuffle_5x5", "shuffle_7x7", "xception")
    assert arch.mask_head == ("dw_3x3", "dw_5x5", "df_3x3", "df_5x5")
    assert arch.semantic_head == ("at_3x3", "at_5x5", "dw_3x3")
    assert arch.things_to_stuff == ("r4", "r8", "r16", "r4")
    assert arch.stuff_to_things == ("r16", "r8", "r4", "r4", "r4")


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_published_file_loads_as_the_named_one(name, tmp_path):
    path = tmp_path / "published.json"
    path.write_text(json.dumps(published(name)))
    assert Arch.load(path) == Arch.load(str(ARCHS / f"{name}.json"))


def test_published_backbone_may_stand_alone():
    codes = [{"backbone": [3, 0]}]
    assert Arch.load(codes) == Arch(backbone=("xception", "shuffle_3x3"))
    assert Arch.load(codes).to_published() == codes


@given(archs)
@settings(deadline=None)
def test_dictionary_round_trip(arch):
    data = json.loads(json.dumps(arch.to_dict()))
    assert all(data.values())  # absent parts are left out
    assert Arch.from_dict(data) == Arch.load(data) == Arch.load(arch) == arch


def test_file_round_trip_one_line_per_part(tmp_path):
    arch = Arch(backbone=("xception",) * 3, stuff_to_things=("r4", "r16"))
    arch.dump(tmp_path / "arch.json")
    assert Arch.load(tmp_path / "arch.json") == arch
    assert (tmp_path / "arch.json").read_text().splitlines() == [
        "{",
        '  "backbone": ["xception", "xception", "xception"],',
        '  "stuff_to_things": ["r4", "r16"]',
        "}",
    ]


def test_lists_become_tuples_and_equal_architectures_hash_alike():
    assert len({Arch(backbone=["xception"]), Arch(backbone=("xception",))}) == 1


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ({"backbone": ["shuffle_9x9"]}, r"backbone\[0\]: unknown choice 'shuffle_9x9'"),
        ({"backbone": ["xception", 3]}, r"backbone\[1\]: unknown choice 3"),
        ({"mask_head": [["dw_3x3"]]}, r"mask_head\[0\]: unknown choice \['dw_3x3'\]"),
        ({"mask_head": ["r4"]}, r"mask_head\[0\]: unknown choice 'r4'; known: dw_3x3"),
        ({"backbone": "xception"}, "backbone: expected a list of names, got 'xception'"),
        ({"backbone": None}, "backbone: expected a list of names, got None"),
        ({"head": ["dw_3x3"]}, "unknown part 'head'; the parts are backbone"),
        ([], "a list with one object"),
        (
            [{"backbone": [0]}, {"backbone": [0]}],
            r"a list with one object, got 2 items \(dict, dict\)",
        ),
        ([[0, 1, 2]], "a list with one object"),
        ([{"neck": [0]}], "unknown key 'neck'"),
        ([{"head": [0] * 6}], "head: expected 7 codes, got 6"),
        ([{"inter": [0] * 10}], "inter: expected 9 codes, got 10"),
        ([{"inter": 4}], "inter: expected a list of codes, got 4"),
        ([{"backbone": "0123"}], "backbone: expected a list of codes, got '0123'"),
        ([{"backbone": [0, 4]}], r"backbone\[1\]: code 4 is not one of 0 to 3"),
        ([{"backbone": [-1]}], r"backbone\[0\]: code -1 is not"),
        ([{"backbone": [True]}], r"backbone\[0\]: code True is not"),
        ([{"backbone": [1.0]}], r"backbone\[0\]: code 1.0 is not"),
        ([{"head": [0, 0, 0, 0, 6, 0, 0]}], r"semantic_head\[0\]: code 6 is not one of 0 to 5"),
        ([{"inter": [0, 0, 0, 3, 0, 0, 0, 0, 0]}], r"things_to_stuff\[3\]: code 3 is not"),
    ],
)
def test_what_is_no_architecture_is_refused(source, message, tmp_path):
    with pytest.raises(ArchError, match=message):
        Arch.load(source)
    path = tmp_path / "arch.json"
    path.write_text(json.dumps(source))
    with pytest.raises(ArchError, match=message) as caught:
        Arch.load(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("text", ["", "backbone", "3", '"xception"', "null"])
def test_a_file_that_holds_something_else_is_named(text, tmp_path):
    path = tmp_path / "arch.json"
    path.write_text(text)
    with pytest.raises(ArchError, match=r"architecture file .*arch\.json"):
        Arch.load(path)


def test_every_truncation_of_a_file_is_refused(tmp_path):
    text = (ARCHS / "coco.json").read_text().rstrip()
    path = tmp_path / "arch.json"
    for length in range(0, len(text), 97):
        path.write_text(text[:length])
        with pytest.raises(ArchError, match=r"arch\.json"):
            Arch.load(path)


def test_unreadable_files_are_named(tmp_path):
    with pytest.raises(ArchError, match=r"none\.json does not exist"):
        Arch.load(tmp_path / "none.json")
    with pytest.raises(ArchError, match=str(tmp_path)):
        Arch.load(tmp_path)
    (tmp_path / "picture.json").write_bytes(b"\xff\xd8\xff\xe0")
    with pytest.raises(ArchError, match=r"picture\.json"):
        Arch.load(tmp_path / "picture.json")


def fail(*args):
    raise OSError(28, "No space left on device")


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_failing_dump_leaves_the_older_file_and_nothing_else(step, tmp_path, monkeypatch):
    path = tmp_path / "arch.json"
    older = Arch(backbone=("xception",))
    older.dump(path)
    monkeypatch.setattr(os, step, fail)
    with pytest.raises(OSError, match="No space left"):
        Arch(backbone=("shuffle_3x3",)).dump(path)
    assert Arch.load(path) == older
    assert os.listdir(tmp_path) == ["arch.json"]


def test_the_name_shows_the_whole_text_or_none_of_it(tmp_path, monkeypatch):
    path = tmp_path / "file"
    seen, replace = [], os.replace

    def watch(source, target):
        seen.append((path.exists(), Path(source).read_text()))
        replace(source, target)

    monkeypatch.setattr(os, "replace", watch)
    write_atomically(path, "text")
    assert seen == [(False, "text")]
    assert path.read_text() == "text"
    assert path.stat().st_mode & 0o777 == 0o644  # other users may read results


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "Expecting value"),
        (b"[" * 99_999, "nested too deep"),
        (b"\xff\xfe\x00", "can't decode"),
        (b'{"backbone": ["xception"], "backbone": ["shuffle_3x3"]}', 'the key "backbone" twice'),
        (b'{"backbone": [["xception"]]}', "unknown choice"),
        (b'{"backbone": [' + b"9" * 5000 + b"]}", "Exceeds the limit"),
        (b'{"backbone": ["' + b"x" * 5000 + b'"]}', "unknown choice"),
        (b'{"backbone": {"0": "xception"}}', "expected a list of names"),
        (b'{"backbone": null}', "expected a list of names"),
        (b"null", "expected an object of parts"),
        (b"[[[]]]", "a list with one object"),
        (b'[{"backbone": [0.5]}]', "code 0.5 is not one of"),
    ],
)
def test_a_damaged_file_is_named_in_a_short_line(tmp_path, content, words):
    path = tmp_path / "arch.json"
    path.write_bytes(content)
    with pytest.raises(ArchError, match=words) as error:
        Arch.load(path)
    assert str(path) in str(error.value)
    assert len(str(error.value)) < 400
    assert "\n" not in str(error.value)


def test_a_file_of_an_editor_that_marks_utf8_is_read(tmp_path):
    path = tmp_path / "arch.json"
    path.write_bytes(b'\xef\xbb\xbf{"backbone": ["xception"]}\r\n')
    assert Arch.load(path) == Arch(("xception",))
