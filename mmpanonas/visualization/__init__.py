"""Pictures: architectures, panels, what a pipeline feeds, searches, reports."""

from mmpanonas.visualization.architecture.diagram import draw_arch
from mmpanonas.visualization.charts.curves import draw_front, draw_search
from mmpanonas.visualization.charts.heat_maps import draw_scoreboard
from mmpanonas.visualization.pictures.hook import PanopticPanelHook
from mmpanonas.visualization.pictures.panels import PanelSample, draw_panels, panel_figure
from mmpanonas.visualization.pictures.pipeline_sample import pipeline_sample
from mmpanonas.visualization.pictures.visualizer import PanopticVisualizer
from mmpanonas.visualization.report.report import write_report

__all__ = [
    "PanelSample",
    "PanopticPanelHook",
    "PanopticVisualizer",
    "draw_arch",
    "draw_front",
    "draw_panels",
    "draw_scoreboard",
    "draw_search",
    "panel_figure",
    "pipeline_sample",
    "write_report",
]
