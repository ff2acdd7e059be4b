"""Commands side by side: places, logs, failures, an interrupt, and locks of folders."""

import subprocess
import sys
import time

import pytest

from studies.ranking.processes import alone_in, run_processes


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def test_all_run_with_a_place_and_a_log_each_and_failures_are_named(tmp_path):
    commands = {f"c{i}": python(f"import os; print({i}, os.environ['PLACE'])") for i in range(4)}
    commands["bad"] = python("raise SystemExit('no')")
    ended = {}
    places = [dict(PLACE="a"), dict(PLACE="b")]
    failed = run_processes(commands, places, tmp_path / "logs", ended.__setitem__)
    assert failed == ["bad"]
    assert ended == dict.fromkeys(commands, True) | dict(bad=False)
    for i in range(4):
        number, place = (tmp_path / f"logs/c{i}.log").read_text().split()
        assert number == str(i)
        assert place in "ab"
    assert (tmp_path / "logs/bad.log").read_text() == "no\n"


def test_no_more_run_at_a_time_than_there_are_places(tmp_path):
    code = f"""
import os, time
here = {str(tmp_path)!r}
open(f'{{here}}/{{os.getpid()}}.on', 'w')
time.sleep(0.3)
print(len([name for name in os.listdir(here) if name.endswith('.on')]))
os.remove(f'{{here}}/{{os.getpid()}}.on')
"""
    run_processes({str(i): python(code) for i in range(4)}, [{}] * 2, tmp_path / "l", print)
    seen = [int((tmp_path / f"l/{i}.log").read_text()) for i in range(4)]
    assert max(seen) <= 2


def test_an_interrupt_ends_what_runs_and_starts_nothing_more(tmp_path):
    slow = python("import time; print('on', flush=True); time.sleep(60)")
    commands = {"quick": python("pass"), "slow": slow, "never": slow}

    def stop(name: str, well: bool) -> None:
        while not (tmp_path / "slow.log").exists():
            time.sleep(0.01)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_processes(commands, [{}], tmp_path, stop)
    assert not (tmp_path / "never.log").exists()


def test_a_folder_is_one_process_alone(tmp_path):
    code = f"""
import time
from pathlib import Path
from studies.ranking.processes import alone_in
with alone_in(Path({str(tmp_path / "job")!r})):
    print('in', flush=True)
    time.sleep(0.5)
    Path({str(tmp_path / "done")!r}).touch()
"""
    with subprocess.Popen(python(code), stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout.readline() == "in\n"
        with alone_in(tmp_path / "job"):
            assert (tmp_path / "done").exists()
