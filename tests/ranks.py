"""Programs of two ranks, for tests."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import torch

from tests.conftest import ROOT

LEAVE = """
from mmpanonas.distributed import leave_process_group
leave_process_group()
"""


def free_port() -> str:
    """A port that nobody listens at now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return str(listener.getsockname()[1])


def run_on_two_ranks(program: str, folder: Path) -> list:
    """Run ``program`` on two ranks; what each has saved as ``<its first argument>/<rank>.pt``."""
    (folder / "ranks.py").write_text(program + LEAVE)
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc_per_node=2"]
    command += ["--master_addr=127.0.0.1", f"--master_port={free_port()}"]
    env = os.environ | dict(PYTHONPATH=str(ROOT), OMP_NUM_THREADS="1")
    words = [*command, str(folder / "ranks.py"), str(folder)]
    subprocess.run(words, check=True, env=env, cwd=ROOT, timeout=200)
    return [torch.load(folder / f"{rank}.pt") for rank in range(2)]
