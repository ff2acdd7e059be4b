"""The backbone as a classifier, for ImageNet pretraining.

The one module of ours that needs onedl-mmpretrain: only the configs that use it import it.
"""

from mmpanonas.errors import InputError
from mmpanonas.models.layers.choice import SearchableNetwork

try:
    from mmpretrain.models import ImageClassifier
    from mmpretrain.registry import MODELS
except ImportError as error:
    raise InputError(
        f"ImageNet pretraining needs onedl-mmpretrain and torchvision ({error}): pip install -e "
        f"'.[pretrain]' in the project's folder (docs/pretraining.md)"
    ) from None


@MODELS.register_module()
class SearchableClassifier(SearchableNetwork, ImageClassifier):
    """MMPretrain's image classifier whose backbone is searched, or fixed by its own ``arch``."""
