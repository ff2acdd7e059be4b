# Backbone and heads are searched, without attention between the branches.
_base_ = "../shapes/search_evolution.py"

model = dict(things_to_stuff=None, stuff_to_things=None)
