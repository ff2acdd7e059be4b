"""The Slurm launchers: what srun is given, by an srun that writes it down."""

import json
import os
import subprocess
import sys

import pytest

from tests.conftest import ROOT

SRUN = f"""#!{sys.executable}
import json, os, sys
names = ("PYTHONPATH", "OMP_NUM_THREADS", "MASTER_PORT")
seen = dict(words=sys.argv[1:], env={{name: os.environ.get(name) for name in names}})
open(os.environ["SEEN"], "w").write(json.dumps(seen))
sys.exit(int(os.environ.get("ENDS", 0)))
"""


@pytest.fixture
def launch(tmp_path):
    """A function from a launcher's words and environment to (exit code, what srun saw, stderr)."""
    (tmp_path / "srun").write_text(SRUN)
    (tmp_path / "srun").chmod(0o755)
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("OMP", "MKL", "PYTHONPATH"))}

    def launch(script: str, *words: str, **env: str) -> tuple[int, dict, str]:
        env |= {"PATH": f"{tmp_path}:{os.environ['PATH']}", "SEEN": str(tmp_path / "seen")}
        command = ["bash", str(ROOT / "tools" / script), *words]
        run = subprocess.run(command, env=kept | env, cwd=tmp_path, capture_output=True, text=True)
        seen = tmp_path / "seen"
        return run.returncode, json.loads(seen.read_text()) if seen.exists() else {}, run.stderr

    return launch


TOOL = {
    "slurm_train.sh": ["train.py", "a b.py", "--work-dir", "out/1"],
    "slurm_test.sh": ["test.py", "a b.py", "out/1"],
}


@pytest.mark.parametrize("script", TOOL)
def test_defaults_are_eight_gpus_of_one_machine(launch, script):
    options = ["--cfg-options", "model.neck.norm_cfg=dict(type='GN', num_groups=2)"]
    code, seen, _ = launch(script, "gpu", "my job", "a b.py", "out/1", *options)
    name, *words = TOOL[script]
    assert code == 0
    assert seen["words"] == [
        *("--partition=gpu", "--job-name=my job", "--ntasks=8", "--ntasks-per-node=8"),
        *("--gres=gpu:8", "--cpus-per-task=5", "--kill-on-bad-exit=1"),
        *("python", "-u", f"{ROOT}/tools/{name}", *words, "--launcher", "slurm", *options),
    ]
    env = {"PYTHONPATH": f"{ROOT}/tools/..", "OMP_NUM_THREADS": "1", "MASTER_PORT": None}
    assert seen["env"] == env


@pytest.mark.parametrize("script", TOOL)
def test_the_environment_is_followed(launch, script):
    env = {"GPUS": "16", "GPUS_PER_NODE": "4", "CPUS_PER_TASK": "2", "MASTER_PORT": "29511"}
    env |= {"SRUN_ARGS": "--quotatype=auto --time 9", "PYTHON": "python3", "PYTHONPATH": "/mine"}
    code, seen, _ = launch(script, "gpu", "job", "c.py", "o", OMP_NUM_THREADS="3", ENDS="7", **env)
    assert code == 7
    assert seen["words"][2:10] == [
        *("--ntasks=16", "--ntasks-per-node=4", "--gres=gpu:4", "--cpus-per-task=2"),
        *("--kill-on-bad-exit=1", "--quotatype=auto", "--time", "9"),
    ]
    assert seen["words"][10] == "python3"
    path = f"{ROOT}/tools/..:/mine"
    assert seen["env"] == {"PYTHONPATH": path, "OMP_NUM_THREADS": "3", "MASTER_PORT": "29511"}


@pytest.mark.parametrize("script", TOOL)
def test_a_word_that_is_missing_is_said(launch, script):
    code, seen, error = launch(script, "gpu", "job", "c.py")
    assert (bool(code), seen) == (True, {})
    assert "expected PARTITION JOB_NAME CONFIG" in error
