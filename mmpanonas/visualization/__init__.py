"""Pictures: architectures, panels, what a pipeline feeds, trainings, searches, reports."""

from mmpanonas.visualization.arch_diagram import draw_arch
from mmpanonas.visualization.curves import draw_front, draw_search
from mmpanonas.visualization.fed import fed_sample
from mmpanonas.visualization.panel_hook import PanopticPanelHook
from mmpanonas.visualization.panels import PanelSample, draw_panel, draw_panels, panel_figure
from mmpanonas.visualization.report import write_report
from mmpanonas.visualization.scoreboard import draw_scoreboard
from mmpanonas.visualization.training import TrainingCurves, draw_training, read_training

__all__ = [
    "PanelSample",
    "PanopticPanelHook",
    "TrainingCurves",
    "draw_arch",
    "draw_front",
    "draw_panel",
    "draw_panels",
    "draw_scoreboard",
    "draw_search",
    "draw_training",
    "fed_sample",
    "panel_figure",
    "read_training",
    "write_report",
]
