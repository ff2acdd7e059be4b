"""The choices, an architecture, its cost, fronts. Python and NumPy only."""

from mmpanonas.files import write_atomically
from mmpanonas.space.arch import (
    ATTENTION_CHOICES,
    BACKBONE_CHOICES,
    HEAD_CHOICES,
    PART_CHOICES,
    Arch,
    ArchError,
)
from mmpanonas.space.budget import Budget, BudgetError
from mmpanonas.space.cost import Cost, backbone_cost, cost_range, network_cost
from mmpanonas.space.front import pareto_front
from mmpanonas.space.latency import LatencyTable
from mmpanonas.space.measure import REPORTED, CostMeasure
from mmpanonas.space.model import check_counted, kind_of, space_of, uncounted
from mmpanonas.space.shape import NetworkShape
from mmpanonas.space.space import ABSENT, Part, SearchSpace

__all__ = [
    "ABSENT",
    "ATTENTION_CHOICES",
    "BACKBONE_CHOICES",
    "HEAD_CHOICES",
    "PART_CHOICES",
    "REPORTED",
    "Arch",
    "ArchError",
    "Budget",
    "BudgetError",
    "Cost",
    "CostMeasure",
    "LatencyTable",
    "NetworkShape",
    "Part",
    "SearchSpace",
    "backbone_cost",
    "check_counted",
    "cost_range",
    "kind_of",
    "network_cost",
    "pareto_front",
    "space_of",
    "uncounted",
    "write_atomically",
]
