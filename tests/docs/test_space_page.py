"""The operations and the part that docs/space.md adds, used from a folder that holds its files."""

import os
import re
import subprocess
import sys

import pytest

from tests.conftest import ROOT
from tests.docs.page import Page

#: Configs of a search and of a retraining with the supernet's operations, as the page says.
OTHERS = {
    "grouped_search.py": ("search_random", "val_cfg = dict(strategy=dict(total=2))\n"),
    "grouped_retrain.py": ("retrain", ""),
}


@pytest.mark.timeout(300)  # a supernet, a search and a retraining
def test_the_pages_files_work_from_a_folder_of_their_own(tmp_path, shapes_root):
    blocks = [block.text for block in Page.read(ROOT / "docs/space.md").blocks]
    files = {match[1]: text for text in blocks if (match := re.match(r"# (\w+\.py)\n", text))}
    assert set(files) == {"grouped.py", "grouped_supernet.py", "bottleneck.py", "searched_neck.py"}
    supernet = files["grouped_supernet.py"].replace('"configs/', f'"{ROOT}/configs/')
    for name, (base, more) in OTHERS.items():
        files[name] = supernet.replace("/supernet.py", f"/{base}.py") + more
    for name, text in (files | {"grouped_supernet.py": supernet}).items():
        (tmp_path / name).write_text(text)
    use = [sys.executable, "-W", "ignore", ROOT / "tests/docs/new_operation.py", ROOT, shapes_root]
    environment = os.environ | {"PYTHONPATH": f"{tmp_path}:{ROOT}", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(use, cwd=tmp_path, env=environment, text=True, capture_output=True)
    assert done.returncode == 0, done.stderr[-3000:]
    drawing = (tmp_path / "arch.svg").read_text()
    assert "GR 3\N{MULTIPLICATION SIGN}3" in drawing
    assert "8 groups" in drawing
