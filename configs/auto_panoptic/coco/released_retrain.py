# For the released COCO detector, converted.
_base_ = ["./retrain.py", "../../_base_/models/released_conventions.py"]

model = _base_.released_conventions
