# What no_attention.py found.
_base_ = "../shapes/retrain.py"

model = dict(things_to_stuff=None, stuff_to_things=None)
