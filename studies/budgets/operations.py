"""Plain 3x3 convolutions as an operation of both heads, which Table 1 lacks.

They are what the networks that nobody searched are made of.
"""

from mmpanonas.space import Conv, Operation, register_operation

PLAIN = Operation("conv_3x3", "3x3", "#e3dccf", (Conv(3),), meaning="plain convolution")
register_operation(PLAIN, parts=["mask_head", "semantic_head"])
