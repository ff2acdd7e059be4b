"""The results of a ranking study, and how they are read.

Results are plain data: ``networks`` (each with ``group``, ``scores`` by "sampling/recalibration"
and ``alone``, a list with one result per seed: ``fusions`` by name, each ``PQ``, ``PQ_th`` and
``PQ_st``), ``searches`` (``strategy``, ``network``) and ``choices`` (``strategy``, ``network``,
``baseline``), which hold places in ``networks``.
"""

from collections.abc import Mapping

import numpy as np


def drawn(results: Mapping) -> list[Mapping]:
    """The networks of the sample; others were trained because a search found them."""
    return [network for network in results["networks"] if network["group"] == "drawn"]


def pq(network: Mapping, seed: int = 0) -> float:
    """Stand-alone PQ of one seed, under the first fusion."""
    return next(iter(network["alone"][seed]["fusions"].values()))["PQ"]


def scores_of(results: Mapping, key: str) -> np.ndarray:
    """The supernet scores of the sample."""
    return np.array([network["scores"][key] for network in drawn(results)])


def main_key(results: Mapping) -> str:
    """The sampling and the recalibration that searches use: the first of each."""
    plan = results["plan"]
    return f"{next(iter(plan['samplings']))}/{next(iter(plan['recalibrations']))}"
