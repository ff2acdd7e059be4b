# What heads_only.py found; the architecture file holds its backbone too.
_base_ = "../shapes/retrain.py"

model = dict(things_to_stuff=None, stuff_to_things=None)
