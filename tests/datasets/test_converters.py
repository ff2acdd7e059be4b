"""LabelMe's files, and COCO instances with semantic maps: pictures small enough to count."""

import json

import numpy as np
import pytest
from PIL import Image
from pycocotools import mask as coco_mask

from mmpanonas.datasets.check import find_problems
from mmpanonas.datasets.converters.coco_and_stuff import convert_coco_and_stuff
from mmpanonas.datasets.converters.labelme import convert_labelme
from mmpanonas.errors import InputError
from mmpanonas.panoptic.png import read_panoptic_png


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
#: By hand: 1 grass, 2 and 4 cats, 3 the dog, 0 the hole.
IDS = [
    [1, 1, 1, 1, 1, 3, 3, 1],
    [1, 0, 2, 2, 1, 3, 3, 1],
    [1, 2, 2, 2, 1, 1, 1, 1],
    [1, 2, 2, 4, 4, 3, 3, 1],
    [1, 1, 1, 4, 4, 3, 3, 1],
    [1, 1, 1, 1, 1, 1, 1, 1],
]


def write_labelme(folder, name="a", **changes):
    folder.mkdir(exist_ok=True)
    Image.new("RGB", (8, 6)).save(folder / f"{name}.png")
    content = dict(version="5", imagePath=f"{name}.png", imageWidth=8, imageHeight=6, shapes=SHAPES)
    (folder / f"{name}.json").write_text(json.dumps(content | changes))


def test_labelme_by_hand(tmp_path):
    write_labelme(tmp_path / "raw")
    path, things, flat = convert_labelme(
        tmp_path / "raw", tmp_path / "out", "train", ["grass"], ["hole", "mark"]
    )
    assert (things, flat) == (["cat", "dog"], 1)
    content = json.loads(path.read_text())
    assert [c["name"] for c in content["categories"]] == ["cat", "dog", "grass"]
    ids = read_panoptic_png(path.with_suffix("") / "a.png")
    assert ids.tolist() == IDS
    (annotation,) = content["annotations"]
    found = {s["id"]: (s["category_id"], s["area"]) for s in annotation["segments_info"]}
    assert found == {1: (3, 28), 2: (1, 7), 3: (2, 8), 4: (1, 4)}
    assert (tmp_path / "out/images/train/a.png").exists()
    pictures = tmp_path / "out/images/train"
    assert find_problems(path, pictures, path.with_suffix("")).problems == []


def test_labelme_names_pictures_elsewhere(tmp_path):
    write_labelme(tmp_path / "raw", imagePath="..\\photos\\a.png")
    (tmp_path / "photos").mkdir()
    (tmp_path / "raw/a.png").rename(tmp_path / "photos/a.png")
    path, _, _ = convert_labelme(tmp_path / "raw", tmp_path / "out", "val", ["grass"], ["mark"])
    assert json.loads(path.read_text())["images"][0]["file_name"] == "a.png"
    assert (tmp_path / "out/images/val").resolve() == tmp_path / "photos"


@pytest.mark.parametrize(
    ("changes", "options", "message"),
    [
        (dict(shapes=5), {}, "has no list of shapes"),
        (dict(imagePath=None), {}, "names no picture"),
        (dict(imageWidth=9), {}, "says imageWidth 9"),
        (dict(imagePath="b.png"), {}, "b.png' does not exist"),
        (dict(shapes=[shape("a", [[1, 1]], "polygon")]), {}, r"shapes\[0\] has 1 points"),
        (dict(shapes=[shape("a", [[1, 1], [2, None]], "rectangle")]), {}, "no list of points"),
        (dict(shapes=[shape("a", [[1, 1]], "cube")]), {}, "is a 'cube'"),
        (dict(shapes=[{}]), {}, "has no label"),
        ({}, dict(stuff=["sky"]), "no shape in .* is called 'sky'"),
    ],
)
def test_files_that_are_not_labelmes_are_refused(tmp_path, changes, options, message):
    write_labelme(tmp_path / "raw", **changes)
    with pytest.raises(InputError, match=message) as caught:
        convert_labelme(tmp_path / "raw", tmp_path / "out", "train", **options)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "out/annotations/panoptic_train.json").exists()


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
    names = ("instances.json", ".", "maps", "labels.json")
    return [folder / name for name in names]


def test_instances_and_stuff_by_hand(tmp_path):
    """The small one lies above the large one, both above the crowd, all above the water."""
    out = tmp_path / "out"
    path = convert_coco_and_stuff(*write_coco(tmp_path / "raw"), out, "train")
    content = json.loads(path.read_text())
    assert [(c["name"], c["isthing"]) for c in content["categories"]] == [
        *(("cat", 1), ("dog", 1), ("water", 0))
    ]
    ids = read_panoptic_png(path.with_suffix("") / "a.png")
    found = {s["id"]: s for s in content["annotations"][0]["segments_info"]}
    names = {0: "."} | {
        i: "cdw"[s["category_id"] - 1].upper() if s["iscrowd"] else "cdw"[s["category_id"] - 1]
        for i, s in found.items()
    }
    assert ["".join(names[i] for i in row) for row in ids.tolist()] == [
        *("CCCCCCCC", "CddddCCC", ".dccdwww", ".dccdwww", ".ddddwww", "....wwww")
    ]
    assert find_problems(path, out / "images/train", path.with_suffix("")).problems == []


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ("[]", "expected an object of names"),
        ('{"300": "a"}', "from 0 to 255"),
        ('{"3": "cat"}', "twice"),
    ],
)
def test_labels_that_cannot_be_are_refused(tmp_path, labels, message):
    paths = write_coco(tmp_path / "raw")
    paths[3].write_text(labels)
    with pytest.raises(InputError, match=message):
        convert_coco_and_stuff(*paths, tmp_path / "out", "train")


def test_maps_and_masks_that_do_not_fit_are_refused(tmp_path):
    paths = write_coco(tmp_path / "raw")
    Image.new("L", (8, 7)).save(paths[2] / "a.png")
    with pytest.raises(InputError, match=r"has the shape \(7, 8\)"):
        convert_coco_and_stuff(*paths, tmp_path / "out", "train")
    (paths[2] / "a.png").unlink()
    with pytest.raises(InputError, match="does not exist; a semantic map has its picture's name"):
        convert_coco_and_stuff(*paths, tmp_path / "out", "train")


def test_a_link_that_leads_elsewhere_is_not_replaced(tmp_path):
    write_labelme(tmp_path / "raw")
    (tmp_path / "out/images/train").mkdir(parents=True)
    with pytest.raises(InputError, match="move it away"):
        convert_labelme(tmp_path / "raw", tmp_path / "out", "train")


def test_the_tools_check_what_they_wrote(tmp_path, call_tool):
    write_labelme(tmp_path / "raw")
    words = [tmp_path / "raw", tmp_path / "out", "--stuff", "grass", "--ignore", "hole", "mark"]
    code, out, _ = call_tool("tools/dataset_converters/labelme.py", *words)
    assert code == 0
    assert "things: cat, dog" in out
    assert "1 points and lines are left out" in out
    assert out.rstrip().endswith("1 images are in order")
    *paths, labels = write_coco(tmp_path / "coco")
    words = [*paths, tmp_path / "out2", "--labels", labels, "--split", "val"]
    code, out, _ = call_tool("tools/dataset_converters/coco_and_stuff.py", *words)
    assert (code, out.count("1 images are in order")) == (0, 1)
