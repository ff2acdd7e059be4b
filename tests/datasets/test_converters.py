"""LabelMe's files, and COCO instances with semantic maps: pictures small enough to count."""

import base64
import io
import json

import numpy as np
import pytest
from PIL import Image
from pycocotools import mask as coco_mask

from tests.datasets.by_hand import assert_drawn, refused, things_of
from tests.tools.conftest import one_line

TOOLS = dict(
    labelme="tools/dataset_converters/labelme.py", coco="tools/dataset_converters/coco_and_stuff.py"
)


def shape(label, points, kind="polygon", group=None):
    return dict(label=label, points=points, shape_type=kind, group_id=group, flags={})


def box(x0, y0, x1, y1):
    return [[x0, y0], [x1, y0], [x1, y1], [x0, y1]]


SHAPES = [
    shape("grass", box(0, 0, 7, 5)),
    shape("cat", box(1, 1, 3, 3)),
    shape("dog", [[5, 0], [6, 1]], "rectangle", group=1),
    shape("dog", [[5, 3], [6, 4]], "rectangle", group=1),  # the same dog behind a post
    shape("cat", box(3, 3, 4, 4)),  # above the first
    shape("hole", [[1, 1], [1, 1]], "rectangle"),
    shape("mark", [[2, 2]], "point"),
]


def write_labelme(folder, name="a", **changes):
    folder.mkdir(exist_ok=True)
    Image.new("RGB", (8, 6)).save(folder / f"{name}.png")
    content = dict(version="5", imagePath=f"{name}.png", imageWidth=8, imageHeight=6, shapes=SHAPES)
    (folder / f"{name}.json").write_text(json.dumps(content | changes))


def labelme(folder, out, *words):
    return TOOLS["labelme"], folder, out, *words


def test_labelme_by_hand(tmp_path, call_tool):
    write_labelme(tmp_path / "raw")
    words = ["--stuff", "grass", "--ignore", "hole", "mark"]
    code, out, _ = call_tool(*labelme(tmp_path / "raw", tmp_path / "out", *words))
    assert code == 0
    assert "things: cat, dog; stuff: grass" in out
    assert "1 points and lines are left out" in out
    assert out.rstrip().endswith("1 images are in order")
    path = tmp_path / "out/annotations/panoptic_train.json"
    rows = "gggggddg g.ccgddg gcccgggg gccCCddg gggCCddg gggggggg"
    assert_drawn(path, "a.png", rows, {"g": "grass", "c": "cat", "C": "cat", "d": "dog"})
    (annotation,) = json.loads(path.read_text())["annotations"]
    assert sorted(s["area"] for s in annotation["segments_info"]) == [4, 7, 8, 28]
    assert (tmp_path / "out/images/train/a.png").exists()


def test_labelme_masks_and_circles(tmp_path, call_tool):
    """A mask is a PNG in the file, its place the first point."""
    data = io.BytesIO()
    Image.fromarray(np.array([[1, 0, 1], [0, 1, 1]], bool)).save(data, "PNG")
    mask = shape("cat", [[1.0, 2.0], [3, 3]], "mask")
    mask["mask"] = base64.b64encode(data.getvalue()).decode()
    circle = shape("dog", [[6.5, 3.5], [7.5, 4.4]], "circle")
    write_labelme(tmp_path / "raw", shapes=[mask, circle])
    assert call_tool(*labelme(tmp_path / "raw", tmp_path / "out"))[0] == 0
    path = tmp_path / "out/annotations/panoptic_train.json"
    rows = "........ ........ .c.c.ddd ..cc.ddd .....ddd ........"
    assert_drawn(path, "a.png", rows, {"c": "cat", "d": "dog"})


def test_labelme_names_pictures_elsewhere(tmp_path, call_tool):
    write_labelme(tmp_path / "raw", imagePath="..\\photos\\a.png")
    (tmp_path / "photos").mkdir()
    (tmp_path / "raw/a.png").rename(tmp_path / "photos/a.png")
    words = [tmp_path / "raw", tmp_path / "out", "--split", "val", "--stuff", "grass"]
    assert call_tool(*labelme(*words))[0] == 0
    path = tmp_path / "out/annotations/panoptic_val.json"
    assert json.loads(path.read_text())["images"][0]["file_name"] == "a.png"
    assert (tmp_path / "out/images/val").resolve() == tmp_path / "photos"


@pytest.mark.parametrize(
    ("changes", "options", "message"),
    [
        (dict(shapes=5), [], "has no list of shapes"),
        (dict(imagePath=None), [], "names no picture"),
        (dict(imageWidth=9), [], "is 9 x 6, which is 8 x 6"),
        (dict(imagePath="b.png"), [], "b.png' does not exist"),
        (dict(shapes=[shape("a", [[1, 1]], "polygon")]), [], "shapes[0] has 1 points"),
        (dict(shapes=[shape("a", [[1, 1], [2, None]], "rectangle")]), [], "no list of points"),
        (dict(shapes=[shape("a", [[1, 1]], "cube")]), [], "is a 'cube'"),
        (dict(shapes=[shape("a", [[1, 1], [2, 2]], "mask")]), [], "has no mask of pixels"),
        (dict(shapes=[{}]), [], "has no label"),
        ({}, ["--stuff", "sky"], "nothing is called 'sky'; there are cat, dog"),
    ],
)
def test_files_that_are_not_labelmes_are_refused(tmp_path, call_tool, changes, options, message):
    write_labelme(tmp_path / "raw", **changes)
    words = labelme(tmp_path / "raw", tmp_path / "out", *options)
    assert message in refused(call_tool(*words), tmp_path / "out")


def test_a_later_file_that_is_wrong_is_found_before_anything_is_written(tmp_path, call_tool):
    write_labelme(tmp_path / "raw")
    write_labelme(tmp_path / "raw", "b", imageWidth=9)
    words = labelme(tmp_path / "raw", tmp_path / "out")
    assert "b.json' says that" in refused(call_tool(*words), tmp_path / "out")


def test_a_folder_without_files_is_refused(tmp_path, call_tool):
    (tmp_path / "raw").mkdir()
    line = refused(call_tool(*labelme(tmp_path / "raw", tmp_path / "out")), tmp_path / "out")
    assert "holds no .json file" in line


def write_coco(folder, **changes):
    folder.mkdir(exist_ok=True)
    (folder / "maps").mkdir(exist_ok=True)
    Image.new("RGB", (8, 6)).save(folder / "a.jpg")
    labels = np.full((6, 8), 255, np.uint8)
    labels[:, 4:] = 3
    Image.fromarray(labels).save(folder / "maps/a.png")
    large, crowd = np.zeros((2, 6, 8), np.uint8)
    large[1:5, 1:5] = 1
    crowd[0:2] = 1
    runs = [coco_mask.encode(np.asfortranarray(m)) for m in (large, crowd)]
    masks = [dict(size=r["size"], counts=r["counts"].decode()) for r in runs]
    small = [[2, 2, 4, 2, 4, 4, 2, 4]]
    entries = [(5, small, 0, 4), (9, masks[0], 0, 16), (5, masks[1], 1, 16)]
    content = dict(
        images=[dict(id=7, file_name="a.jpg", width=8, height=6)],
        categories=[dict(id=9, name="dog"), dict(id=5, name="cat")],
        annotations=[
            dict(id=n, image_id=7, category_id=c, segmentation=s, iscrowd=crowd, area=area,
                 bbox=[0, 0, 1, 1])
            for n, (c, s, crowd, area) in enumerate(entries)
        ],
    )  # fmt: skip
    (folder / "instances.json").write_text(json.dumps(content | changes))
    (folder / "labels.json").write_text('{"3": "water"}')
    words = [folder / "instances.json", folder, folder.parent / "out"]
    return [*words, "--semantic", folder / "maps", "--labels", folder / "labels.json"]


def test_instances_and_stuff_by_hand(tmp_path, call_tool):
    """The small one lies above the large one, both above the crowd, all above the water."""
    words = write_coco(tmp_path / "raw")
    code, out, _ = call_tool(TOOLS["coco"], *words, "--split", "val")
    assert (code, out.count("1 images are in order")) == (0, 1)
    path = tmp_path / "out/annotations/panoptic_val.json"
    assert things_of(path) == (["cat", "dog"], ["water"])
    rows = "CCCCCCCC CddddCCC .dccdwww .dccdwww .ddddwww ....wwww"
    assert_drawn(path, "a.png", rows, {"C": "*cat", "c": "cat", "d": "dog", "w": "water"})
    assert json.loads(path.read_text())["images"][0]["id"] == 7


def test_categories_that_are_stuff(tmp_path, call_tool):
    """As CVAT's COCO export has them: all are objects, and what is stuff has to be said."""
    words = write_coco(tmp_path / "raw")
    code, _, error = call_tool(TOOLS["coco"], *words[:3], "--stuff", "dog")
    assert code == 0, error
    path = tmp_path / "out/annotations/panoptic_train.json"
    assert things_of(path) == (["cat"], ["dog"])
    rows = "CCCCCCCC CCCCCCCC .dccd... .dccd... .dddd... ........"
    assert_drawn(path, "a.png", rows, {"C": "*cat", "c": "cat", "d": "dog"})


def test_stuff_of_both_kinds_may_have_one_name(tmp_path, call_tool):
    words = write_coco(tmp_path / "raw")
    words[-1].write_text('{"3": "dog"}')
    assert call_tool(TOOLS["coco"], *words, "--stuff", "dog")[0] == 0
    path = tmp_path / "out/annotations/panoptic_train.json"
    assert things_of(path) == (["cat"], ["dog"])
    rows = "CCCCCCCC CCCCCCCC .dccdddd .dccdddd .ddddddd ....dddd"
    assert_drawn(path, "a.png", rows, {"C": "*cat", "c": "cat", "d": "dog"})


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ("[]", "expected an object of names"),
        ('{"300": "a"}', "from 0 to 255"),
        ('{"3": "cat"}', "twice"),
    ],
)
def test_labels_that_cannot_be_are_refused(tmp_path, call_tool, labels, message):
    words = write_coco(tmp_path / "raw")
    words[-1].write_text(labels)
    assert message in refused(call_tool(TOOLS["coco"], *words), tmp_path / "out")


def test_maps_and_masks_that_do_not_fit_are_refused(tmp_path, call_tool):
    words = write_coco(tmp_path / "raw")

    def line(*more):
        return refused(call_tool(TOOLS["coco"], *words, *more), tmp_path / "out")

    assert "has no category 'sky'; it has cat, dog" in line("--stuff", "sky")
    Image.new("L", (8, 7)).save(words[4] / "a.png")
    assert "has the shape (7, 8)" in line()
    (words[4] / "a.png").unlink()
    assert "does not exist; a semantic map has its picture's name" in line()
    write_coco(tmp_path / "raw", images=[])
    assert "lists no pictures" in line()
    write_coco(tmp_path / "raw", images=[dict(id=7, file_name="a.jpg", width=9, height=6)])
    assert "has the shape (6, 8)" in line()


def test_what_is_in_the_way_is_not_replaced(tmp_path, call_tool):
    write_labelme(tmp_path / "raw")
    words = labelme(tmp_path / "raw", tmp_path / "out")
    (tmp_path / "out/images/train").mkdir(parents=True)
    assert "move it away" in one_line(call_tool(*words))
    (tmp_path / "out/images/train").rmdir()
    (tmp_path / "kept").mkdir()
    (tmp_path / "out/annotations").mkdir()
    (tmp_path / "out/annotations/panoptic_train").symlink_to(tmp_path / "kept")
    assert "is a link, in which nothing is overwritten" in one_line(call_tool(*words))
    assert [*(tmp_path / "kept").iterdir()] == []


def test_pictures_whose_segments_would_have_one_name(tmp_path, call_tool):
    write_labelme(tmp_path / "raw")
    write_labelme(tmp_path / "raw", "b", imagePath="a.jpg")
    Image.new("RGB", (8, 6)).save(tmp_path / "raw/a.jpg")
    line = refused(call_tool(*labelme(tmp_path / "raw", tmp_path / "out")), tmp_path / "out")
    assert "'a.jpg' and 'a.png' would both have the segments a.png" in line
