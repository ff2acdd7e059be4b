"""Which trade-offs of a score against a cost nothing beats."""

from collections.abc import Sequence


def pareto_front(points: Sequence[tuple[float, float]]) -> list[int]:
    """Places of the (score, cost) points that none dominates, by rising cost.

    A point dominates another that scores no better, costs no less, and differs; of equal
    points the first is on the front.
    """
    front: list[int] = []
    order = sorted(range(len(points)), key=lambda i: (points[i][1], -points[i][0]))  # stable
    for place in order:
        if not front or points[place][0] > points[front[-1]][0]:
            front.append(place)
    return front
