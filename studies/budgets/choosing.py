"""Which of many architectures are worth a training."""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from mmpanonas.space import OPERATIONS, Arch, SearchSpace

#: Strengths of the ridge that are tried; the one that predicts left-out networks best is taken.
_STRENGTHS = np.logspace(-2, 3, 26)


def unlike(scores: Mapping[Arch, float], space: SearchSpace, count: int) -> list[Arch]:
    """The best ``count`` architectures, best first, of which any two differ in a quarter of all
    decisions at least: relatives of the best one score alike and say little more.

    Where too few differ so much, less is asked for.
    """
    order = sorted(scores, key=scores.__getitem__, reverse=True)
    codes = {arch: space.encode(arch) for arch in order}
    for least in range(math.ceil(len(space.num_choices) / 4), -1, -1):
        found: list[Arch] = []
        for arch in order:
            if len(found) < count and all(
                (codes[arch] != codes[other]).sum() >= least for other in found
            ):
                found.append(arch)
        if len(found) == min(count, len(order)):
            break
    return found


def predict(
    space: SearchSpace, known: Mapping[Arch, float], pool: Sequence[Arch]
) -> dict[Arch, float]:
    """The score of each of ``pool`` by a ridge regression on the choices of ``known``.

    A width is the logarithm of its factor, any other choice an indicator. The strength of the ridge
    is the one with the least squared error on networks that are left out, one at a time.
    """
    features = np.stack([_features(space, arch) for arch in known])
    scores = np.array(list(known.values()))
    centre, mean = features.mean(0), scores.mean()
    kernel = (features - centre) @ (features - centre).T
    weights = min(_left_out(kernel, scores - mean, each) for each in _STRENGTHS)[1]
    found = np.stack([_features(space, arch) for arch in pool]) - centre
    answers = found @ (features - centre).T @ np.array(weights) + mean
    return dict(zip(pool, answers.tolist(), strict=True))


def _left_out(kernel: np.ndarray, scores: np.ndarray, strength: float) -> tuple[float, list[float]]:
    """Mean squared error on networks left out one at a time, and the dual weights of the ridge.

    The mean takes part as one more direction without penalty, which the hat matrix counts.
    """
    number = len(scores)
    inverse = np.linalg.inv(kernel + strength * np.eye(number))
    hat = kernel @ inverse + 1 / number
    errors = (scores - hat @ scores) / (1 - np.diag(hat))
    return float((errors**2).mean()), list(inverse @ scores)


def _features(space: SearchSpace, arch: Arch) -> np.ndarray:
    found: list[float] = []
    for part in space.searched:
        for layer, code in enumerate(part.encode(getattr(arch, part.name))):
            row = part.rows[layer]
            if OPERATIONS[row[0]].factor:
                found.append(math.log(OPERATIONS[row[code]].factor))
            else:
                found += [float(code == place) for place in range(len(row))]
    return np.array(found)
