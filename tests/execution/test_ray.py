"""Workers of Ray, local and of a small cluster on this machine: they join, leave, hang and die."""

import json
import socket
import sys
from functools import partial
from pathlib import Path

import pytest

from mmpanonas.errors import InputError
from mmpanonas.execution import RayExecutor, Search, SerialExecutor, WorkersLostError
from mmpanonas.execution.ray_cluster import import_ray
from mmpanonas.records import SearchDirectory
from mmpanonas.strategies import Random
from tests.execution.fake import METRIC, SPACE, Fake, build
from tests.execution.fake_workers import Breaking, Patient, Stopping, Stuck, killed, no_data
from tests.execution.test_kill import finish

pytest.importorskip("ray")

pytestmark = pytest.mark.timeout(300)  # clusters of Ray that start, hang and stop
ANSWER = ("results.jsonl", "arch.json", "ranking.csv", "strategy.json")


@pytest.fixture(scope="module")
def cluster():
    """A cluster of one node with one CPU, at 127.0.0.1."""
    import_ray(local=True)
    from ray.cluster_utils import Cluster

    built = Cluster(initialize_head=True, head_node_args=dict(num_cpus=1, include_dashboard=False))
    yield built
    built.shutdown()


def run(folder: Path, executor, total: int = 12, **options) -> tuple[list[bytes], list[dict]]:
    """A random search; returns its files and its tries."""
    directory = SearchDirectory(folder, {})
    Search(Random(SPACE, total=total), directory, METRIC, **options).run(executor)
    tries = (folder / "times.jsonl").read_text().splitlines()
    return [(folder / name).read_bytes() for name in ANSWER], list(map(json.loads, tries))


@pytest.fixture
def serial(tmp_path):
    """The files of the same search without Ray."""
    return run(tmp_path / "serial", SerialExecutor(Fake, METRIC))[0]


def test_two_local_workers_of_which_one_is_killed(tmp_path):
    words = ["--faulty", "--evaluations", 30]
    expected = finish(tmp_path / "serial", "Evolution", *words)
    words += ["--executor", "ray", "--workers", 2, "--killer", tmp_path / "killed"]
    assert finish(tmp_path / "ray", "Evolution", *words) == expected
    tries = list(map(json.loads, (tmp_path / "ray/times.jsonl").read_text().splitlines()))
    assert [t.get("reason") for t in tries].count("worker died") == 1
    assert len({t["worker"] for t in tries}) >= 2


def test_workers_join_and_leave_during_the_search(cluster, serial, tmp_path):
    nodes, workers = [], set()

    def listen(search, record, outcome) -> None:
        workers.add(outcome.worker)
        if not nodes:
            nodes.append(cluster.add_node(num_cpus=1))
        if len(workers) == 2 and not (tmp_path / "go").exists():
            cluster.remove_node(nodes[0])
            (tmp_path / "go").touch()

    fake = Patient(go=tmp_path / "go")
    executor = RayExecutor(partial(build, fake), METRIC, workers=2, address=cluster.address)
    answer, _ = run(tmp_path / "ray", executor, listen=listen, max_tries=1)
    assert answer == serial, "a machine that leaves is no fault of its candidate"
    assert len(workers) == 2


def test_a_worker_that_hangs_is_killed_and_replaced(cluster, tmp_path):
    executor = RayExecutor(
        partial(build, Stuck()), METRIC, 1.0, workers=1, address=cluster.address, grace=1.0
    )
    answer, tries = run(tmp_path, executor, max_tries=1)
    results = [json.loads(line) for line in answer[0].splitlines()]
    assert [r["index"] for r in results if r["state"] == "failed"] == [4]
    assert results[4]["reason"] == "timed out after 1 s"
    assert len({t["worker"] for t in tries}) == 2


def test_a_broken_worker_is_replaced(cluster, serial, tmp_path):
    fake = Breaking(once=tmp_path / "once")
    executor = RayExecutor(partial(build, fake), METRIC, workers=1, address=cluster.address)
    answer, tries = run(tmp_path / "ray", executor)
    assert answer == serial
    assert [t.get("reason") for t in tries].count("worker died") == 1


def test_a_worker_that_is_told_to_stop_is_no_failure_of_its_candidate(cluster, serial, tmp_path):
    fake = Stopping(once=tmp_path / "once")
    executor = RayExecutor(partial(build, fake), METRIC, workers=1, address=cluster.address)
    answer, tries = run(tmp_path / "ray", executor, max_tries=1)
    assert answer == serial
    assert [t["reason"] for t in tries if "reason" in t] == ["its worker was told to stop"]
    assert len({t["worker"] for t in tries}) == 2


@pytest.mark.parametrize(
    ("build", "reason"),
    [(no_data, "InputError: annotation file x.json does not exist"), (killed, "worker died")],
)
def test_workers_that_cannot_be_built_end_the_search(cluster, tmp_path, build, reason):
    executor = RayExecutor(build, METRIC, workers=1, address=cluster.address)
    with pytest.raises(WorkersLostError, match=f"could load the model and the data: {reason}"):
        run(tmp_path, executor)


def test_without_ray_it_is_said_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(InputError, match=r"not installed: pip install -e '\.\[ray\]'"):
        RayExecutor(no_data, METRIC)


def test_an_address_where_nobody_answers_is_said_in_a_line(tmp_path):
    executor = RayExecutor(no_data, METRIC, address="127.0.0.1:1", patience=0.1)
    with pytest.raises(InputError, match=r"127\.0\.0\.1:1: no Ray cluster answers there.*--resume"):
        run(tmp_path, executor)


def test_an_open_port_without_ray_is_said_in_a_line(tmp_path, monkeypatch):
    monkeypatch.setattr("mmpanonas.execution.ray_cluster.ANSWER", 2.0)  # it never answers
    with socket.create_server(("127.0.0.1", 0)) as other:
        address = f"127.0.0.1:{other.getsockname()[1]}"
        executor = RayExecutor(no_data, METRIC, address=address)
        with pytest.raises(InputError, match=r"no Ray cluster answers there \(.*--resume"):
            run(tmp_path, executor)


def test_what_is_waited_for_is_said_and_the_death_of_ray_ends_the_search(tmp_path):
    """More workers than there is room for; then the raylet dies, of a cluster of its own."""
    import_ray(local=True)
    from ray.cluster_utils import Cluster

    built = Cluster(initialize_head=True, head_node_args=dict(num_cpus=1, include_dashboard=False))
    said: list[str] = []

    def say(sentence: str) -> None:
        if "1 workers evaluate" in sentence and not said:
            said.append(sentence)
            built.head_node.kill_raylet()

    fake = Patient(go=tmp_path / "never")
    words = partial(build, fake), METRIC
    executor = RayExecutor(*words, workers=2, address=built.address, patience=0.5, say=say)
    try:
        with pytest.raises(WorkersLostError, match=r"Ray has ended on this machine.*--resume"):
            run(tmp_path / "ray", executor)
    finally:
        built.shutdown()
    assert "1 load or find no room" in said[0]
    assert "the cluster has 1 CPUs, 0 GPUs" in said[0]
