"""Any data set in COCO panoptic format, its classes taken from the annotation file."""

import os.path as osp
from collections.abc import Sequence

import cv2
import numpy as np
from mmdet.datasets import ADE20KSegDataset, CocoPanopticDataset
from mmdet.registry import DATASETS

from mmpanonas.datasets.annotation_file import (
    read_categories,
    read_panoptic_json,
    split_categories,
)
from mmpanonas.errors import InputError

__all__ = ["PanopticDataset", "make_palette", "read_categories"]


def make_palette(classes: Sequence[str]) -> list[tuple[int, int, int]]:
    """One RGB colour per class, the same at every call.

    Names known to COCO panoptic or to ADE20K (whichever knows more of them) keep that data
    set's colour; each other class takes the colour of a grid that is farthest (CIELAB) from
    black, which shows void, and from all colours taken before.
    """
    coco, ade = CocoPanopticDataset.METAINFO, ADE20KSegDataset.METAINFO
    tables = [dict(zip(meta["classes"], meta["palette"], strict=True)) for meta in (coco, ade)]
    known = max(tables, key=lambda table: sum(name in table for name in classes))
    taken = [(0, 0, 0), *(known[name] for name in classes if name in known)]
    grid = np.stack(np.meshgrid(*[np.arange(3, 256, 36)] * 3, indexing="ij"), -1).reshape(-1, 3)
    grid_lab = _rgb_to_lab(grid)
    distance = np.linalg.norm(grid_lab[:, None] - _rgb_to_lab(np.array(taken)), axis=-1).min(1)
    palette = []
    for name in classes:
        if name in known:
            palette.append(tuple(known[name]))
            continue
        best = int(distance.argmax())
        palette.append(tuple(int(value) for value in grid[best]))
        distance = np.minimum(distance, np.linalg.norm(grid_lab - grid_lab[best], axis=-1))
    return palette


@DATASETS.register_module()
class PanopticDataset(CocoPanopticDataset):
    """Data set in COCO panoptic format that takes its classes from its annotation file.

    Labels are the file's things in its order, then its stuff. A ``metainfo`` with ``classes``
    (things first) replaces that: segments of other categories become void. The segment PNG is
    the one that the annotation names. An image may lack segments or an annotation, and the
    file may lack annotations altogether (inference).

    Args: those of :class:`mmdet.datasets.CocoPanopticDataset`.

    Raises:
        InputError: the annotation file does not exist or is not in COCO panoptic format, or
            ``metainfo`` does not fit it.
    """

    METAINFO: dict = {}

    def __init__(
        self, ann_file: str = "", metainfo: dict | None = None, *, lazy_init: bool = False, **kwargs
    ) -> None:
        # mmdet's own default, None, is refused by mmengine.
        kwargs.setdefault("data_prefix", {"img": "", "seg": ""})
        super().__init__(ann_file=ann_file, metainfo=metainfo, lazy_init=True, **kwargs)
        self._content = read_panoptic_json(self.ann_file, self.backend_args)
        self._set_classes()
        if lazy_init:
            del self._content
        else:
            self.full_init()

    def _set_classes(self) -> None:
        """Complete ``self._metainfo`` and map category ids to labels."""
        things, stuff = split_categories(self._content["categories"], self.ann_file)
        given = self._metainfo
        classes = tuple(given.get("classes", things + stuff))
        unknown = [name for name in classes if name not in things + stuff]
        if unknown and self._content["annotations"]:
            raise InputError(
                f"metainfo has the classes {unknown}, which annotation file '{self.ann_file}' "
                f"lacks; it has the things {things} and the stuff {stuff}"
            )
        given.setdefault("thing_classes", tuple(name for name in classes if name in things))
        given["thing_classes"] = tuple(given["thing_classes"])
        given.setdefault("stuff_classes", classes[len(given["thing_classes"]) :])
        given["stuff_classes"] = tuple(given["stuff_classes"])
        if given["thing_classes"] + given["stuff_classes"] != classes or (
            set(given["thing_classes"]) & set(stuff) or set(given["stuff_classes"]) & set(things)
        ):
            raise InputError(
                f"metainfo has the classes {classes}, things {given['thing_classes']} and stuff "
                f"{given['stuff_classes']}; classes must be the things, then the stuff, as "
                f"annotation file '{self.ann_file}' divides them: things {things}, stuff {stuff}"
            )
        given["classes"] = classes
        given.setdefault("palette", make_palette(classes))
        categories = [entry for entry in self._content["categories"] if entry["name"] in classes]
        self.cat_ids = [category["id"] for category in categories]
        self.cat2label = {entry["id"]: classes.index(entry["name"]) for entry in categories}
        self._known_ids = {category["id"] for category in self._content["categories"]}

    def load_data_list(self) -> list[dict]:
        """Parse the annotation file in one pass; see :meth:`parse_data_info` for an entry."""
        content = self.__dict__.pop("_content", None)
        if content is None:
            content = read_panoptic_json(self.ann_file, self.backend_args)
        annotations = {annotation["image_id"]: annotation for annotation in content["annotations"]}
        image_ids = {image["id"] for image in content["images"]}
        for what, entries, distinct in (
            ("images", content["images"], image_ids),
            ("annotations of one image", content["annotations"], annotations),
        ):
            if len(distinct) != len(entries):
                raise InputError(
                    f"annotation file '{self.ann_file}' has {len(entries)} {what} but only "
                    f"{len(distinct)} image ids among them; give each image its own id and one "
                    "annotation"
                )
        return [
            self.parse_data_info(
                {"raw_img_info": image, "raw_ann_info": annotations.get(image["id"])}
            )
            for image in content["images"]
        ]

    def parse_data_info(self, raw_data_info: dict) -> dict:
        """Turn an image entry and its annotation entry (or None) into a sample's dictionary.

        It equals what :class:`CocoPanopticDataset` gives. If segments are left out (area or
        box below one pixel, category not among the classes), their ids are in ``void_ids``.
        """
        image, annotation = raw_data_info["raw_img_info"], raw_data_info["raw_ann_info"]
        data_info = {
            "img_path": osp.join(self.data_prefix["img"] or "", image["file_name"]),
            "img_id": image["id"],
            "seg_map_path": None,
            "height": image["height"],
            "width": image["width"],
            "instances": [],
            "segments_info": [],
        }
        if self.return_classes:
            data_info["text"] = self._metainfo["thing_classes"]
            data_info["stuff_text"] = self._metainfo["stuff_classes"]
            data_info["custom_entities"] = True
        if annotation is None:
            return data_info
        if self.data_prefix.get("seg"):
            png = annotation.get("file_name") or osp.splitext(image["file_name"])[0] + ".png"
            data_info["seg_map_path"] = osp.join(self.data_prefix["seg"], png)
        void_ids = [
            segment["id"]
            for segment in annotation["segments_info"]
            if not self._add_segment(data_info, segment)
        ]
        if void_ids:
            data_info["void_ids"] = void_ids
        return data_info

    def _add_segment(self, data_info: dict, segment: dict) -> bool:
        """Add a segment to a sample's dictionary; False if it counts as void."""
        label = self.cat2label.get(segment["category_id"])
        if label is None and segment["category_id"] not in self._known_ids:
            raise InputError(
                f"segment {segment['id']} of image {data_info['img_id']} in '{self.ann_file}' has "
                f"category {segment['category_id']}, which the file's categories lack; they have "
                f"the ids {sorted(self._known_ids)}"
            )
        x, y, width, height = segment["bbox"]
        if label is None or segment["area"] <= 0 or width < 1 or height < 1:
            return False
        is_thing = label < len(self._metainfo["thing_classes"]) and not segment.get("iscrowd", 0)
        data_info["segments_info"].append(
            {"id": segment["id"], "category": label, "is_thing": is_thing}
        )
        if is_thing:
            box = [x, y, x + width, y + height]
            data_info["instances"].append({"bbox": box, "bbox_label": label, "ignore_flag": 0})
        return True


def _rgb_to_lab(colours: np.ndarray) -> np.ndarray:
    """RGB colours 0..255 (N, 3) as CIELAB (N, 3)."""
    return cv2.cvtColor((colours[:, None] / 255).astype(np.float32), cv2.COLOR_RGB2LAB)[:, 0]
