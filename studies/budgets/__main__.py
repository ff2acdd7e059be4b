"""Does a searched network beat those of equal cost that nobody searched?

Trains one elastic supernet, searches it within each budget, trains what was found and its rivals.
Writes one results file, and beside it a page (.html) about it. CONFIG holds budgets=dict(...): see
studies/budgets/README.md. Started again, the study goes on.
"""

import argparse

from mmpanonas.errors import run_tool
from studies.options import study_parser


def parse() -> argparse.Namespace:
    """The command line."""
    return study_parser(__doc__).parse_args()


if __name__ == "__main__":  # a wrong command line ends here: what follows takes seconds
    run_tool(parse)

from studies.budgets.answers import answers
from studies.budgets.collecting import collect
from studies.budgets.jobs import JOBS
from studies.budgets.page import write_budget_page
from studies.budgets.study import BudgetStudy
from studies.running import run_study


def results_of(study: BudgetStudy) -> dict:
    """Of all jobs, with their answers."""
    found = collect(study)
    return found | dict(answers=answers(found))


def main() -> None:
    """Parse; do one job, or all that are not done."""
    run_study(parse(), BudgetStudy, JOBS, results_of, write_budget_page)


if __name__ == "__main__":
    run_tool(main)
