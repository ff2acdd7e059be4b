"""A resumed training does what its config asks for, or says why not."""

import math

import pytest
import torch
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.model import BaseModel
from mmengine.registry import init_default_scope
from mmengine.runner import Runner

import mmpanonas.register  # noqa: F401
from mmpanonas.checkpoints.files import checkpoint_to_resume, latest_checkpoint
from mmpanonas.errors import InputError
from mmpanonas.training.checkpoint_hooks import InvalidLossError, StopOnInvalidLossHook


class Toy(BaseModel):
    """A line through points; its loss is NaN from pass ``bad`` on."""

    bad = math.inf

    def __init__(self) -> None:
        super().__init__()
        self.line, self.passes = torch.nn.Linear(1, 1), 0

    def forward(self, *points, mode: str = "loss"):
        self.passes += 1
        factor = math.nan if self.passes > self.bad else 1.0
        return dict(loss=(self.line(torch.stack(points)) * factor).square().mean())


class Rates(Hook):
    """The learning rate of every iteration."""

    def __init__(self) -> None:
        self.seen: list[float] = []

    def before_train_iter(self, runner, batch_idx, data_batch=None) -> None:
        self.seen.append(runner.optim_wrapper.optimizer.param_groups[0]["lr"])


COSINE = dict(type="CosineAnnealingLR", T_max=8, end=8, by_epoch=False, eta_min=0.0)
WARM = dict(type="LinearLR", start_factor=0.1, by_epoch=False, end=3)

HOOKS = [dict(type="CheckpointKindHook"), dict(type="StopOnInvalidLossHook")]


@pytest.fixture
def train(tmp_path):
    """A function that trains and returns the rates of its iterations, and the runner."""

    def run(name: str, iters: int = 4, resume=None, bad: float = math.inf, **changes):
        torch.manual_seed(0)
        model, rates = Toy(), Rates()
        model.bad = bad
        wrapper = dict(
            type="OptimWrapper",
            optimizer=changes.pop("optimizer", dict(type="SGD", lr=0.1, momentum=0.9)),
            **changes.pop("wrapper", {}),
        )
        chosen = dict(
            param_scheduler=[WARM, COSINE],
            train_cfg=dict(type="IterBasedTrainLoop", max_iters=iters),
            randomness=dict(seed=0),
        )
        runner = Runner(
            model,
            str(tmp_path / name),
            train_dataloader=dict(
                batch_size=2,
                dataset=[torch.ones(1) * i for i in range(8)],
                sampler=dict(type="InfiniteSampler", shuffle=False),
            ),
            optim_wrapper=wrapper,
            default_hooks=dict(checkpoint=dict(type="CheckpointHook", by_epoch=False, interval=2)),
            custom_hooks=changes.pop("custom_hooks", HOOKS),
            default_scope="mmengine",
            experiment_name=f"{tmp_path.name}_{name}_{iters}_{resume}_{len(changes)}",
            load_from=changes.pop("load_from", resume and str(resume)),
            resume=bool(resume),
            **(chosen | changes),
        )
        runner.register_hook(rates, "LOWEST")
        runner.lines = []
        runner.logger.addFilter(lambda record: runner.lines.append(record.getMessage()) or True)
        runner.train()
        return rates.seen, runner

    yield run
    init_default_scope("mmdet")  # what the other tests expect


def said(runner) -> str:
    return "\n".join(line for line in runner.lines if line.startswith("--resume"))


def test_an_unchanged_training_goes_on_to_the_same_bits(train, tmp_path):
    rates, whole = train("whole", 8)
    train("part", 4, train_cfg=dict(type="IterBasedTrainLoop", max_iters=4))
    later, resumed = train("part", 8, tmp_path / "part/iter_4.pth")
    assert later == rates[4:]
    assert torch.equal(whole.model.line.weight, resumed.model.line.weight)
    assert said(resumed) == "--resume: as this config says: train_cfg.max_iters: 4 there, 8 here"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (dict(optimizer=dict(type="SGD", lr=0.01, momentum=0.9)), "optimizer.lr: 0.1 there, 0.01"),
        (dict(optimizer=dict(type="SGD", lr=0.1, momentum=0.5)), "optimizer.momentum: 0.9 there"),
        (dict(param_scheduler=[WARM, COSINE | dict(T_max=20)]), "[1].T_max: 8 there, 20 here"),
        (dict(param_scheduler=[]), "param_scheduler: 2 there, 0 here"),
        (
            dict(param_scheduler=[dict(type="MultiStepLR", milestones=[3, 5], by_epoch=False)]),
            "param_scheduler: 2 there, 1 here",
        ),
        (
            dict(wrapper=dict(paramwise_cfg=dict(bias_lr_mult=1.0)), param_scheduler=[COSINE]),
            "param_scheduler: 2 there, 1 here",
        ),
    ],
)
def test_the_config_of_a_resumed_training_wins(train, tmp_path, changes, words):
    rates, _ = train("whole", 8, **dict(changes))
    if "wrapper" in changes:  # the groups of both must be alike
        train("part", 4, wrapper=changes["wrapper"])
    else:
        train("part", 4)
    later, resumed = train("part", 8, tmp_path / "part/iter_4.pth", **dict(changes))
    assert later == rates[4:]
    assert words in said(resumed)


@pytest.mark.parametrize(
    ("iters", "changes", "words"),
    [
        (2, {}, r"4 iters are trained, more than train_cfg\.max_iters=2"),
        (8, dict(optimizer=dict(type="AdamW", lr=0.1)), "another optimizer"),
        (8, dict(randomness=dict(seed=3)), r"randomness\.seed is 3, but .* has 0"),
    ],
)
def test_what_cannot_win_is_refused(train, tmp_path, iters, changes, words):
    train("part", 4)
    with pytest.raises(InputError, match=words):
        train("part", iters, tmp_path / "part/iter_4.pth", **changes)


def test_other_data_are_taken_and_said(train, tmp_path):
    def config(batch: int, seed: int = 0) -> Config:
        hooks = dict(fairness=dict(type="StrictFairnessHook", seed=seed))
        return Config(dict(train_dataloader=dict(batch_size=batch), default_hooks=hooks))

    train("part", 4, cfg=config(2))
    _, resumed = train("part", 4, tmp_path / "part/iter_2.pth", cfg=config(4))
    words = "train_dataloader.batch_size: 2 there, 4 here"
    assert said(resumed) == f"--resume: as this config says: {words}"
    with pytest.raises(InputError, match=r"paths of the supernet, and is 0 there, 3 here"):
        train("part", 8, tmp_path / "part/iter_2.pth", cfg=config(2, seed=3))


def test_an_optimizer_of_the_same_settings_becomes_the_configs(train, tmp_path):
    """Of Adam and AdamW, one flag of the state tells which it is."""
    train("part", 4, optimizer=dict(type="Adam", lr=0.1, weight_decay=0.5))
    other = dict(type="AdamW", lr=0.1, weight_decay=0.5)
    _, resumed = train("part", 8, tmp_path / "part/iter_4.pth", optimizer=other)
    (group,) = resumed.optim_wrapper.optimizer.param_groups
    if "decoupled_weight_decay" in group:  # of newer versions of PyTorch
        assert group["decoupled_weight_decay"]
        assert "decoupled_weight_decay: False there, True here" in said(resumed)


def test_which_weights_of_an_averaged_training_are_taken(train, tmp_path):
    ema = [dict(type="CheckpointKindHook"), dict(type="EMAHook")]
    _, first = train("part", 4, custom_hooks=ema)
    path = tmp_path / "part/iter_4.pth"
    trained, content = first.model.line.weight, torch.load(path, weights_only=False)
    assert not torch.equal(content["state_dict"]["line.weight"], trained)
    with pytest.raises(InputError, match="written with EMAHook, which this config lacks"):
        train("part", 8, path)
    _, whole = train("whole", 8, custom_hooks=ema)
    _, resumed = train("part", 8, path, custom_hooks=ema)
    assert torch.equal(whole.model.line.weight, resumed.model.line.weight)
    _, tuned = train("tuned", 1, resume=None, load_from=str(path))
    assert sum("the averaged weights are taken" in line for line in tuned.lines) == 1


def test_a_checkpoint_without_state_is_not_resumed(train, tmp_path):
    train("part", 4)
    content = torch.load(tmp_path / "part/iter_4.pth", weights_only=False)
    torch.save(dict(state_dict=content["state_dict"]), tmp_path / "bare.pth")
    with pytest.raises(InputError, match=r"lacks meta\.epoch, meta\.iter, message_hub, optimizer"):
        train("part", 8, tmp_path / "bare.pth")
    # MMEngine would run the text under this key as a config.
    content["meta"]["config"] = f"open({str(tmp_path / 'trace')!r}, 'w').close()"
    torch.save(content, tmp_path / "code.pth")
    train("part", 8, tmp_path / "code.pth")
    assert not (tmp_path / "trace").exists()


def test_a_bad_loss_names_a_checkpoint_from_before(train, tmp_path):
    with pytest.raises(InvalidLossError, match="no checkpoint from before the trouble"):
        train("first", 8, bad=2)
    # Pass 7 is bad, and so are the weights after pass 6, on which it was made.
    with pytest.raises(InvalidLossError) as error:
        train("later", 8, bad=6)
    sound = tmp_path / "later/iter_4.pth"
    assert f"--resume {sound}" in str(error.value)
    assert "loss became NaN or infinite at iteration 7 on the network" in str(error.value)
    rates, _ = train("later", 8, sound, optimizer=dict(type="SGD", lr=1e-3, momentum=0.9))
    assert max(rates) <= 1e-3


def test_weights_that_are_no_numbers_are_not_saved(train):
    _, runner = train("wild")
    hook = StopOnInvalidLossHook()
    state = runner.model.state_dict()
    hook.before_save_checkpoint(runner, dict(state_dict=state))
    state["line.bias"] /= 0
    with pytest.raises(InvalidLossError, match=r"weights became NaN .* 1 of line \(line\.bias\)"):
        hook.before_save_checkpoint(runner, dict(state_dict=state))


def test_a_work_dir_resumes_from_itself_wherever_it_lies(tmp_path):
    (tmp_path / "a").mkdir()
    assert checkpoint_to_resume(tmp_path / "a") is None
    (tmp_path / "a/iter_4.pth").touch()
    with pytest.raises(InputError, match=r"overwrite \(iter_4\.pth\); give --resume .*iter_4"):
        checkpoint_to_resume(tmp_path / "a")
    (tmp_path / "a/last_checkpoint").write_text(str(tmp_path / "a/iter_4.pth"))
    assert latest_checkpoint(tmp_path / "a") == tmp_path / "a/iter_4.pth"
    (tmp_path / "a").rename(tmp_path / "b")
    assert latest_checkpoint(tmp_path / "b") == tmp_path / "b/iter_4.pth"
