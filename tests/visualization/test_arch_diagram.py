import importlib.util
import re
from collections import Counter
from pathlib import Path

import cv2
import numpy as np
import pytest

from mmpanonas.errors import InputError
from mmpanonas.space import PART_CHOICES, Arch, ArchError, NetworkShape, SearchSpace
from mmpanonas.visualization import draw_arch
from mmpanonas.visualization.architecture.boxes import choice_colours, choice_label

ROOT = Path(__file__).parents[2]
COCO = ROOT / "configs/auto_panoptic/archs/coco.json"
SMALL = NetworkShape(channels=(16, 32, 64, 96, 128), blocks=(2, 2, 4, 2), num_things=6)


def svg_texts(path):
    """The text of every label by the id of its group."""
    found = re.findall(r'<g id="([^"]+)">\s*<text[^>]*>([^<]*)</text>', path.read_text())
    return {name: text for name, text in found if not name.startswith("text_")}


def sample(blocks, seed=0):
    return SearchSpace.full(blocks).sample(np.random.default_rng(seed))


@pytest.mark.parametrize(
    ("blocks", "seed"), [((8, 8, 16, 8), 0), ((2, 2, 4, 2), 1), ((9, 1, 1, 17), 2)]
)
def test_svg_has_one_label_for_every_choice_in_its_place(tmp_path, blocks, seed):
    arch = sample(blocks, seed)
    draw_arch(arch, tmp_path / "a.svg", NetworkShape(blocks=blocks))
    texts = svg_texts(tmp_path / "a.svg")
    expected, start = {"stem": "Conv 3×3, BN, ReLU"}, 0  # noqa: RUF001
    for stage, depth in enumerate(blocks, 1):
        for place, choice in enumerate(arch.backbone[start : start + depth]):
            expected[f"stage{stage}_{place}_{choice}"] = choice_label(choice)
        start += depth
    for part in list(PART_CHOICES)[1:]:
        for place, choice in enumerate(getattr(arch, part)):
            expected[f"{part}_{place}_{choice}"] = choice_label(choice)
    assert texts == expected


def test_published_coco_counts_and_cost(tmp_path):
    draw_arch(Arch.load(COCO), tmp_path / "a.svg", title="COCO & $ <best>")
    svg = (tmp_path / "a.svg").read_text()
    counts = Counter(
        text for name, text in svg_texts(tmp_path / "a.svg").items() if name.startswith("stage")
    )
    assert counts == {"3×3": 11, "5×5": 10, "7×7": 11, "Xception": 8}  # noqa: RUF001
    assert "1.153 G multiply-accumulates" in svg
    assert "COCO &amp; $ &lt;best&gt;" in svg
    for text in ("48 channels", "960 channels", "stride 32", "80 thing classes", "53 stuff"):
        assert text in svg
    assert svg.count(">/2<") == 5 + 1  # the stem, four stages and the legend


def test_parts_that_the_arch_lacks_are_plain_or_left_out(tmp_path):
    arch = Arch(backbone=sample(SMALL.blocks).backbone)
    draw_arch(arch, tmp_path / "a.svg", SMALL)
    svg, texts = (tmp_path / "a.svg").read_text(), svg_texts(tmp_path / "a.svg")
    plain = [name for name, text in texts.items() if text == "Conv 3×3"]  # noqa: RUF001
    assert plain == [f"semantic_head_{i}_conv" for i in range(3)] + [
        f"mask_head_{i}_conv" for i in range(4)
    ]
    assert "attention" not in svg
    assert "deformable" not in svg
    draw_arch(sample(SMALL.blocks), tmp_path / "full.svg", SMALL)
    assert "Inter-modular attention" in (tmp_path / "full.svg").read_text()


@pytest.mark.parametrize("part", ["things_to_stuff", "stuff_to_things"])
def test_one_direction_of_attention_alone(tmp_path, part):
    full = sample(SMALL.blocks)
    arch = Arch(backbone=full.backbone, **{part: getattr(full, part)})
    draw_arch(arch, tmp_path / "a.svg", SMALL)
    drawn = [n for n in svg_texts(tmp_path / "a.svg") if n.startswith(("things_to", "stuff_to"))]
    assert drawn == [f"{part}_{i}_{c}" for i, c in enumerate(getattr(arch, part))]


def test_png_is_a_picture_with_a_box_of_each_used_colour(tmp_path):
    arch = sample(SMALL.blocks)
    draw_arch(arch, tmp_path / "made" / "a.png", SMALL)
    picture = cv2.imread(str(tmp_path / "made" / "a.png"))[..., ::-1]
    height, width = picture.shape[:2]
    assert 1000 < width < 2000
    assert 700 < height < 1300
    colours, counts = np.unique(picture.reshape(-1, 3), axis=0, return_counts=True)
    area = {tuple(c): n for c, n in zip(colours.tolist(), counts, strict=True)}
    for choice, count in Counter(arch.backbone).items():
        rgb = tuple(int(choice_colours(choice)[0][i : i + 2], 16) for i in (1, 3, 5))
        assert area[rgb] > 2000 * count  # a box is about 96 x 52 pixels, less its text
    assert [p.name for p in (tmp_path / "made").iterdir()] == ["a.png"]  # nothing temporary


def test_choices_keep_their_distance_in_grey():
    def lightness(choice):
        rgb = [int(choice_colours(choice)[0][i : i + 2], 16) for i in (1, 3, 5)]
        return 0.299 * rgb[0] + 0.587 * rgb[1] + 0.114 * rgb[2]

    for family in (("shuffle_3x3", "shuffle_5x5", "shuffle_7x7"), ("r4", "r8", "r16")):
        values = [lightness(choice) for choice in family]
        assert np.all(np.diff(values) < -35)
    for short in ("dw", "df", "at"):
        assert lightness(f"{short}_3x3") - lightness(f"{short}_5x5") > 35


def test_same_arch_makes_the_same_file(tmp_path):
    for name in ("a.svg", "b.svg"):
        draw_arch(sample(SMALL.blocks), tmp_path / name, SMALL)
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()


def test_bad_input_leaves_an_older_file_alone(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(b"older")
    with pytest.raises(ArchError, match="expected 40 choices, got 10"):
        draw_arch(sample(SMALL.blocks), path)
    with pytest.raises(ValueError, match=r"a\.jpg.*\.png or \.svg"):
        draw_arch(sample(SMALL.blocks), tmp_path / "a.jpg", SMALL)
    assert path.read_bytes() == b"older"
    assert len(list(tmp_path.iterdir())) == 1


@pytest.fixture(scope="module")
def tool():
    path = ROOT / "tools/analysis_tools/draw_arch.py"
    spec = importlib.util.spec_from_file_location("draw_arch_tool", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_tool_draws_with_the_widths_of_a_config(tool, tmp_path):
    sample((2, 2, 4, 2)).dump(tmp_path / "arch.json")
    out = tmp_path / "a.svg"
    config = str(ROOT / "configs/auto_panoptic/shapes/retrain.py")
    tool.main([str(tmp_path / "arch.json"), str(out), "--config", config, "--title", "My net"])
    for text in ("My net", "240 channels", "6 thing classes"):
        assert text in out.read_text()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "does not exist"),
        ('{"backbone": ["shuffle_9x9"]}', "unknown choice 'shuffle_9x9'"),
        ('{"backbone": ["xception"]}', "expected 40 choices, got 1"),
        ('{"backbone": [', "arch.json"),
    ],
)
def test_tool_refuses_a_bad_file_and_writes_nothing(tool, tmp_path, content, message):
    path = tmp_path / "arch.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(InputError, match=message):
        tool.main([str(path), str(tmp_path / "a.png")])
    assert not (tmp_path / "a.png").exists()
