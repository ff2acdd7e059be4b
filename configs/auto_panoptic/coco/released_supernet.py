# For the released supernet, converted.
_base_ = ["./supernet.py", "../../_base_/models/released_conventions.py"]

model = _base_.released_conventions
