"""The curves of a training by the command line."""

import cv2

from tests.tools.conftest import one_line
from tests.visualization.test_training import log, losses

TOOL = "tools/analysis_tools/draw_training.py"


def test_it_says_where_the_picture_is(call_tool, tmp_path):
    log(tmp_path, "1", losses(50, 4.0), losses(100, 2.0))
    for out in (tmp_path / "training.png", tmp_path / "new/other.png"):
        more = ["--out", out] if out.name == "other.png" else []
        code, printed, _ = call_tool(TOOL, tmp_path, *more)
        assert (code, printed) == (0, f"losses up to iteration 100: {out}\n")
        assert min(cv2.imread(str(out)).shape[:2]) > 300


def test_bad_input(call_tool, tmp_path):
    what = "give the work dir of tools/train.py"
    error = one_line(call_tool(TOOL, tmp_path / "none"))
    assert f"work_dir: expected a folder, got '{tmp_path / 'none'}', which does not exist" in error
    assert one_line(call_tool(TOOL, tmp_path)) == f"error: {tmp_path} holds no losses: {what}"
    log(tmp_path, "1", losses(50, 4.0))
    error = one_line(call_tool(TOOL, tmp_path, "--out", "/proc/none/a.png"))
    assert error.startswith("error: cannot write /proc/none/a.png: ")
