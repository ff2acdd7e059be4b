"""Does a supernet rank networks as training alone does, and which step of the search matters?

Trains the supernets and, each alone, a sample of networks; scores the sample in the supernets;
searches; trains what was found. Writes one results file, and beside it a page (.html) about it.
CONFIG holds study=dict(...): see studies/ranking/README.md. Started again, the study goes on.
"""

import argparse

from mmpanonas.errors import run_tool
from mmpanonas.parser import of_kind
from mmpanonas.values import Resamples
from studies.options import study_parser


def parse() -> argparse.Namespace:
    """The command line."""
    parser = study_parser(__doc__)
    parser.add_argument(
        "--resamples", type=of_kind(Resamples), default=2000, help="of every bootstrap (2000)"
    )
    return parser.parse_args()


if __name__ == "__main__":  # a wrong command line ends here: what follows takes seconds
    run_tool(parse)

from studies.ranking.answers import answers
from studies.ranking.collecting import collect
from studies.ranking.jobs import JOBS
from studies.ranking.page import write_ranking_page
from studies.ranking.study import Study
from studies.running import run_study


def main() -> None:
    """Parse; do one job, or all that are not done."""
    args = parse()

    def results_of(study: Study) -> dict:
        found = collect(study)
        return found | dict(answers=answers(found, args.resamples))

    run_study(args, Study, JOBS, results_of, write_ranking_page)


if __name__ == "__main__":
    run_tool(main)
