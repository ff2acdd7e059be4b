"""The run of a study from its command line: each job that is not done, in a process of its own."""

import argparse
import json
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from mmengine.registry import init_default_scope
from tqdm import tqdm

from mmpanonas.cli import prepare
from mmpanonas.config import check_data, check_experiment, check_writable, find_named, load_config
from mmpanonas.errors import InputError
from mmpanonas.files import write_atomically
from mmpanonas.printing import BAR
from mmpanonas.search.secrets import public_command
from studies.ranking.jobs import Job, read_job, run_job
from studies.ranking.processes import alone_in, run_processes
from studies.ranking.study import Study


def run_study(
    args: argparse.Namespace,
    kind: type[Study],
    jobs: Mapping[str, Job],
    results_of: Callable[[Study], dict],
    write_page: Callable[[dict, Path], None],
) -> None:
    """Do one job (``args.job``), or all that are not done; then write results and page.

    Args:
        args: of the command line that :func:`studies.options.study_parser` reads.
        kind: of the study.
        jobs: what does each kind of job.
        results_of: of a study whose jobs are done, as plain data.
        write_page: writes those into a file.
    """
    if args.out:
        check_writable(Path(args.out).parent, "folder of the results file", "--out")
    job = read_job(args.job, jobs) if args.job else None
    loaders = () if args.job else ("train_dataloader", "val_dataloader")
    supernet = prepare(args, loaders)
    kind.plan_type.from_config(supernet)
    name = find_named(supernet, f"{kind.key}.alone", args.cfg_options)
    alone = load_config(name, args.cfg_options)
    check_experiment(supernet, alone, name)
    check_data(alone, loaders)
    init_default_scope(supernet.default_scope)
    study = kind(supernet, alone, Path(supernet.work_dir))
    if job:
        with alone_in(study.folder / "jobs" / job["job"]):
            run_job(study, job, jobs)
        return
    for phase, todo in study.phases():
        run_phase(study, phase, todo, args.workers)
        if study.worth_a_look():
            write(study, args, results_of, write_page)
    if not study.worth_a_look():
        write(study, args, results_of, write_page)


def run_phase(study: Study, name: str, jobs: list[dict], workers: int) -> None:
    """Do what is not done of ``jobs``, each in a process of its own."""
    known, folder = study.found(), study.folder / "jobs"
    todo = [job for job in jobs if job["job"] not in known]
    package = type(study).__module__.rpartition(".")[0]
    command = [sys.executable, "-W", "ignore", "-m", package, *sys.argv[1:]]
    commands = {}
    folder.mkdir(exist_ok=True)
    for job in todo:
        file = folder / f"{job['job']}.json"
        write_atomically(file, json.dumps(job))
        commands[job["job"]] = [*command, "--job", str(file)]
    gpus = torch.cuda.device_count()
    threads = str(max(1, (os.cpu_count() or 1) // workers))
    places = [
        dict(OMP_NUM_THREADS=threads) | (dict(CUDA_VISIBLE_DEVICES=str(i % gpus)) if gpus else {})
        for i in range(workers)
    ]
    logs = study.folder / "logs"
    with tqdm(total=len(jobs), initial=len(jobs) - len(todo), desc=name, **BAR) as bar:
        failed = run_processes(commands, places, logs, lambda job, well: bar.update(well))
    if failed:
        raise InputError(
            f"{len(failed)} of {len(jobs)} jobs failed: {', '.join(failed[:5])}; what they printed "
            f"is in {logs}; start again to go on"
        )


def write(
    study: Study,
    args: argparse.Namespace,
    results_of: Callable[[Study], dict],
    write_page: Callable[[dict, Path], None],
) -> None:
    """The results file and the page."""
    out = Path(args.out or study.folder / "results.json")
    out.parent.mkdir(parents=True, exist_ok=True)
    results = dict(
        config=args.config,
        command=public_command(sys.argv),
        device=torch.cuda.get_device_name() if torch.cuda.is_available() else "CPU",
        **results_of(study),
    )
    write_atomically(out, json.dumps(results, indent=1) + "\n")
    write_page(results, out.with_suffix(".html"))
    print(f"results: {out}; page: {out.with_suffix('.html')}")
