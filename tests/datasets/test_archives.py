"""docs/data.md's way to unpack, on an archive whose counter of files has overflowed."""

import struct
import zipfile

FILES = 65_536 + 3


def test_all_files_of_an_archive_of_before_zip64(tmp_path):
    """As COCO's panoptic_train2017.zip is: 16 bits count its files, and no ZIP64 record follows."""
    files, directory = bytearray(), bytearray()
    for number in range(FILES):
        name = b"panoptic_train2017/%012d.png" % number
        fields = struct.pack("<5H3I2H", 20, 0, 0, 0, 33, 0, 0, 0, len(name), 0)
        place = struct.pack("<3H2I", 0, 0, 0, 0, len(files))
        directory += b"PK\1\2" + struct.pack("<H", 20) + fields + place + name
        files += b"PK\3\4" + fields + name
    sizes = (FILES % 2**16, FILES % 2**16, len(directory), len(files), 0)
    end = b"PK\5\6" + struct.pack("<4H2IH", 0, 0, *sizes)
    path = tmp_path / "panoptic_train2017.zip"
    path.write_bytes(files + directory + end)
    assert struct.unpack("<H", path.read_bytes()[-12:-10]) == (3,)
    with zipfile.ZipFile(path) as archive:  # what python -m zipfile -e extracts
        names = archive.namelist()
    assert len(set(names)) == len(names) == FILES
