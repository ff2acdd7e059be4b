"""The loop of a search, which joins strategy, process, records and model."""

from mmpanonas.search.evaluator import CandidateEvaluator, EvaluationSettings
from mmpanonas.search.loop import SearchLoop

__all__ = ["CandidateEvaluator", "EvaluationSettings", "SearchLoop"]
