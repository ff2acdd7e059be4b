"""Scripts run by two ranks on this machine."""

import os
import subprocess
import sys
from pathlib import Path

import torch

from tests.conftest import ROOT


def run_two_ranks(script: str, folder: Path) -> list:
    """What each rank of a script saved to ``<its argument>/<rank>.pt``, the folder given."""
    (folder / "ranks.py").write_text(script)
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2"]
    env = os.environ | dict(PYTHONPATH=str(ROOT), OMP_NUM_THREADS="1")
    command += [str(folder / "ranks.py"), str(folder)]
    subprocess.run(command, check=True, env=env, cwd=ROOT, timeout=300)
    return [torch.load(folder / f"{rank}.pt") for rank in range(2)]
