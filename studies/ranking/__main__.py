"""Does a supernet rank networks as training alone does, and which step of the search matters?

Trains the supernets and, each alone, a sample of networks; scores the sample in the supernets;
searches; trains what was found. Writes one results file, and beside it a page (.html) about it.
CONFIG holds study=dict(...): see studies/ranking/README.md. Started again, the study goes on.
"""

import argparse
import json
import os
import sys
from pathlib import Path

from tqdm import tqdm

from mmpanonas.command_line import make_parser
from mmpanonas.errors import InputError, run_tool
from mmpanonas.files import write_atomically
from mmpanonas.parser import of_kind
from mmpanonas.paths import FILE, NEW_FILE
from mmpanonas.values import Resamples, Workers


def parse() -> argparse.Namespace:
    """The command line."""
    parser = make_parser(__doc__, launcher=False)
    parser.add_argument(
        "--workers", type=of_kind(Workers), default=1, help="networks trained side by side"
    )
    parser.add_argument("--out", type=NEW_FILE, help="results file (results.json in the work dir)")
    parser.add_argument(
        "--resamples", type=of_kind(Resamples), default=2000, help="of every bootstrap (2000)"
    )
    parser.add_argument("--job", type=FILE, help="do this job alone (a file of jobs/)")
    return parser.parse_args()


if __name__ == "__main__":  # a wrong command line ends here: what follows takes seconds
    run_tool(parse)

import torch
from mmengine.registry import init_default_scope

from mmpanonas.cli import prepare
from mmpanonas.config import check_data, check_experiment, check_writable, find_named, load_config
from mmpanonas.printing import BAR
from mmpanonas.search.secrets import public_command
from studies.ranking.answers import answers
from studies.ranking.collecting import collect
from studies.ranking.jobs import read_job, run_job
from studies.ranking.page import write_ranking_page
from studies.ranking.plan import StudyPlan
from studies.ranking.processes import alone_in, run_processes
from studies.ranking.study import Study


def main() -> None:
    """Parse; do one job, or all that are not done."""
    args = parse()
    if args.out:
        check_writable(Path(args.out).parent, "folder of the results file", "--out")
    job = read_job(args.job) if args.job else None
    loaders = () if args.job else ("train_dataloader", "val_dataloader")
    supernet = prepare(args, loaders)
    StudyPlan.from_config(supernet)
    name = find_named(supernet, "study.alone", args.cfg_options)
    alone = load_config(name, args.cfg_options)
    check_experiment(supernet, alone, name)
    check_data(alone, loaders)
    init_default_scope(supernet.default_scope)
    study = Study(supernet, alone, Path(supernet.work_dir))
    if job:
        with alone_in(study.folder / "jobs" / job["job"]):
            run_job(study, job)
        return
    for name, jobs in study.phases():
        run_phase(study, name, jobs, args.workers)
    write(study, args)


def run_phase(study: Study, name: str, jobs: list[dict], workers: int) -> None:
    """Do what is not done of ``jobs``, each in a process of its own."""
    known, folder = study.found(), study.folder / "jobs"
    todo = [job for job in jobs if job["job"] not in known]
    command = [sys.executable, "-W", "ignore", "-m", "studies.ranking", *sys.argv[1:]]
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


def write(study: Study, args: argparse.Namespace) -> None:
    """The results file and the page."""
    out = Path(args.out or study.folder / "results.json")
    out.parent.mkdir(parents=True, exist_ok=True)
    results = dict(
        config=args.config,
        command=public_command(sys.argv),
        device=torch.cuda.get_device_name() if torch.cuda.is_available() else "CPU",
        **collect(study),
    )
    results["answers"] = answers(results, args.resamples)
    write_atomically(out, json.dumps(results, indent=1) + "\n")
    write_ranking_page(results, out.with_suffix(".html"))
    print(f"results: {out}; page: {out.with_suffix('.html')}")


if __name__ == "__main__":
    run_tool(main)
