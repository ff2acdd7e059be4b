"""MMDetection's inferencer for panoptic maps: pictures of them, and files in the COCO format."""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import torch
from mmdet.apis import DetInferencer
from mmdet.structures import DetDataSample
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from tqdm import tqdm

from mmpanonas.checkpoints.files import trained_meta
from mmpanonas.checkpoints.reading import trust_checkpoints
from mmpanonas.config import load_config, read_config
from mmpanonas.datasets import Classes
from mmpanonas.errors import InputError, in_a_line
from mmpanonas.evaluation import PanopticResults, prediction_ids, read_category_ids
from mmpanonas.file_names import picture_names
from mmpanonas.inference.found import Found
from mmpanonas.inference.network import build_network, read_checkpoint, test_meta
from mmpanonas.inference.options import check_device, check_folders, refuse_options
from mmpanonas.inference.pictures import Picture, list_pictures, read_bgr
from mmpanonas.printing import BAR
from mmpanonas.visualization import PanelSample, panel_figure
from mmpanonas.visualization.canvas import figure_pixels, save_figure
from mmpanonas.visualization.pictures.segments import known_palette


def _said(error: Exception, picture: str | np.ndarray, number: int) -> str:
    if isinstance(error, InputError):
        return str(error)
    name = picture if isinstance(picture, str) else f"picture {number}"
    return (
        f"{name} does not fit the pipeline: {getattr(error, 'err', '') or in_a_line(error)[:300]}"
    )


class PanopticInferencer(DetInferencer):
    """Segments pictures with one network, searched or not.

    Class names and colours are those that the checkpoint was trained with; where it names none,
    those of the config's test data set.

    Args:
        config: of the network, such as ``coco/retrain.py``.
        checkpoint: of this config's network.
        device: where it runs; the first GPU, or the CPU, by default.
        cfg_options: overrides of config keys, such as ``{"model.arch": "arch.json"}``.
        ann_file: annotation file whose category ids the results use; label + 1 by default.
        show_progress: show a bar.

    Raises:
        InputError: no such file or device, or the checkpoint is of another network than the config.
    """

    #: Of an ``out_dir``, and which of no_save_vis and no_save_pred leaves it out.
    FOLDERS = {"vis": 0, "results.panoptic": 1}

    def __init__(
        self,
        config: str | os.PathLike,
        checkpoint: str | os.PathLike,
        device: str | None = None,
        cfg_options: dict | None = None,
        ann_file: str | os.PathLike | None = None,
        show_progress: bool = True,
    ) -> None:
        trust_checkpoints(_trusts(config, cfg_options))
        check_device(device)
        if ann_file:
            read_category_ids(ann_file, ())  # a wrong file is found before weights are read
        content = read_checkpoint(checkpoint)
        meta = trained_meta(content)
        cfg = load_config(config, cfg_options, Classes.of_meta(meta))
        self.checkpoint_path = checkpoint
        super().__init__(cfg, content, device=device, show_progress=False)
        self.show_bar = show_progress
        self.classes = list(self.model.dataset_meta["classes"])
        self.category_ids = ann_file and read_category_ids(ann_file, self.classes)

    def __call__(
        self,
        inputs: Picture | Iterable[Picture],
        batch_size: int = 1,
        return_vis: bool = False,
        no_save_vis: bool = False,
        return_datasamples: bool = False,
        print_result: bool = False,
        no_save_pred: bool = False,
        out_dir: str | os.PathLike = "",
        **others,
    ) -> dict:
        """Segment pictures, one or several: paths, folders, URLs, arrays, tensors, PIL's.

        With ``out_dir`` the results are written there: ``results.panoptic.json`` and the folder
        ``results.panoptic`` as :class:`PanopticResults` says (the JSON also has ``images``), and
        the folder ``vis`` of drawn results, unless ``no_save_pred`` and ``no_save_vis`` forbid it.

        Args:
            inputs: see :func:`list_pictures`.
            others: further options of MMDetection's inferencer, which mean nothing here: refused.

        Returns:
            ``predictions``, one for each picture: ``image_id`` (its number from 1), ``img_path``,
            ``height``, ``width``, ``file_name`` of the PNG, ``segments_info`` (``id``,
            ``category_id`` and ``area`` in pixels) and, unless the PNG was written,
            ``panoptic_seg``: segment ids, int (H, W), 0 is void; with ``return_datasamples``
            MMDetection's data samples instead. ``visualization``, RGB arrays of the drawn results
            if ``return_vis``.

        Raises:
            PicturesError: some pictures cannot be decoded or drawn, or results cannot be written;
                all that could be done was, and its ``results`` are what would be returned.
            InputError: a picture is missing or none at all, a folder holds none, an option that
                means nothing here, or ``out_dir`` would overwrite the inputs.
        """
        refuse_options(batch_size, others)
        pictures = list_pictures(inputs)
        names = picture_names(pictures)
        folders = [name for name, no in self.FOLDERS.items() if not (no_save_vis, no_save_pred)[no]]
        if out_dir:
            check_folders([Path(out_dir) / folder for folder in folders], names, pictures)
        pred_dir, found = "" if no_save_pred else str(out_dir), Found(out_dir)
        draw = partial(
            self.visualize,
            return_vis=return_vis,
            no_save_vis=no_save_vis,
            img_out_dir=str(out_dir),
        )
        batches = self.preprocess(pictures, batch_size, names=names, bad=found.problems)
        with found.writing(partial(self._write_found, found, pred_dir)):
            for images, data in batches:
                samples = found.predict(self.forward, data)
                if not samples:
                    continue
                batch = [self.pred2dict(sample, pred_dir) for sample in samples]
                found.entries += batch
                found.results["predictions"] += samples if return_datasamples else batch
                if print_result:
                    print(dict(predictions=batch))
                found.draw(images, samples, draw)
        return found.end(len(pictures))

    def _write_found(self, found: Found, pred_dir: str) -> None:
        """Write the JSON of what was found, if it is wanted."""
        if pred_dir and found.entries:
            found.write_json(self.results(pred_dir))

    def results(self, out_dir: str | os.PathLike = "") -> PanopticResults:
        """The files that are written below ``out_dir``; ``categories`` names the category ids."""
        things = len(self.model.dataset_meta["thing_classes"])
        return PanopticResults(Path(out_dir) / "results", self.classes, things, self.category_ids)

    def _init_model(self, cfg: Config, weights: dict, device: str = "cpu") -> torch.nn.Module:
        """The network with all its weights from ``weights``, the checkpoint's content."""
        model = build_network(cfg.model, weights, self.checkpoint_path)
        model.dataset_meta = trained_meta(weights) or test_meta(cfg)
        model.cfg = cfg
        return model.to(device).eval()

    def _init_collate(self, cfg: Config) -> Callable:
        return pseudo_collate

    def _init_visualizer(self, cfg: Config) -> None:
        """None: MMDetection's would open log files; :meth:`visualize` draws."""

    def preprocess(
        self,
        inputs: Sequence[str | np.ndarray],
        batch_size: int = 1,
        *,
        names: Sequence[str],
        bad: list[str],
        **kwargs,
    ) -> Iterator[tuple[list[np.ndarray], dict]]:
        """Batches: the pictures, BGR, and what the network takes; each sample gets its number,
        its path and ``stem``, its name. A picture that cannot be read adds a line to ``bad``."""
        batch: list[tuple[np.ndarray, dict]] = []
        with tqdm(total=len(inputs), desc="inference", disable=not self.show_bar, **BAR) as bar:
            for number, (picture, name) in enumerate(zip(inputs, names, strict=True), 1):
                try:
                    pixels = read_bgr(picture)
                    packed = self.pipeline(pixels)
                except Exception as error:  # a picture must not cost the results of the others
                    bad.append(_said(error, picture, number))
                else:
                    path = "" if isinstance(picture, np.ndarray) else picture
                    packed["data_samples"].set_metainfo(
                        dict(img_id=number, img_path=path, stem=name)
                    )
                    batch.append((pixels, packed))
                if batch and (len(batch) == batch_size or number == len(inputs)):
                    yield [one for one, _ in batch], self.collate_fn([data for _, data in batch])
                    batch = []
                bar.update()

    def visualize(
        self,
        inputs: Sequence[np.ndarray],
        preds: Sequence[DetDataSample],
        return_vis: bool = False,
        show: bool = False,
        no_save_vis: bool = False,
        img_out_dir: str = "",
        **kwargs,
    ) -> list[np.ndarray] | None:
        """Draw each picture beside its panoptic map into ``<img_out_dir>/vis``.

        Raises:
            InputError: ``show``, since there is no window.
        """
        if show:
            raise InputError("show=True opens no window here: give out_dir, or return_vis=True")
        if not return_vis and (no_save_vis or not img_out_dir):
            return None
        drawn = []
        for picture, sample in zip(inputs, preds, strict=True):
            prediction = sample.pred_panoptic_seg.sem_seg[0].cpu().numpy()
            panel = PanelSample(picture[..., ::-1], prediction, name=sample.stem)
            figure = panel_figure([panel], self.classes, known_palette(self.model.dataset_meta))
            if img_out_dir and not no_save_vis:
                save_figure(figure, Path(img_out_dir) / "vis" / f"{sample.stem}.png")
            if return_vis:
                drawn.append(figure_pixels(figure))
        return drawn if return_vis else None

    def pred2dict(self, data_sample: DetDataSample, pred_out_dir: str = "") -> dict:
        """A picture's prediction, see :meth:`__call__`; its PNG is written below the folder."""
        results = self.results(pred_out_dir)
        ids = prediction_ids(data_sample.to_dict(), len(self.classes))
        height, width = ids.shape
        found = results.annotation(data_sample.img_id, data_sample.stem, ids)
        found |= dict(img_path=data_sample.img_path, height=height, width=width)
        if pred_out_dir:
            results.write_png(data_sample.stem, ids)
            return found
        return found | dict(panoptic_seg=ids)


def _trusts(config: str | os.PathLike, options: dict | None) -> object:
    """What the config says of checkpoints, before the classes that one of them names are known."""
    written = read_config(config) if Path(config).is_file() else {}
    return {**written, **(options or {})}.get("trust_checkpoint", False)
