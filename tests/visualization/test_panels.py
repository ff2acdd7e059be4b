import cv2
import numpy as np
import pytest
from mmdet.evaluation.functional import INSTANCE_OFFSET as MMDET_OFFSET
from mmdet.registry import DATASETS

from mmpanonas.visualization import PanelSample, draw_panels
from mmpanonas.visualization.canvas import DOTS, fitting, text_width
from mmpanonas.visualization.pictures.panel_canvas import MARGIN, legend_rows
from mmpanonas.visualization.pictures.panels import (
    CAPTION,
    EDGE,
    GAP,
    HEADER,
    NARROWEST,
    panel_size,
)
from mmpanonas.visualization.pictures.segments import (
    CLEAR,
    INSTANCE_OFFSET,
    OPACITY,
    VOID_STRIPES,
    borders,
    default_palette,
    instance_shades,
    known_palette,
    overlay,
    place_names,
    resize,
    shade,
    short_name,
    short_names,
)

CLASSES = ("cat", "dog", "sky")
PALETTE = [(200, 40, 40), (40, 160, 40), (60, 60, 220)]
VOID = len(CLASSES)
TOP = EDGE + HEADER  # of the first row, where the sample has no name


def draw(image, path, classes, palette, **sample):
    draw_panels([PanelSample(image, **sample)], path, classes, palette)


def read(path):
    return cv2.imread(str(path))[..., ::-1].astype(int)


def mix(colour, pixel):
    """A segment's colour over one pixel, whose hue is taken away."""
    grey = round(float(np.dot((0.299, 0.587, 0.114), pixel)))
    return np.rint(OPACITY * np.array(colour) + (1 - OPACITY) * grey).astype(int)


def test_offset_is_mmdetections():
    assert INSTANCE_OFFSET == MMDET_OFFSET


def test_every_pixel_of_a_small_map():
    ids = np.array([[1000, 1000, 2, 2], [1000, 1000, 2, 2], [2000, 2000, 3, 3]])
    image = np.full((3, 4, 3), 100, np.uint8)
    drawn = overlay(image, ids, PALETTE)
    white = (255, 255, 255)
    stripes = [mix(VOID_STRIPES[(2 + c) // 5 % 2], (100,) * 3) for c in (2, 3)]
    expected = [
        [mix(PALETTE[0], (100,) * 3), white, *2 * [mix(PALETTE[2], (100,) * 3)]],
        [white] * 4,
        [mix(shade(PALETTE[0], 1), (100,) * 3), white, *stripes],
    ]
    np.testing.assert_array_equal(drawn, expected)


def test_columns_of_the_file_hold_picture_truth_and_prediction(tmp_path):
    image = np.zeros((128, 128, 3), np.uint8)
    image[:, 64:] = (10, 200, 90)
    truth = np.full((128, 128), 2)
    truth[:, 64:] = 1001
    prediction = np.full((128, 128), VOID)
    prediction[100:] = 1000
    draw(image, tmp_path / "a.png", CLASSES, PALETTE, truth=truth, prediction=prediction)
    picture = read(tmp_path / "a.png")
    side = 512  # four times 128
    assert panel_size((128, 128)) == (side, side)
    assert picture.shape[1] == 2 * MARGIN + 3 * side + 2 * GAP
    columns = [picture[TOP : TOP + side, MARGIN + i * (side + GAP) :][:, :side] for i in range(3)]
    np.testing.assert_array_equal(columns[0][5, 5], (0, 0, 0))
    np.testing.assert_array_equal(columns[0][500, 500], (10, 200, 90))
    np.testing.assert_array_equal(columns[1][5, 5], mix(PALETTE[2], (0, 0, 0)))
    np.testing.assert_array_equal(columns[1][5, 500], mix(PALETTE[1], (10, 200, 90)))
    np.testing.assert_array_equal(columns[1][5, 255], (255, 255, 255))  # the border
    np.testing.assert_array_equal(columns[2][505, 5], mix(PALETTE[0], (0, 0, 0)))
    stripes = np.unique(columns[2][:390, :200].reshape(-1, 3), axis=0)
    np.testing.assert_array_equal(stripes, [mix(c, (0, 0, 0)) for c in VOID_STRIPES])
    white = (columns[1][200:312, 64:192] == 255).all(axis=2)
    assert white.any()  # the name "sky", written in the middle of its segment


def test_rows_stack_and_missing_truth_is_said(tmp_path):
    image = np.full((64, 96, 3), 50, np.uint8)
    ids = np.full((64, 96), 2)
    one, two = PanelSample(image, ids, ids, "one.jpg"), PanelSample(image, ids, name="two.jpg")
    draw_panels([one, two], tmp_path / "two.png", CLASSES, PALETTE)
    draw_panels([one], tmp_path / "one.png", CLASSES, PALETTE)
    height, width = panel_size((64, 96))
    both, single = read(tmp_path / "two.png"), read(tmp_path / "one.png")
    assert (height, width) == (320, 480)
    assert both.shape[0] - single.shape[0] == CAPTION + height + GAP
    top, left = TOP + 2 * CAPTION + height + GAP, MARGIN + width + GAP
    blank = both[top : top + height, left : left + width]
    assert (blank == 255).mean() > 0.95
    assert (blank < 200).any()  # the words "no ground truth"


def test_without_any_truth_its_column_is_left_out(tmp_path):
    image = np.full((128, 128, 3), 50, np.uint8)
    draw(image, tmp_path / "a.png", CLASSES, PALETTE, prediction=np.full((128, 128), 2))
    assert read(tmp_path / "a.png").shape[1] == 2 * MARGIN + 2 * 512 + GAP


@pytest.mark.parametrize(
    ("size", "label"),
    [((1, 1), n) for n in (VOID, 255, -1, 1000)]
    + [((700, 1), 1000), ((480, 640), VOID), ((1500, 900), VOID)],
)
def test_any_size_and_only_void(tmp_path, size, label):
    image = np.full((*size, 3), 80, np.uint8)
    ids = np.full(size, label)
    draw(image, tmp_path / "a.png", CLASSES, PALETTE, truth=ids, prediction=ids)
    picture = read(tmp_path / "a.png")
    height, width = panel_size(size)
    column = max(width, NARROWEST)
    left = MARGIN + 2 * (column + GAP) + (column - width) // 2
    expected = PALETTE[0] if label == 1000 else VOID_STRIPES[0]
    np.testing.assert_array_equal(picture[TOP, left], mix(expected, (80,) * 3))
    assert picture.shape[1] == 2 * MARGIN + 3 * column + 2 * GAP
    assert max(height, width) <= 720


def test_an_instance_looks_the_same_in_truth_and_prediction():
    truth = np.full((20, 20), 2)
    truth[:8, :8], truth[:8, 10:], truth[12:] = 1000, 2000, 1001
    prediction = np.full((20, 20), VOID)
    prediction[:8, 9:], prediction[:7, :8], prediction[15:] = 1000, 5000, 1001
    shades = instance_shades(truth)
    assert shades == {1000: 0, 1001: 0, 2000: 1}
    matched = instance_shades(prediction, truth, shades)
    assert matched == {1000: 1, 5000: 0, 1001: 0}
    prediction[12:] = 4000  # the dog is taken for a cat: a cat's shade that no one has
    assert instance_shades(prediction, truth, shades)[4000] == 2


def test_shades_of_one_class_can_be_told_apart():
    for colour in PALETTE + default_palette(12):
        shades = np.array([shade(colour, number) for number in range(7)])
        apart = np.abs(shades[:, None] - shades[None]).sum(axis=2) + 1000 * np.eye(7, dtype=int)
        assert apart.min() >= 18
        assert tuple(shades[0]) == tuple(colour)
    assert shade(PALETTE[0], 7) != shade(PALETTE[0], 0)


def test_default_palette_has_no_colour_twice():
    colours = default_palette(150)
    assert len(set(colours)) == 150
    assert all(0 <= c <= 255 for colour in colours for c in colour)


def test_a_wide_picture_lies_over_its_maps_and_twice_as_large(tmp_path):
    image = np.full((100, 200, 3), 50, np.uint8)
    truth, prediction = np.full((100, 200), 2), np.full((100, 200), 1000)
    maps = dict(truth=truth, prediction=prediction, name="wide.jpg")
    draw(image, tmp_path / "a.png", CLASSES, PALETTE, **maps)
    height, width = panel_size((100, 200))
    assert (height, width) == (500, 1000)
    assert panel_size((100, 199)) == (300, 597)
    picture = read(tmp_path / "a.png")
    assert picture.shape[1] == 2 * MARGIN + width
    first = EDGE + CAPTION + HEADER
    rows = [first + n * (HEADER + height + GAP) for n in range(3)]
    expected = [(50,) * 3, mix(PALETTE[2], (50,) * 3), mix(PALETTE[0], (50,) * 3)]
    for top, colour in zip(rows, expected, strict=True):
        for y, x in ((top, MARGIN), (top + height - 1, MARGIN + width - 1)):
            np.testing.assert_array_equal(picture[y, x], colour)
        assert (picture[top - HEADER : top] == 255).mean() > 0.9  # but for the words
        assert (picture[top - HEADER : top] < 200).any()
    # Beside a picture that is not wide, it stands in a row as that one does.
    both = [PanelSample(image, truth), PanelSample(image[:, :100], truth[:, :100])]
    draw_panels(both, tmp_path / "b.png", CLASSES, PALETTE)
    assert read(tmp_path / "b.png").shape[1] == 2 * MARGIN + 2 * width + GAP


def test_boxes_and_masks_lie_on_the_picture_as_it_is(tmp_path):
    image = np.full((128, 128, 3), (90, 20, 200), np.uint8)
    instances = np.full((128, 128), CLEAR)
    instances[32:64, 32:96] = 1001
    semantic = np.full((128, 128), 2)
    sample = PanelSample(
        image, instances=instances, semantic=semantic, boxes={1001: (32, 32, 96, 64)}
    )
    draw_panels([sample], tmp_path / "a.png", CLASSES, PALETTE)
    picture = read(tmp_path / "a.png")
    columns = [picture[TOP : TOP + 512, MARGIN + n * (512 + GAP) :][:, :512] for n in range(3)]
    np.testing.assert_array_equal(columns[0], np.broadcast_to((90, 20, 200), (512, 512, 3)))
    np.testing.assert_array_equal(columns[1][20, 20], (90, 20, 200))
    np.testing.assert_array_equal(columns[1][140, 140], mix(PALETTE[1], (90, 20, 200)))
    np.testing.assert_array_equal(columns[1][200, 128], PALETTE[1])  # the box's left side
    np.testing.assert_array_equal(columns[1][128, 384], PALETTE[1])  # its top right corner
    np.testing.assert_array_equal(columns[2][20, 20], mix(PALETTE[2], (90, 20, 200)))


def test_the_legend_holds_what_occurs_in_rows_that_fit():
    maps = [np.array([[1000, CLEAR], [2000, CLEAR]]), np.array([[VOID, 2], [2, 2]])]
    ((cat, first), (sky, second), (void, third)) = legend_rows(maps, CLASSES, 1000)[0]
    assert (cat, sky, void) == (0, 2, -1)
    assert 0 == first < second < third
    rows = legend_rows(maps, CLASSES, 1)
    assert [[label for label, _ in row] for row in rows] == [[0], [2], [-1]]
    assert legend_rows([np.full((2, 2), CLEAR)], CLASSES, 100) == []


def test_long_names_are_cut_at_the_first_comma():
    assert short_name("toilet, can, commode") == "toilet"
    assert short_name("sky-other-merged") == "sky-other-merged"


@pytest.mark.parametrize("data", ["CocoPanopticDataset", "ADE20KPanopticDataset"])
def test_the_data_sets_of_mmdetection_have_a_colour_for_each_class(data):
    meta = DATASETS.get(data).METAINFO
    assert known_palette(meta) == meta["palette"]
    assert len({short_name(name) for name in meta["classes"]}) == len(meta["classes"])


@pytest.mark.parametrize("palette", ["random", None, PALETTE[:2]])
def test_what_is_no_full_palette(palette):
    assert known_palette({"classes": CLASSES, "palette": palette}) is None


def test_names_never_cross_and_stay_in_the_picture():
    ids = np.full((60, 200), VOID)
    ids[:, :30] = 1000  # named: 30 of 40, but centred there it would leave the picture
    ids[:, 40:64] = 2000  # 24 of 40 is just enough
    ids[:, 66:96] = 3000  # larger, so named first
    ids[:, 150:173] = 4000  # 23 is not
    names = place_names(ids, CLASSES, {"cat": 40.0}, 12)
    assert [name.x for name in names] == [81]
    names = place_names(ids, CLASSES, {"cat": 28.0}, 12)
    assert sorted(name.x for name in names) == [15, 52, 81, 161.5]


def test_names_lie_inside_their_segments_and_only_where_they_fit():
    ids = np.full((60, 200), 2)
    ids[20:50, 10:60] = 1000  # 50 wide
    ids[20:50, 100:120] = 2000  # too narrow
    ids[:5] = VOID
    names = place_names(ids, CLASSES, {"cat": 40.0, "sky": 40.0}, 12)
    assert [name.text for name in names] == ["sky", "cat"]
    for name, one in zip(names, (2, 1000), strict=True):
        x, y = round(name.x), round(name.y)
        assert (ids[y - 5 : y + 5, x - 19 : x + 19] == one).all()


def test_resize_keeps_ids_and_borders_are_one_pixel():
    ids = np.array([[1, 2], [3, 3]])
    large = resize(ids, (4, 6), smooth=False)
    np.testing.assert_array_equal(large, np.kron(ids, np.ones((2, 3), int)))
    expected = [[0, 0, 1, 0, 0, 0], [1] * 6, [0] * 6, [0] * 6]
    np.testing.assert_array_equal(borders(large), np.array(expected, bool))


def test_bad_samples_are_refused(tmp_path):
    image = np.zeros((4, 6, 3), np.uint8)
    with pytest.raises(ValueError, match=r"'x': truth has shape \(6, 4\), the picture \(4, 6\)"):
        PanelSample(image, truth=np.zeros((6, 4), int), name="x")
    with pytest.raises(ValueError, match="expected uint8 RGB"):
        PanelSample(image.astype(float))
    with pytest.raises(ValueError, match="no picture"):
        draw_panels([], tmp_path / "a.png", CLASSES)
    with pytest.raises(ValueError, match="3 classes need as many colours, got 1"):
        draw_panels([PanelSample(image)], tmp_path / "a.png", CLASSES, PALETTE[:1])
    with pytest.raises(ValueError, match=r"a\.svg"):
        draw_panels([PanelSample(image)], tmp_path / "a.svg", CLASSES)
    assert not list(tmp_path.iterdir())


NAMES = [
    "",
    " ",
    ",car",
    ",",
    "a\nb",
    "$x$",
    r"$\no",
    "<b>&",
    "\ud800",
    "\0",
    "\u200b",
    "\u8f66",
    "n" * 500,
    "b\u00e9, bar",
]


@pytest.mark.parametrize("name", NAMES)
def test_odd_names_of_classes_and_pictures(name, tmp_path):
    pred = np.zeros((96, 128), int)
    pred[:50] = 1
    panel = PanelSample(np.zeros((96, 128, 3), np.uint8), prediction=pred, truth=pred, name=name)
    draw_panels([panel], tmp_path / "x.png", [name, "road"])
    assert cv2.imread(str(tmp_path / "x.png")).shape[1] > 1000


def test_a_class_is_called_by_its_first_name_that_is_one():
    shown = short_names(["", ",car", "a\n b , c", "\ud800", "\u200b"])
    assert shown == ["class 0", "car", "a b", "?", "?"]


def test_long_names_end_in_dots_that_fit():
    assert fitting("road", 10, 5.0) == "road"
    short = fitting("m" * 300, 10, 1.0)
    assert short[-1] == DOTS
    assert 0.7 < text_width(short, 10) <= 1.0


@pytest.mark.parametrize("size", [(1, 1), (1, 500), (500, 1), (2, 3)])
def test_pictures_of_odd_sizes(size, tmp_path):
    image = np.zeros((*size, 3), np.uint8)
    for prediction in (np.zeros(size, int), np.full(size, 1), np.full(size, 1001)):
        draw_panels([PanelSample(image, prediction)], tmp_path / "x.png", ["car"])
        assert cv2.imread(str(tmp_path / "x.png")) is not None
