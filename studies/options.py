"""The command line of a study."""

import argparse

from mmpanonas.command_line import make_parser
from mmpanonas.parser import of_kind
from mmpanonas.paths import FILE, NEW_FILE
from mmpanonas.values import Workers


def study_parser(doc: str | None) -> argparse.ArgumentParser:
    """The options that every study has; ``doc`` is what its help says."""
    parser = make_parser(doc, launcher=False)
    parser.add_argument(
        "--workers", type=of_kind(Workers), default=1, help="networks trained side by side"
    )
    parser.add_argument("--out", type=NEW_FILE, help="results file (results.json in the work dir)")
    parser.add_argument("--job", type=FILE, help="do this job alone (a file of jobs/)")
    return parser
