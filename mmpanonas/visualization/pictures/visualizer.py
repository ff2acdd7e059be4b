"""MMDetection's visualizer, drawing panels: picture, ground truth and prediction side by side."""

import mmcv
import numpy as np
from mmdet.registry import VISUALIZERS
from mmdet.structures import DetDataSample
from mmdet.visualization import DetLocalVisualizer
from mmengine.dist import master_only

from mmpanonas.visualization.canvas import figure_pixels
from mmpanonas.visualization.pictures.hook import panel_sample
from mmpanonas.visualization.pictures.panels import panel_figure
from mmpanonas.visualization.pictures.segments import known_palette


@VISUALIZERS.register_module()
class PanopticVisualizer(DetLocalVisualizer):
    """Draws what has a panoptic prediction as ``tools/test.py --show-dir`` does, else as its base.

    Set it as a config's ``visualizer``: MMDetection's ``DetVisualizationHook`` and inferencer and
    the back ends of TensorBoard then get our panels.
    """

    @master_only
    def add_datasample(
        self,
        name: str,
        image: np.ndarray,
        data_sample: DetDataSample | None = None,
        draw_gt: bool = True,
        draw_pred: bool = True,
        show: bool = False,
        wait_time: float = 0,
        out_file: str | None = None,
        pred_score_thr: float = 0.3,
        step: int = 0,
    ) -> None:
        """Draw one picture, RGB (H, W, 3); arguments are MMDetection's.

        The segments are those that the fusion left: ``pred_score_thr`` does not apply.
        """
        classes = (self.dataset_meta or {}).get("classes")
        if classes is None or "pred_panoptic_seg" not in (data_sample or ()):
            super().add_datasample(
                name, image, data_sample, draw_gt, draw_pred, show, wait_time, out_file,
                pred_score_thr, step,
            )  # fmt: skip
            return
        panel = panel_sample(
            data_sample, np.ascontiguousarray(image), len(classes), draw_gt, draw_pred, name
        )
        drawn = figure_pixels(panel_figure([panel], classes, known_palette(self.dataset_meta)))
        self.set_image(drawn)
        if show:
            self.show(drawn, win_name=name, wait_time=wait_time)
        if out_file is None:
            self.add_image(name, drawn, step)
        else:
            mmcv.imwrite(drawn[..., ::-1], out_file)
