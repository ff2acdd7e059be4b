"""Any data set in COCO panoptic format, its classes taken from the annotation file."""

import os.path as osp
from collections.abc import Sequence

from mmdet.datasets import CocoPanopticDataset
from mmdet.registry import DATASETS
from mmengine.logging import print_log

from mmpanonas.datasets.annotations.file import (
    Head,
    read_categories,
    read_head,
    read_panoptic_json,
    split_categories,
)
from mmpanonas.datasets.classes import Classes
from mmpanonas.datasets.palette import make_palette
from mmpanonas.datasets.whole_things import read_things
from mmpanonas.errors import InputError
from mmpanonas.values import checked

_NO_THINGS = "filter_empty_gt"

__all__ = ["PanopticDataset", "make_palette", "read_categories"]


class NoKindsError(InputError):
    """Neither the annotation file nor ``metainfo`` tells things from stuff."""


@DATASETS.register_module()
class PanopticDataset(CocoPanopticDataset):
    """Data set in COCO panoptic format that takes its classes from its annotation file.

    Labels are the file's things in its order, then its stuff. A ``metainfo`` with ``classes``
    (things first) replaces that, by name: segments of other categories become void. The segment
    PNG is the one that the annotation names. An image may lack segments or an annotation: it is
    all void. The file may lack annotations altogether (inference), and then ``isthing`` too if
    ``metainfo`` has ``classes`` and ``thing_classes``. ``metainfo`` gets ``category_ids``, by
    label, unless the file lacks a class.

    Args: those of :class:`mmdet.datasets.CocoPanopticDataset`, and
        things_file: file in COCO's instance format, below ``data_root`` as ``ann_file`` is, from
            which :class:`LoadPanopticSegments` takes boxes and masks of things: whole objects
            instead of what the panoptic map leaves of them. The semantic map and the ground truth
            of a test stay the panoptic file's.

    Attributes:
        annotated: whether the file has annotations.

    Raises:
        NoKindsError: nothing tells things from stuff.
        InputError: the annotation file does not exist or is not in COCO panoptic format, or
            ``metainfo`` does not fit it.
    """

    METAINFO: dict = {}

    @checked
    def __init__(
        self,
        ann_file: str = "",
        metainfo: dict | None = None,
        *,
        things_file: str | None = None,
        lazy_init: bool = False,
        **kwargs,
    ) -> None:
        # mmdet's own default, None, is refused by mmengine.
        kwargs.setdefault("data_prefix", {"img": "", "seg": ""})
        super().__init__(ann_file=ann_file, metainfo=metainfo, lazy_init=True, **kwargs)
        self.things_file = things_file and osp.join(self.data_root or "", things_file)
        if lazy_init:
            head = read_head(self.ann_file, self.backend_args)
        else:
            self._content = read_panoptic_json(self.ann_file, self.backend_args)
            head = Head(self._content["categories"], bool(self._content["annotations"]))
        self.annotated = head.annotated
        self._set_classes(head.categories)
        if not lazy_init:
            self.full_init()

    def _set_classes(self, categories: Sequence[dict]) -> None:
        """Complete ``self._metainfo`` and map category ids to labels."""
        given = self._metainfo
        if all("isthing" in category for category in categories):
            classes = self._choose(Classes(*split_categories(categories, self.ann_file)))
        else:  # a file for inference, such as COCO's test-dev
            classes = Classes.of_meta(given)
            if classes is None:
                raise NoKindsError(
                    f"annotation file '{self.ann_file}' does not say which categories are things "
                    "(isthing); they come from the checkpoint, or from metainfo of classes and "
                    "thing_classes"
                )
        given |= classes.meta()
        stated = {each["name"]: tuple(each["color"]) for each in categories if "color" in each}
        given.setdefault("palette", make_palette(classes.names, stated))
        labels = {name: label for label, name in enumerate(classes.names)}
        kept = [entry for entry in categories if entry["name"] in labels]
        self.cat_ids = [category["id"] for category in kept]
        self.cat2label = {entry["id"]: labels[entry["name"]] for entry in kept}
        ids = {entry["name"]: entry["id"] for entry in kept}
        if len(ids) == len(labels):
            given.setdefault("category_ids", tuple(ids[name] for name in classes.names))
        self._known_ids = {category["id"] for category in categories}

    def _choose(self, known: Classes) -> Classes:
        """Those that ``metainfo`` asks for among the file's ``known`` ones."""
        given = self._metainfo
        names = given.get("classes", known.names)
        names = (names,) if isinstance(names, str) else tuple(names)
        unknown = [name for name in names if name not in known.names]
        if (unknown and self.annotated) or not names:
            raise InputError(
                f"metainfo has the classes {unknown}, which annotation file '{self.ann_file}' "
                f"lacks; it has the things {known.things} and the stuff {known.stuff}"
            )
        things = given.get("thing_classes", [name for name in names if name in known.things])
        things = tuple(things)
        stuff = tuple(given.get("stuff_classes", names[len(things) :]))
        fits = not (set(things) & set(known.stuff) or set(stuff) & set(known.things))
        if things + stuff != names or len(set(names)) < len(names) or not fits:
            raise InputError(
                f"metainfo has the classes {names}, things {things} and stuff {stuff}; classes "
                f"must be the things, then the stuff, each once, as annotation file "
                f"'{self.ann_file}' divides them: things {known.things}, stuff {known.stuff}"
            )
        return Classes(things, stuff)

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
        data_list = [
            self.parse_data_info(
                {"raw_img_info": image, "raw_ann_info": annotations.get(image["id"])}
            )
            for image in content["images"]
        ]
        if self.things_file:
            self._take_whole_things(data_list)
        return data_list

    def _take_whole_things(self, data_list: list[dict]) -> None:
        """Let each picture have the instances of ``things_file``, their masks among them."""
        things = read_things(self.things_file, self._metainfo["thing_classes"], self.backend_args)
        if not any(info["img_id"] in things for info in data_list):
            raise InputError(
                f"things_file '{self.things_file}' has no thing in any picture of annotation file "
                f"'{self.ann_file}': both must have the same image ids"
            )
        for info in data_list:
            info["instances"], info["whole_things"] = things.get(info["img_id"], []), True

    def filter_data(self) -> list[dict]:
        """The pictures that ``filter_cfg`` keeps; says how many it drops.

        Raises:
            InputError: it keeps none.
        """
        kept, number = super().filter_data(), len(self.data_list)
        if self.things_file and not self.test_mode and (self.filter_cfg or {}).get(_NO_THINGS):
            kept = [info for info in kept if info["instances"]]
        dropped = (
            f"filter_cfg {dict(self.filter_cfg or {})} drops {number - len(kept)} of {number} "
            f"pictures of '{self.ann_file}'"
        )
        if number and not kept:
            raise InputError(f"{dropped}: none is left; lower min_size, or take larger pictures")
        if len(kept) < number:
            print_log(dropped, logger="current")
        return kept

    def parse_data_info(self, raw_data_info: dict) -> dict:
        """Turn an image entry and its annotation entry (or None) into a sample's dictionary.

        It equals what :class:`CocoPanopticDataset` gives, save that a crowd of a stuff class has
        ``is_crowd``. If segments are left out (area or box below one pixel, category not among
        the classes), their ids are in ``void_ids``.
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
        of_thing, is_crowd = label < len(self._metainfo["thing_classes"]), segment.get("iscrowd", 0)
        is_thing = of_thing and not is_crowd
        info = {"id": segment["id"], "category": label, "is_thing": is_thing}
        if is_crowd and not of_thing:
            info["is_crowd"] = True
        data_info["segments_info"].append(info)
        if is_thing:
            box = [x, y, x + width, y + height]
            data_info["instances"].append({"bbox": box, "bbox_label": label, "ignore_flag": 0})
        return True
