"""Config files that a config names are found from any folder."""

import pytest

import studies.ranking.plan  # noqa: F401  (the key study)
from mmpanonas.config import find_named, load_config
from tests.conftest import ROOT, SHAPES

CLASSES = (("thing",), ("stuff",))


@pytest.fixture
def find(tmp_path, monkeypatch):
    """What study.alone is found to be: a user's config, in own/, inherits from one in base/."""
    for folder in ("base", "own", "here"):
        (tmp_path / folder).mkdir()
    monkeypatch.chdir(tmp_path / "here")
    base = tmp_path / "base/base.py"
    base.write_text(f'_base_ = "{SHAPES / "retrain.py"}"\nstudy = dict(alone="alone.py")\n')

    def find(text="", **options):
        file = tmp_path / "own/own.py"
        file.write_text(f'_base_ = "../base/base.py"\n{text}')
        return find_named(load_config(file, options, CLASSES), "study.alone", options)

    return find


def test_a_name_begins_at_the_file_that_states_it(find, tmp_path):
    for folder in ("base", "own", "here"):
        (tmp_path / folder / "alone.py").touch()
    (tmp_path / "own/other.py").touch()
    (tmp_path / "above.py").touch()
    assert find() == str(tmp_path / "base/alone.py")
    assert find('study = dict(alone="other.py")') == str(tmp_path / "own/other.py")
    assert find('study = dict(alone="above.py")') == str(tmp_path / "above.py")
    assert find('study = dict(alone="none.py")') == "none.py"
    assert find(f'study = dict(alone="{tmp_path}/x.py")') == f"{tmp_path}/x.py"


def test_an_option_begins_at_the_current_folder(find, tmp_path):
    for folder in ("base", "own"):
        (tmp_path / folder / "alone.py").touch()
    assert find(**{"study.alone": "alone.py"}) == "alone.py"
    assert find(study=dict(alone="alone.py")) == "alone.py"


def test_the_projects_own_study_is_found_from_elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    studies = ROOT / "studies/ranking/configs"
    (tmp_path / "own.py").write_text(f'_base_ = "{studies / "shapes.py"}"\n')
    cfg = load_config("own.py", classes=CLASSES)
    assert find_named(cfg, "study.alone") == str(studies / "shapes_alone.py")
    assert cfg.study.alone == "shapes_alone.py"
