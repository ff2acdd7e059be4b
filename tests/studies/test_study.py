"""A ranking study's plan, its baseline, its jobs; fusions of the same predictions."""

import copy

import pytest
import torch
from mmdet.registry import MODELS
from mmengine.evaluator import BaseMetric
from mmengine.registry import METRICS
from mmengine.runner import Runner

from mmpanonas.config import find_named, load_config
from mmpanonas.errors import InputError
from mmpanonas.space import Arch, CostMeasure, NetworkShape
from studies.ranking.baseline import merged, scaled_widths, widths_of_cost
from studies.ranking.jobs import evaluator_of, fusion_metrics
from studies.ranking.plan import StudyPlan
from studies.ranking.study import Network, Study
from tests.conftest import ROOT, SMALL

CONFIG = ROOT / "studies/ranking/configs/shapes.py"
PLAN = {"study.networks": 8, "study.strata": 4, "study.repeated": 4, "study.searches": 2}


@pytest.fixture
def configs(shapes_root):
    """Both configs of a small study, with further options."""

    def load(**options):
        options = SMALL | PLAN | {"data_root": f"{shapes_root}/"} | options
        supernet = load_config(str(CONFIG), options)
        return supernet, load_config(find_named(supernet, "study.alone"), options)

    return load


@pytest.fixture
def study(configs, tmp_path):
    return Study(*configs(), tmp_path)


def test_the_space_of_the_study_may_leave_attention_out(study):
    assert study.space.size == 4**5 * 6**2 * 4**2
    assert study.space.window == 12
    archs = [network.arch for network in study.drawn()]
    assert len(set(archs)) == 8
    costs = [[study.cost(arch) for arch in stratum] for stratum in study.strata]
    assert [len(c) for c in costs] == [2] * 4
    assert all(max(costs[i]) <= min(costs[i + 1]) for i in range(3))


def test_jobs_follow_from_what_is_known(study):
    phases = study.phases()
    name, jobs = next(phases)
    kinds = [job["kind"] for job in jobs]
    assert (name, kinds.count("supernet"), kinds.count("network")) == ("train", 2, 8 + 4)
    assert len({job["job"] for job in jobs}) == 14
    assert [job["kind"] for job in next(phases)[1]] == ["score", "score"]
    assert len(next(phases)[1]) == 3
    known, new = study.strata[1][0], study.space.decode([0] * 9)
    for strategy, seed, arch in (("Random", 0, known), ("Random", 1, new), ("Evolution", 0, new)):
        record = dict(job=f"search-{strategy}-{seed}", strategy=strategy, seed=seed)
        study.records.append(record | dict(arch=arch.to_dict()))
    _, jobs = next(phases)
    choices = {Network(known), Network(new)}
    assert {n.arch for n in choices} < {Arch.from_dict(job["arch"]) for job in jobs}
    # Each of the two choices and its baseline, three seeds each.
    assert len(jobs) == len({job["job"] for job in jobs}) == 2 * 2 * 3


def test_a_moved_study_scores_in_its_own_supernet(study):
    """A copy never reads the checkpoint of the place where it was written."""
    with pytest.raises(InputError, match="names no checkpoint of supernet-uniform"):
        study.checkpoint("uniform")
    job = "supernet-uniform"
    study.records.append(dict(job=job, checkpoint="/elsewhere/supernet-uniform/iter_12.pth"))
    with pytest.raises(InputError, match=r"elsewhere.*does not exist"):
        study.checkpoint("uniform")
    own = study.folder / job / "iter_12.pth"
    own.parent.mkdir()
    torch.save({}, own)
    assert study.checkpoint("uniform") == str(own)


def test_a_supernet_of_nan_scores_nothing(study):
    state = MODELS.build(study.supernet.model).state_dict()
    state["neck.fpn_convs.0.gn.bias"] /= 0
    path = study.folder / "supernet.pth"
    torch.save(dict(state_dict=state, meta={}), path)
    study.records.append(dict(job="supernet-strict", checkpoint=str(path)))
    with pytest.raises(InputError, match=r"supernet\.pth.*NaN"):
        evaluator_of(study, "strict")


@pytest.mark.parametrize("line", ["{}", '{"job": 3}', "[]", "oops"])
def test_a_record_that_is_none_is_named(study, line):
    study.records.append(dict(job="supernet-strict"))
    with study.records.path.open("a") as file:
        file.write(f"{line}\n")
    with pytest.raises(InputError, match=r"records\.jsonl, line 2, (names no job|is no JSON)"):
        study.found()


def test_a_baseline_costs_as_much_and_is_all_3x3(study):
    for stratum in study.strata:
        target = study.cost(stratum[0])
        network = study.baseline(target)
        assert study.network_cost(network) == pytest.approx(target, rel=0.15)
    model = merged(study.supernet.model, network.model)
    model.arch = network.arch.to_dict()
    built = MODELS.build(model)
    assert set(built.active_arch.backbone) == {"shuffle_3x3"}
    assert built.active_arch.to_dict().keys() == {"backbone"}
    assert built.things_to_stuff is built.stuff_to_things is None
    built.eval()
    with torch.no_grad():
        levels = built.extract_feat(torch.zeros(1, 3, 64, 64))
    assert {level.shape[1] for level in levels} == {network.model["neck"]["out_channels"]}


def test_counted_costs_are_those_of_the_merged_model(study):
    network = Network(study.strata[0][0])
    assert study.network_cost(network) == study.cost(network.arch)


def test_widths_scale_by_hand(study):
    model = study.supernet.model
    keys = scaled_widths(model, 1.5)
    assert keys["backbone"]["channels"] == [24, 36, 72, 144, 240]
    assert keys["neck"] == dict(in_channels=[36, 72, 144, 240], out_channels=48)
    assert keys["roi_head"]["mask_head"] == dict(in_channels=48, conv_out_channels=48)
    measure = CostMeasure("params", "network")
    arch = study.strata[0][0]

    def cost(scaled) -> float:
        return measure.of(arch, NetworkShape.of_model(scaled))

    same = widths_of_cost(model, cost, cost(model))
    assert cost(merged(model, same)) == cost(model)
    with pytest.raises(InputError, match=r"no width of the baseline costs about 10,"):
        widths_of_cost(model, cost, 10)


def test_a_folder_belongs_to_one_study(study, configs, tmp_path):
    study.records.append(dict(job="network-x-0"))
    assert Study(*configs(), tmp_path).found().keys() == {"network-x-0"}
    with pytest.raises(
        InputError, match=r"another study: it differs in .*alone.train_cfg\..*seeds"
    ):
        Study(*configs(**{"study.seeds": 3, "train_cfg.max_iters": 24}), tmp_path)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"study.network": 3}, "study.network: StudyPlan has no network; did you mean networks"),
        ({"study.repeated": 3}, "expected a multiple of the 4 strata and no more than the 8"),
        ({"study.networks": 0}, "study.networks: expected a whole number of 1 or more, got 0"),
        ({"study.strategies": ["Best"]}, "study.strategies: expected .*got 'Best'"),
        ({"study.evaluations": 61}, "61 evaluations do not divide"),
    ],
)
def test_impossible_plans_are_refused(configs, options, message):
    with pytest.raises(InputError, match=message):
        StudyPlan.from_config(configs(**options)[0])


def test_a_config_without_a_study_or_with_half_of_one_is_refused(configs):
    config = configs()[0]
    del config.study["alone"]
    with pytest.raises(InputError, match="study: missing 1 required positional argument: 'alone'"):
        StudyPlan.from_config(config)
    config.study = None
    with pytest.raises(InputError, match=r"holds no study=dict\(...\)"):
        StudyPlan.from_config(config)


@METRICS.register_module()
class SumsMetric(BaseMetric):
    """Tells any two predictions apart, right or wrong ones."""

    default_prefix = "coco_panoptic"

    def process(self, data_batch, data_samples):
        maps = [sample["pred_panoptic_seg"]["sem_seg"].double() for sample in data_samples]
        self.results += [(x.sum().item(), x.square().sum().item()) for x in maps]

    def compute_metrics(self, results):
        sums = [sum(values) for values in zip(*results, strict=True)]
        return dict(PQ=len(results), PQ_th=sums[0], PQ_st=sums[1])


def test_fusions_of_the_same_predictions_equal_those_made_one_by_one(configs, tmp_path):
    """Random weights; with a score limit of 0 there are many things to fuse."""
    supernet, alone = configs()
    rules = dict(
        one=dict(preset="paper", test_cfg=dict(score_thr=0.0, thing_area_limit=0)),
        two=dict(preset="released", test_cfg=dict(score_thr=0.0, stuff_area_limit=2000)),
    )
    alone.model = copy.deepcopy(supernet.model)
    alone.model.arch = Arch(("xception",) * 5, ("dw_3x3",), ("dw_3x3",)).to_dict()
    alone.model.test_cfg.rcnn.score_thr = 0.0
    alone.work_dir = str(tmp_path)
    alone.visualizer.vis_backends = None
    runner = Runner.from_cfg(alone)
    loader, evaluator = alone.val_dataloader, dict(type="SumsMetric")
    together = fusion_metrics(runner, loader, evaluator, rules)
    apart = {
        name: fusion_metrics(runner, loader, evaluator, {name: keys})[name]
        for name, keys in rules.items()
    }
    assert together == apart
    assert together["one"]["PQ"] == together["two"]["PQ"] == 4  # pictures
    assert together["one"]["PQ_th"] != together["two"]["PQ_th"]
