"""The choices, an architecture, its cost, fronts. Python and NumPy only."""

from mmpanonas.space.arch import Arch
from mmpanonas.space.budget import Budget, BudgetError
from mmpanonas.space.cost import Cost, backbone_cost, cost_range, network_cost
from mmpanonas.space.elastic import MULTIPLE, depth, scaled, skipped
from mmpanonas.space.latency import LatencyTable
from mmpanonas.space.limits import Limits
from mmpanonas.space.measure import REPORTED, CostMeasure, pareto_front
from mmpanonas.space.model import (
    active_arch,
    check_counted,
    kind_of,
    parts_of,
    set_arch,
    space_of,
    uncounted,
)
from mmpanonas.space.operations import (
    OPERATIONS,
    PARTS,
    ArchError,
    Conv,
    Operation,
    PartKind,
    operations_of,
    register_operation,
    register_part,
)
from mmpanonas.space.published import (
    ATTENTION_CHOICES,
    BACKBONE_CHOICES,
    HEAD_CHOICES,
    PART_CHOICES,
)
from mmpanonas.space.shape import NetworkShape
from mmpanonas.space.space import ABSENT, Part, SearchSpace

__all__ = [
    "ABSENT",
    "ATTENTION_CHOICES",
    "BACKBONE_CHOICES",
    "HEAD_CHOICES",
    "MULTIPLE",
    "OPERATIONS",
    "PARTS",
    "PART_CHOICES",
    "REPORTED",
    "Arch",
    "ArchError",
    "Budget",
    "BudgetError",
    "Conv",
    "Cost",
    "CostMeasure",
    "LatencyTable",
    "Limits",
    "NetworkShape",
    "Operation",
    "Part",
    "PartKind",
    "SearchSpace",
    "active_arch",
    "backbone_cost",
    "check_counted",
    "cost_range",
    "depth",
    "kind_of",
    "network_cost",
    "operations_of",
    "pareto_front",
    "parts_of",
    "register_operation",
    "register_part",
    "scaled",
    "set_arch",
    "skipped",
    "space_of",
    "uncounted",
]
