"""docs/licences.md names every package that set-up installs, once."""

import re
from collections import Counter

from tests.conftest import ROOT

REQUIREMENTS = ("requirements.txt", "requirements-pretrain.txt")
#: What the page says: mmcv compiles these under another licence, and nothing here uses them.
NVIDIAS = ("upfirdn2d", "fused_leaky_relu", "bias_act", "filtered_lrelu", "conv2d_gradfix")


def test_the_page_names_every_package_once():
    pinned = {
        name
        for file in REQUIREMENTS
        for name in re.findall(r"^([\w.-]+)==", (ROOT / file).read_text(), re.MULTILINE)
    }
    page = (ROOT / "docs/licences.md").read_text()
    table = "".join(line for line in page.splitlines() if line.startswith("| "))
    named = Counter(word for word in re.findall(r"[\w.-]+", table) if word in pinned)
    assert set(named) == pinned
    assert {name: count for name, count in named.items() if count > 1 and name != "pymoo"} == {}


def test_nothing_calls_operators_under_nvidias_licence():
    page = (ROOT / "docs/licences.md").read_text()
    for name in NVIDIAS:
        assert f"`{name}`" in page
        for folder in ("mmpanonas", "tools", "demo", "configs", "studies"):
            for file in (ROOT / folder).rglob("*.py"):
                assert name not in file.read_text(), file
