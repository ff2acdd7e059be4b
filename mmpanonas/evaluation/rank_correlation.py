"""How far the order of one list of scores agrees with that of another.

Between supernet scores and stand-alone results this says whether a search ranks rightly.
"""

import csv
import math
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
from scipy import stats

from mmpanonas.errors import InputError
from mmpanonas.evaluation.bootstrap import Estimate, bootstrap
from mmpanonas.files import parse_json
from mmpanonas.space import Arch

LEAST_PAIRS = 3  # of two pairs, every order agrees wholly or not at all
#: Coefficients from -1 (reversed) to 1 (same order).
COEFFICIENTS = {"kendall_tau": stats.kendalltau, "spearman_rho": stats.spearmanr}


def rank_correlation(
    first: Sequence[float], second: Sequence[float], resamples: int = 2000, seed: int = 0
) -> dict[str, Estimate]:
    """``kendall_tau`` (tau-b, right for ties) and ``spearman_rho`` of paired scores.

    The interval is the percentile bootstrap's: both coefficients of ``resamples`` draws of
    pairs with replacement; draws in which all scores of a list are equal say nothing and
    are left out.

    Raises:
        InputError: fewer than three pairs or 100 resamples, a list whose scores are all
            equal, or lists of different lengths.
    """
    if len(first) != len(second):
        raise InputError(f"expected as many scores in both lists, got {len(first)}, {len(second)}")
    if len(first) < LEAST_PAIRS:
        raise InputError(f"a rank correlation needs {LEAST_PAIRS} pairs or more, got {len(first)}")
    pairs = np.array([first, second], float)
    if (np.ptp(pairs, axis=1) == 0).any():
        raise InputError("all scores of one list are equal: their order cannot be compared")
    return {
        name: bootstrap(
            lambda drawn, c=coefficient: correlate(*pairs[:, drawn], c),
            len(first),
            resamples=resamples,
            seed=seed,
        )
        for name, coefficient in COEFFICIENTS.items()
    }


def correlate(
    first: np.ndarray, second: np.ndarray, coefficient: Callable = stats.kendalltau
) -> float:
    """The coefficient of paired scores, NaN where all scores of a list are equal."""
    if not (np.ptp(first) and np.ptp(second)):
        return math.nan
    return float(coefficient(first, second).statistic)


def read_stand_alone(path: str | os.PathLike) -> list[tuple[int | Arch, float]]:
    """Results of networks trained alone: (candidate's index or architecture, score) each.

    A ``.json`` file is a list of objects, a ``.csv`` file has a line of heads; each row has
    ``score``, and ``index`` or ``arch`` (in JSON as in ``arch.json``; in CSV that as text).

    Raises:
        InputError: no such file, another suffix, or a row that lacks something; the message
            names the row.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"stand-alone results {path} do not exist")
    if path.suffix not in (".json", ".csv"):
        raise InputError(f"stand-alone results {path}: expected a .json or .csv file")
    found, rows = [], _rows(path)
    if not rows:
        raise InputError(f"stand-alone results {path} hold no result")
    for number, row in enumerate(rows, 1):
        try:
            found.append(_entry(row))
        except (KeyError, TypeError, ValueError) as error:
            what = f"lacks {error}" if isinstance(error, KeyError) else error
            raise InputError(
                f"{path}, result {number}: expected score, and index or arch ({what})"
            ) from None
    return found


def _rows(path: Path) -> list[Mapping]:
    if path.suffix == ".csv":
        try:
            with path.open(newline="", encoding="utf-8-sig") as file:
                return list(csv.DictReader(file))
        except (ValueError, csv.Error) as error:
            raise InputError(f"stand-alone results {path}: not CSV ({error})") from None
    try:
        data = parse_json(path.read_bytes())
    except ValueError as error:
        raise InputError(f"stand-alone results {path}: not JSON ({error})") from None
    if not isinstance(data, list):
        raise InputError(f"stand-alone results {path}: expected a list of objects")
    return data


def _entry(row: Mapping) -> tuple[int | Arch, float]:
    score = float(row["score"])
    if not math.isfinite(score):
        raise ValueError(f"score {score}")
    if row.get("index") not in (None, ""):
        return int(row["index"]), score
    arch = row["arch"]
    return Arch.load(parse_json(arch) if isinstance(arch, str) else arch), score


def pair_scores(
    supernet: Mapping[int, tuple[Arch, float | None]], alone: Sequence[tuple[int | Arch, float]]
) -> dict[int, tuple[float, float]]:
    """Supernet and stand-alone score of every candidate that was trained alone, by index.

    ``supernet`` holds architecture and score by index. Several stand-alone results of a
    candidate, such as of different seeds, count as their mean.

    Raises:
        InputError: a stand-alone result of no candidate, or of one without a score.
    """
    known = {arch: index for index, (arch, _) in supernet.items()}
    scores: dict[int, list[float]] = {}
    for key, score in alone:
        index = known.get(key) if isinstance(key, Arch) else key
        if index not in supernet:
            name = "an architecture" if isinstance(key, Arch) else f"candidate {key}"
            raise InputError(f"there is a stand-alone result of {name} that the search lacks")
        if supernet[index][1] is None:
            raise InputError(
                f"candidate {index} has no score of the supernet: leave its stand-alone result out"
            )
        scores.setdefault(index, []).append(score)
    return {index: (supernet[index][1], float(np.mean(s))) for index, s in sorted(scores.items())}
