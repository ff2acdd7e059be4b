"""CVAT's XML and VIA's JSON: pictures small enough to draw."""

import json

import numpy as np
import pytest
from PIL import Image

from mmpanonas.datasets.converters.regions import ellipse, rectangle
from tests.datasets.by_hand import assert_drawn, refused, things_of

CVAT, VIA = (f"tools/dataset_converters/{name}.py" for name in ("cvat", "via"))

#: The mask is 3 x 2 at (5, 1): .xx / x.x; the field lies lowest, whatever its place.
SHAPES = """
    <polygon label="cat" points="1.0,1.0;3.0,1.0;3.0,3.0;1.0,3.0" z_order="1"/>
    <box label="dog" xtl="2" ytl="2" xbr="3" ybr="4" z_order="2" group_id="0"/>
    <mask label="cat" rle="1, 3, 1, 1" left="5" top="1" width="3" height="2" z_order="1"/>
    <polygon label="field" points="0,0;7,0;7,5;0,5" z_order="0"/>
    <box label="dog" xtl="5" ytl="4" xbr="5" ybr="5" z_order="1" group_id="3"/>
    <box label="dog" xtl="7" ytl="4" xbr="7" ybr="5" z_order="1" group_id="3"/>
    <box label="hole" xtl="0" ytl="5" xbr="1" ybr="5" z_order="1"/>
    <polyline label="line" points="0,0;7,5" z_order="9"/>
"""
ROWS = "ffffffff fcccffmm fcddfmfm fcddffff ffddfpfp ..fffpfp"
LEGEND = {"f": "field", "c": "cat", "m": "cat", "d": "dog", "p": "dog"}


def write_cvat(raw, shapes=SHAPES, name="day/a.png", width=8):
    (raw / "images/day").mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (8, 6)).save(raw / "images/day/a.png")
    image = f'<image id="0" name="{name}" width="{width}" height="6">{shapes}</image>'
    (raw / "annotations.xml").write_text(
        f'<?xml version="1.0" encoding="utf-8"?>\n<annotations>{image}</annotations>'
    )
    words = [raw / "annotations.xml", raw / "images", raw.parent / "out"]
    return [*words, "--stuff", "field", "--ignore", "hole"]


def test_cvat_by_hand(tmp_path, call_tool):
    code, out, _ = call_tool(CVAT, *write_cvat(tmp_path / "raw"))
    assert code == 0
    assert "1 points and lines are left out" in out
    path = tmp_path / "out/annotations/panoptic_train.json"
    assert things_of(path) == (["cat", "dog"], ["field"])
    assert_drawn(path, "day/a.png", ROWS, LEGEND)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (dict(shapes='<polygon label="a" points="0,0;1,1"/>'), "has 2 points; 3 or more"),
        (dict(shapes='<polygon label="a" points="0,0;1;2,2"/>'), "has 3 points; 3 or more x,y"),
        (dict(shapes='<polygon label="a" points="0,x;1,1;2,2"/>'), "could not convert"),
        (dict(shapes='<polygon points="0,0;1,1;2,2"/>'), "something lacks 'label'"),
        (dict(shapes='<box label="a" xtl="nan" ytl="0" xbr="1" ybr="1"/>'), "nan is no coordinate"),
        (dict(shapes='<mask label="a" rle="1,2" left="0" top="0" width="2" height="2"/>'),
         "a mask of 2 x 2 has runs of 3 pixels"),
        (dict(shapes='<mask label="a" rle="5,-1" left="0" top="0" width="2" height="2"/>'), "runs"),
        (dict(name="b.png"), "b.png' does not exist"),
        (dict(name=""), "it has no name"),
        (dict(name="../images/day/a.png"), "does not lie below"),
        (dict(width=9), "is 9 x 6, which is 8 x 6"),
        (dict(shapes='<box label="cat" xtl="0" ytl="0" xbr="1" ybr="1"/>'), "is called 'field'"),
    ],
)  # fmt: skip
def test_xml_that_is_not_cvats(tmp_path, call_tool, options, message):
    words = write_cvat(tmp_path / "raw", **options)
    if "field" not in message:
        words = words[:3]
    assert message in refused(call_tool(CVAT, *words), tmp_path / "out")


def test_videos_and_other_xml_are_refused(tmp_path, call_tool):
    words = write_cvat(tmp_path / "raw")
    for text, message in (
        ("<annotations><track/></annotations>", "holds tracks of a video; export"),
        ("<annotations/>", "holds no pictures; export"),
        ("<annotations>", "is no XML"),
    ):
        words[0].write_text(text)
        assert message in refused(call_tool(CVAT, *words), tmp_path / "out")


def region(name, label, **shape):
    return dict(shape_attributes=dict(name=name, **shape), region_attributes=dict(kind=label))


REGIONS = [
    region("rect", "field", x=0, y=0, width=7, height=5),
    region("polygon", "cat", all_points_x=[1, 3, 3, 1], all_points_y=[1, 1, 3, 3]),
    region("rect", {"dog": True, "cat": False}, x=2, y=2, width=1, height=2),
    region("circle", "dog", cx=6.5, cy=4.5, r=1.4),
    region("rect", "hole", x=0, y=5, width=1, height=0),
    region("point", "line", cx=1, cy=1),
]
VIA_ROWS = "ffffffff fcccffff fcddffff fcddfppp ffddfppp ..fffppp"
VIA_LEGEND = {"f": "field", "c": "cat", "d": "dog", "p": "dog"}


def write_via(raw, regions=REGIONS, project=True, **entry):
    (raw / "photos").mkdir(parents=True, exist_ok=True)
    for name in ("a.jpg", "b.jpg"):
        Image.new("RGB", (8, 6)).save(raw / "photos" / name)
    entries = {
        "a.jpg99": dict(filename="a.jpg", size=99, regions=regions) | entry,
        "b.jpg99": dict(filename="b.jpg", size=99, regions=[]),
    }
    content = dict(_via_settings={}, _via_img_metadata=entries) if project else entries
    (raw / "via.json").write_text(json.dumps(content))
    words = [raw / "via.json", raw / "photos", raw.parent / "out"]
    return [*words, "--stuff", "field", "--ignore", "hole"]


@pytest.mark.parametrize("project", [True, False])
@pytest.mark.parametrize("first", [True, False])
def test_via_by_hand(tmp_path, call_tool, project, first):
    """A project, or what VIA exports; its first version numbered regions by keys."""
    regions = {str(n): each for n, each in enumerate(REGIONS)} if first else REGIONS
    code, out, _ = call_tool(VIA, *write_via(tmp_path / "raw", regions, project))
    assert code == 0
    assert "1 points and lines are left out" in out
    path = tmp_path / "out/annotations/panoptic_train.json"
    assert_drawn(path, "a.png", VIA_ROWS, VIA_LEGEND)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (dict(regions=[region("cube", "a")]), "region 0 is a 'cube'; circle, "),
        (dict(regions=[region("rect", "a", x=1, y=1)]), "a rect needs other values (KeyError"),
        (dict(regions=[region("rect", "", x=0, y=0, width=1, height=1)]), "region 0 has no label"),
        (dict(regions=[region("rect", {"a": True, "b": True})]), "region 0 has no label"),
        (dict(regions=[region("polygon", "a", all_points_x=[1], all_points_y=[1])]), "of 1 points"),
        (dict(regions=[{}]), "regions without"),
        (dict(filename="c.jpg"), "c.jpg' does not exist"),
        (dict(regions=[region("rect", "a") | dict(region_attributes=dict(b="c", d="e"))]),
         "have the attributes b, d; say by --attribute"),
        (dict(regions=[]), "have the attributes (none)"),
    ],
)  # fmt: skip
def test_json_that_is_not_vias(tmp_path, call_tool, options, message):
    words = write_via(tmp_path / "raw", **options)[:3]
    assert message in refused(call_tool(VIA, *words), tmp_path / "out")


def test_an_attribute_is_chosen(tmp_path, call_tool):
    regions = [
        each | dict(region_attributes=each["region_attributes"] | {"n": "1"}) for each in REGIONS
    ]
    words = write_via(tmp_path / "raw", regions)
    assert call_tool(VIA, *words, "--attribute", "kind")[0] == 0
    path = tmp_path / "out/annotations/panoptic_train.json"
    assert_drawn(path, "a.png", VIA_ROWS, VIA_LEGEND)


def test_turning_is_clockwise_where_y_points_down():
    """A quarter: what lay on the right lies below."""
    assert np.allclose(rectangle(0, 1, 4, 3, 90), [(3, 0), (3, 4), (1, 4), (1, 0)])
    assert np.allclose(ellipse(5, 5, 3, 1, 90)[0], (5, 8))
    assert np.allclose(ellipse(5, 5, 3, 1)[0], (8, 5))
    assert np.allclose(np.hypot(*(np.array(ellipse(5, 5, 3, 3)) - 5).T), 3)
