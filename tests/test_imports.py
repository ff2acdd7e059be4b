"""The directions of import: which packages may use which (a module's place decides)."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

#: What each package may import of ours, besides itself.
OURS = {
    "space": {"errors", "files", "values"},
    "strategies": {"errors", "space", "values"},
    "racing": {"errors", "values"},
    "records": {"errors", "files", "space"},
    "panoptic": {"errors"},
    "models": {"errors", "space", "values"},
    "execution": {"errors", "racing", "records", "space", "strategies", "values"},
    "checkpoints": {"errors", "space", "values"},
    "training": {
        "checkpoints",
        "distributed",
        "errors",
        "files",
        "options",
        "printing",
        "space",
        "values",
    },
    "recalibration": {"datasets", "distributed", "errors", "space", "values"},
    "search": {
        "checkpoints",
        "distributed",
        "errors",
        "evaluation",
        "execution",
        "printing",
        "recalibration",
        "racing",
        "records",
        "space",
        "strategies",
        "values",
    },
    "config": {"datasets", "errors", "files", "options", "recalibration", "space", "values"},
    "convert": {"errors", "space"},
    "datasets": {"errors", "files", "panoptic", "values"},
    "evaluation": {"errors", "files", "panoptic", "printing", "space", "values"},
    "visualization": {"errors", "file_names", "files", "panoptic", "records", "space", "values"},
    "inference": {
        "checkpoints",
        "config",
        "datasets",
        "errors",
        "evaluation",
        "file_names",
        "files",
        "printing",
        "visualization",
    },
    "running": {
        "checkpoints",
        "config",
        "distributed",
        "errors",
        "evaluation",
        "file_names",
        "files",
        "space",
        "visualization",
    },
    "deployment": {"config", "errors", "evaluation", "models", "onnx"},
    "onnx": {"errors"},
    "errors": set(),
    "values": {"errors"},
    "files": set(),
    "printing": set(),
    "file_names": {"errors"},
    "distributed": set(),
}

#: Packages that run on the standard library and these alone.
THEIRS = {
    "space": {"numpy"},
    "strategies": {"numpy", "pymoo"},
    "racing": {"numpy"},
    "records": set(),
    "panoptic": {"numpy", "scipy", "cv2", "kornia_rs"},
    "execution": {"ray"},
    "onnx": {"numpy", "cv2", "onnxruntime"},
    "errors": set(),
    "values": set(),
    "files": set(),
    "printing": set(),
    "file_names": set(),
}


def imported_names(path: Path, module: str) -> list[tuple[int, str]]:
    """Line and absolute name of every import in a file, those inside functions included."""
    found = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found += [(node.lineno, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            package = module.split(".") + (["__init__"] if path.stem == "__init__" else [])
            start = package[: len(package) - node.level] if node.level else []
            base = ".".join([*start, node.module] if node.module else start)
            names = [f"{base}.{alias.name}" for alias in node.names]
            found += [(node.lineno, name) for name in (names if base == "mmpanonas" else [base])]
    return found


def violations(root: Path) -> list[str]:
    """One line for every import below ``root/mmpanonas`` that runs the wrong way."""
    found = []
    for path in sorted((root / "mmpanonas").rglob("*.py")):
        home, names = imports_of(path, root)
        for line, name in names:
            if not _allowed(home, name):
                found.append(f"{path.relative_to(root)}:{line} imports {'.'.join(name)}")
    return found


def imports_of(path: Path, root: Path) -> tuple[str, list[tuple[int, list[str]]]]:
    """The package that a file lies in ("" for none), and its imports, split at the dots."""
    module = path.relative_to(root).with_suffix("").as_posix().removesuffix("/__init__")
    home = module.split("/")[1] if "/" in module else ""
    names = imported_names(path, module.replace("/", "."))
    return home, [(line, name.split(".")) for line, name in names]


def _allowed(home: str, name: list[str]) -> bool:
    if name[0] in ("tools", "configs", "tests", "benchmarks", "studies"):
        return False
    if name[0] == "mmpanonas":
        return home not in OURS or (len(name) > 1 and name[1] in OURS[home] | {home})
    return home not in THEIRS or name[0] in THEIRS[home] | sys.stdlib_module_names


def test_every_import_runs_the_right_way():
    assert violations(ROOT) == []


def test_no_arrow_is_allowed_that_nobody_needs():
    used: dict[str, set[str]] = {}
    for path in (ROOT / "mmpanonas").rglob("*.py"):
        home, names = imports_of(path, ROOT)
        used.setdefault(home, set()).update(n[1] for _, n in names if n[0] == "mmpanonas" and n[1:])
    assert {home: arrows - used.get(home, set()) for home, arrows in OURS.items()} == {
        home: set() for home in OURS
    }


def test_every_package_has_its_arrows():
    """A new folder says here what it may import."""
    folders = {path.parent.name for path in (ROOT / "mmpanonas").glob("*/__init__.py")}
    assert folders <= set(OURS)


@pytest.mark.parametrize(
    ("place", "line"),
    [
        ("space/arch.py", "import torch"),
        ("space/arch.py", "from mmpanonas.strategies import Strategy"),
        ("space/__init__.py", "from ..models import blocks"),
        ("space/deep/__init__.py", "from ...models import blocks"),
        ("strategies/evolution.py", "def late():\n    from torch import nn"),
        ("strategies/evolution.py", "import mmpanonas.models.backbone"),
        ("execution/search.py", "import torch"),
        ("execution/search.py", "from mmpanonas.search import SearchLoop"),
        ("recalibration/moments.py", "from mmpanonas.training import hooks"),
        ("inference/network.py", "from mmpanonas.training import hooks"),
        ("models/backbone.py", "from mmpanonas import search"),
        ("models/backbone.py", "from .. import strategies"),
        ("models/backbone.py", "from ..strategies.strategy import Strategy"),
        ("models/backbone.py", "import mmpanonas"),
        ("training/hooks.py", "from mmpanonas.models import Choice"),
        ("training/hooks.py", "import numpy, mmpanonas.datasets.check as check"),
        ("datasets/loading.py", "from mmpanonas.models import blocks"),
        ("evaluation/pq.py", "from mmpanonas.training import hooks"),
        ("evaluation.py", "from mmpanonas.datasets import read_categories"),
        ("visualization/panels.py", "from mmpanonas.strategies import Strategy"),
        ("inference/network.py", "from mmpanonas.models import AutoPanoptic"),
        ("evaluation/metric.py", "from mmpanonas.inference import PanopticInferencer"),
        ("errors.py", "from mmpanonas.space import Arch"),
        ("panoptic/png.py", "from mmpanonas.datasets import loading"),
        ("cli.py", "import tools.train"),
        ("cli.py", "from configs import base"),
        ("strategies/evolution.py", "from studies.ranking.replay import replay"),
    ],
)
def test_a_planted_violation_is_reported(place, line, tmp_path):
    path = tmp_path / "mmpanonas" / place
    path.parent.mkdir(parents=True)
    path.write_text(f"{line}\n")
    (report,) = violations(tmp_path)
    assert report.startswith(f"mmpanonas/{place}:{1 + line.count(chr(10))} imports ")


@pytest.mark.parametrize(
    ("place", "line"),
    [
        (
            "space/arch.py",
            "import json\nimport numpy as np\nfrom mmpanonas.errors import InputError",
        ),
        ("space/__init__.py", "from .arch import Arch\nfrom ..errors import InputError"),
        ("strategies/evolution.py", "from mmpanonas import space, errors\nimport numpy.random"),
        ("models/backbone.py", "import torch\nfrom mmpanonas.models.layers.choice import Choice"),
        ("execution/ray_workers.py", "def late():\n    import ray"),
        ("search/loop.py", "from mmpanonas.strategies import Strategy"),
        ("evaluation/pq.py", "from mmpanonas.panoptic.png import VOID_ID"),
        ("cli.py", "import mmpanonas.training"),
    ],
)
def test_imports_that_run_the_right_way_pass(place, line, tmp_path):
    path = tmp_path / "mmpanonas" / place
    path.parent.mkdir(parents=True)
    path.write_text(f"{line}\n")
    assert violations(tmp_path) == []


def test_the_core_loads_neither_torch_nor_openmmlab():
    code = (
        "import sys\n"
        "import mmpanonas.space, mmpanonas.strategies, mmpanonas.records, mmpanonas.execution\n"
        "import mmpanonas.panoptic\n"
        "print(*sorted({name.split('.')[0] for name in sys.modules}))"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    loaded = set(run.stdout.split())
    assert "numpy" in loaded
    assert not loaded & {"torch", "mmengine", "mmcv", "mmdet", "ray"}
