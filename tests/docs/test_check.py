"""The checker of the documentation finds each kind of mistake on a made-up page."""

from pathlib import Path

import pytest

from tests.docs.check import Checker
from tests.docs.configs import Configs
from tests.docs.page import Page
from tests.docs.project import Project
from tests.docs.shell import commands

TRAIN = """
import argparse
from mmengine.config import DictAction

parser = argparse.ArgumentParser()
parser.add_argument("config")
parser.add_argument("--epochs", type=int)
parser.add_argument("--device", choices=["cpu", "cuda"])
parser.add_argument("--cfg-options", nargs="+", action=DictAction)
try:
    parser.parse_args()
except Exception:
    pass
raise AssertionError("the tool went on")
"""
FILES = {
    "tools/train.py": TRAIN,
    "tools/dist_train.sh": 'GPUS=$2\npython "$(dirname "$0")/train.py" "$1" --device cuda "${@:3}"',
    "tools/slurm.sh": 'exec srun "$TOOLS/$3" "${@:4}"',
    "tools/slurm_train.sh": 'bash tools/slurm.sh "$1" train.py "$2" --epochs "$3" "${@:4}"',
    "tools/setup.sh": "true",
    "tools/none.py": "",
    "configs/net.py": 'model = dict(type="AutoPanoptic", things_to_stuff=None, arch=None)',
    "tests/test_it.py": "def test_that():\n    pass\n",
    "Makefile": "demo: setup\n\ttrue\n",
    "docs/other.md": "# A head, `coded`\n\n## Twice\n\n## Twice\n",
}
CONFIG = dict(
    model=dict(type="AutoPanoptic", arch=None, neck=dict(type="FPN", out_channels=8)),
    val_cfg=dict(type="SearchLoop", strategy=dict(type="Evolution")),
)

RIGHT = """
# A page

See [that](other.md#a-head-coded), [the second](other.md#twice-1), [here](#a-page),
![p](../Makefile) and [elsewhere](https://nowhere.example/at/all).

`tools/train.py`, `train.py --epochs 2`, `configs/*.py`, `{net,train}.py`, `tests/`, `arch.json`,
`test_it.py::test_that`, `--epochs`, `model.neck.out_channels=3`, `val_cfg.budgets`, `make demo`,
`val_cfg.strategy.parents`, `model.backbone`, `mmpanonas.strategies`, `tools/DATA.py`,
`tools/<word>.py`, `python -m pydoc math`

```bash
make demo  # don't read this
A=configs W=work_dirs
python tools/train.py $A/net.py --epochs N --device cpu \\
    --cfg-options model.arch=$W/arch.json model.init_cfg.checkpoint=x > log.txt
NODES=2 bash tools/dist_train.sh CONFIG 8 --epochs 4 && bash tools/setup.sh --any thing
GPUS=8 bash tools/slurm_train.sh PARTITION CONFIG 3 --device cpu
python tools/train.py --help
python -m torch.distributed.run --nproc_per_node=2 tools/train.py configs/net.py
other-program --its-option tools/train.py
```

```python
val_cfg = dict(
    strategy=dict(mutants=3),
    budgets=[dict(quantity="latency", limit=3, table="x.json")],
    executor=dict(type="ray", workers=2),
)
```

```python
from mmpanonas.strategies import Strategy
import numpy.random as random


class Mine(Strategy):
    at = "tools/train.py"


anything = dict(at=all)
```

```python
_base_ = "../configs/net.py"
val_cfg = dict(strategy=dict(type="Mine", its_own=3))
```

```json
{"a": [1]}
```

```yaml
a: [1]
```

```
tools/train.py -> {net,train}.py
```
"""

WRONG = {
    "[a](none.md)": "link to none.md: no such file",
    "![a](none.png)": "link to none.png: no such file",
    "[a](other.md#twice-2)": "link to other.md#twice-2: no such heading",
    "[a](#nowhere)": "link to #nowhere: no such heading",
    "`tools/trian.py`": "tools/trian.py does not exist",
    "`configs/net/`": "configs/net/ does not exist",
    "`{net,tarin}.py`": "{net,tarin}.py does not exist",
    "`test_it.py::test_this`": "test_it.py has no test_this",
    "| a |\n|---|\n| `train.py --epoch 2` |": "option --epoch: no tool",
    "`--epoch`": "option --epoch: no tool",
    "`python tools/train.py net --device tpu`": "tools/train.py: argument --device: invalid choice",
    "`model.nekc.out_channels`": "config key model.nekc.out_channels",
    "`model.neck.out_chanels=2`": "config key model.neck.out_chanels",
    "`val_cfg.strategy.parent`": "config key val_cfg.strategy.parent",
    "`mmpanonas.serach`": "mmpanonas.serach cannot be imported",
    "`make dmeo`": "make has no target dmeo",
    "```bash\nmake test\n```": "make has no target test",
    "```bash\npython tools/tarin.py\n```": "tools/tarin.py does not exist",
    "```bash\npython tools/train.py configs/nil.py\n```": "configs/nil.py does not exist",
    "```bash\npython tools/none.py 3\n```": "tools/none.py: it parses no arguments",
    "```bash\npython tools/train.py CONFIG --epohcs 2\n```": "unrecognized arguments: --epohcs",
    "```bash\npython tools/train.py CONFIG --epochs two\n```": "invalid int value: 'two'",
    "```bash\npython tools/train.py --epochs 2\n```": "arguments are required: config",
    "```bash\nbash tools/dist_train.sh CONFIG\n```": "expected 2 arguments before options, got 1",
    "```bash\nbash tools/dist_train.sh 8 net\n```": "expected a number of processes",
    "```bash\nbash tools/dist_train.sh CONFIG 8 --epohcs 2\n```": "arguments: --epohcs",
    "```bash\nGPUS=2 bash tools/slurm_train.sh X CONFIG\n```": "expected 3 arguments before",
    "```bash\nbash tools/slurm_train.sh X CONFIG two\n```": "invalid int value: 'two'",
    "```bash\nbash tools/slurm_train.sh X CONFIG 2 --epohcs 2\n```": "arguments: --epohcs",
    "```bash\npython -m torch.distributed.runs tools/train.py C\n```": "no such module",
    "```bash\npython -m torch.distributed.run tools/train.py C --epohcs 2\n```": "--epohcs",
    "```bash\npython -m pydoc mmpanonas.serach\n```": "pydoc mmpanonas.serach",
    "```bash\npython tools/train.py configs/net.py --cfg-options model.ach=1\n```": "model.ach",
    # the other config knows it, this one does not
    "```bash\npython tools/train.py configs/net.py --cfg-options val_cfg.seed=1\n```": "val_cfg",
    "```bash\npython 'tools/train.py\n```": "no shell command: No closing quotation",
    "```python\nx = (1,\n```": "no Python: '(' was never closed",
    "```python\nimport mmpanonas.serach\n```": "mmpanonas.serach cannot be imported",
    "```python\nfrom mmpanonas.strategies import Strateggy\n```": (
        "strategies.Strateggy cannot be imported"
    ),
    "```python\n_base_ = '../configs/nett.py'\n```": "configs/nett.py does not exist",
    "```python\n_base_ = '../configs/net.py'\nval_cfg = dict(seeed=1)\n```": "has no seeed",
    "```python\nval_cgf = dict()\n```": "config key val_cgf",
    "```python\nval_cfg = dict(strategy=dict(mutant=3))\n```": "val_cfg.strategy.mutant",
    "```python\nval_cfg = dict(budgets=[dict(limits=3)])\n```": "budgets.0.limits: Budget has no",
    "```python\nval_cfg = dict(strategy=dict(type='Random', parents=3))\n```": "strategy.parents",
    "```python\nval_cfg = dict(strategy=dict(type='Radnom'))\n```": "got 'Radnom'",
    "```python\nval_cfg = dict(strategy=dict(mutants=-1))\n```": "mutants: expected a whole number",
    "```json\n{'a': 1}\n```": "no json: Expecting property name",
    "```yaml\na: [1\n```": "no yaml: while parsing",
    "```\ntools/tarin.py -> x\n```": "tools/tarin.py does not exist",
}


@pytest.fixture
def problems(tmp_path):
    """A function from the text of a page in docs/ of a made-up project to what is found."""
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    checker = Checker(Project(tmp_path), Configs({"configs/net.py": CONFIG}))

    def check(text: str) -> list[str]:
        path: Path = tmp_path / "docs/page.md"
        path.write_text(text)
        return checker.problems(Page.read(path))

    return check


def test_a_page_without_mistakes_passes(problems):
    assert problems(RIGHT) == []


@pytest.mark.parametrize(("text", "problem"), WRONG.items())
def test_each_kind_of_mistake_is_found_with_its_line(problems, text, problem):
    (found,) = problems(f"# A page\n\n{text}\n")
    assert problem in found
    line = int(found.removeprefix("docs/page.md:").partition(":")[0])
    assert 3 <= line <= 3 + text.count("\n")


def test_lines_of_blocks():
    script = "A=x\n\npython \\\n  $A \\\n  ${B}\nmake all && make it > log"
    assert list(commands(script)) == [
        (2, ["python", "x", "B"]),
        (5, ["make", "all"]),
        (5, ["make", "it"]),
    ]
