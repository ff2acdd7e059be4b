import struct
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from mmpanonas.errors import InputError
from mmpanonas.panoptic.png import (
    MAX_ID,
    PNG_SIGNATURE,
    decode_panoptic_png,
    read_panoptic_png,
    write_panoptic_png,
)

IDS = np.array([[0, 7, 7, 0], [300, 7, 70000, 70000], [300, 300, 0, 70000]])


def as_rgb(ids):
    return Image.fromarray(np.stack([ids & 255, ids >> 8 & 255, ids >> 16], -1).astype(np.uint8))


@settings(max_examples=50, deadline=None)
@given(
    hnp.arrays(
        st.sampled_from([np.int32, np.int64, np.uint32]),
        hnp.array_shapes(min_dims=2, max_dims=2, max_side=7),
        elements=st.integers(0, MAX_ID),
    )
)
def test_png_round_trip(tmp_path_factory, ids):
    path = tmp_path_factory.getbasetemp() / "round_trip.png"
    write_panoptic_png(path, ids)
    read = read_panoptic_png(path)
    assert read.dtype == np.int32
    assert np.array_equal(read, ids)


def test_id_is_red_plus_256_green_plus_65536_blue(tmp_path):
    Image.new("RGB", (2, 1), (1, 2, 3)).save(tmp_path / "a.png")
    assert read_panoptic_png(tmp_path / "a.png").tolist() == [[1 + 2 * 256 + 3 * 65536] * 2]


@pytest.mark.parametrize(
    "ids", [np.zeros((0, 2), int), np.zeros((2, 2)), np.array([[-1]]), np.array([[MAX_ID + 1]])]
)
def test_ids_that_three_bytes_cannot_hold(tmp_path, ids):
    with pytest.raises(ValueError, match=r"a\.png"):
        write_panoptic_png(tmp_path / "a.png", ids)
    assert not (tmp_path / "a.png").exists()


def test_every_cut_and_every_flipped_byte_is_noticed(tmp_path):
    write_panoptic_png(tmp_path / "a.png", IDS)
    data = (tmp_path / "a.png").read_bytes()
    for length in range(len(data)):
        with pytest.raises(ValueError, match=r"b\.png.*(truncated|empty|not a PNG)"):
            decode_panoptic_png(data[:length], "b.png")
    for position in range(len(data)):
        flipped = bytearray(data)
        flipped[position] ^= 0xFF
        with pytest.raises(ValueError, match=r"b\.png"):
            decode_panoptic_png(bytes(flipped), "b.png")


def test_files_of_pillow(tmp_path):
    """It filters rows otherwise than OpenCV, with which we write."""
    ids = np.kron(np.random.default_rng(0).integers(0, MAX_ID + 1, (12, 9)), np.ones((7, 5), int))
    as_rgb(ids).save(tmp_path / "a.png")
    assert np.array_equal(read_panoptic_png(tmp_path / "a.png"), ids)


@pytest.mark.parametrize("picture", [as_rgb(IDS).convert("RGBA"), as_rgb(IDS).quantize(4)])
def test_alpha_is_left_out_and_a_palette_looked_up(tmp_path, picture):
    picture.save(tmp_path / "a.png")
    assert np.array_equal(read_panoptic_png(tmp_path / "a.png"), IDS)


def chunk(kind, data):
    body = kind + data
    return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))


@pytest.mark.parametrize("colour", [2, 6])
def test_whole_chunks_that_make_no_picture(colour):
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", 4, 3, 8, colour, 0, 0, 0))
    data = PNG_SIGNATURE + head + chunk(b"IDAT", b"no zlib") + chunk(b"IEND", b"")
    with pytest.raises(InputError, match=r"a\.png' cannot be decoded.*RGB PNG was expected"):
        decode_panoptic_png(data, "a.png")
    with pytest.raises(InputError, match=r"a\.png' is not a PNG"):
        decode_panoptic_png(PNG_SIGNATURE + chunk(b"IEND", b""), "a.png")
