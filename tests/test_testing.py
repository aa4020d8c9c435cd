"""The kit for plugin authors: each check passes a good part and names what is wrong with a bad one."""

from __future__ import annotations

import itertools
from importlib.metadata import EntryPoint
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import numpy as np
import pytest
from pydantic import ConfigDict, Field, ValidationError

from valle_engine import BaseItem, Clip, ItemError, Result, Row, Sampler, Scorer, Source, Task
from valle_engine.hookspecs import GROUP
from valle_engine.plugins import load_plugins
from valle_engine.testing import (
    ContractError,
    FakeCodec,
    check_part,
    check_plugin,
    check_sampler,
    check_scorer,
    check_source,
    check_task,
    run_task,
    take_of,
)

NOT_RANDOM = itertools.count()


class Hum(Task):
    """Hum for a while."""

    class Item(BaseItem):
        """How long."""

        seconds: float = 0.01

    name = "hum"
    Item: ClassVar[type[BaseItem]] = Item

    volume: float = Field(0.5, description="Loudest sample.")

    async def run(self, item: Any, kit: Any) -> Any:
        samples = kit.random().uniform(-self.volume, self.volume, round(item.seconds * 8000))
        return Clip(samples.astype(np.float32), 8000)


class Halve(Sampler):
    """Halve the logits."""

    name = "halve"

    def __call__(self, logits, history, states):
        return logits / 2


class Length(Scorer):
    """Count the samples."""

    name = "length"

    def score(self, takes):
        return [{"length": float(take.outcome.file.samples)} for take in takes]


class Two(Source):
    """Two rows."""

    name = "two"

    def rows(self):
        yield Row(1, {"id": "a"})
        yield Row(2, {}, "unreadable")


def takes(folder: Path) -> list[Any]:
    clips = [Clip(np.zeros(count, np.float32), 8000) for count in (10, 20)]
    return [take_of({"id": f"item-{len(clip.samples)}"}, Result(clip), folder) for clip in clips]


def test_good_parts_pass(tmp_path):
    check_task(Hum(), {"seconds": 0.02})
    check_sampler(Halve())
    check_scorer(Length(), takes(tmp_path))
    check_source(Two())


def test_a_task_runs_without_workers_and_its_seed_and_attempt_decide():
    first, second = (run_task(Hum(), {}, seed=1, attempt=attempt) for attempt in (0, 1))
    assert len(first.clip.samples) == 80
    assert not np.array_equal(first.clip.samples, second.clip.samples)


def test_fields_are_checked_as_a_job_checks_them():
    with pytest.raises(ValidationError, match="seconds"):
        run_task(Hum(), {"seconds": "long"})


def test_a_task_is_lent_the_model_it_is_tested_with():
    class Named(Hum):
        """Tell the model's name."""

        async def run(self, item, kit):
            return {"model": kit.model.name}

    model = SimpleNamespace(name="tiny")
    assert run_task(Named(), {}, model=model).values == {"model": "tiny"}
    check_task(Named(), {}, model=model)
    with pytest.raises(ItemError, match="there is no model here"):
        run_task(Named(), {})


def test_what_a_worker_would_not_take_is_refused():
    with pytest.raises(ItemError, match="without samples"):
        run_task(Hum(), {"seconds": 0})


def test_a_task_that_draws_elsewhere_is_told_of_its_seed():
    class Forgetful(Hum):
        """It counts its runs."""

        async def run(self, item, kit):
            return {"count": next(NOT_RANDOM)}

    with pytest.raises(ContractError, match=r"one seed gave two results; draw from `kit.random\(\)` only"):
        check_task(Forgetful(), {})


def test_a_loud_task_is_told():
    with pytest.raises(ContractError, match=r"outside \[-1, 1\]"):
        check_task(Hum(volume=3.0), {})


def test_a_part_without_docstring_name_or_description_is_told():
    class Bare(Hum):
        option: int = 1

    with pytest.raises(ContractError, match="no docstring"):
        check_part(Bare())
    Bare.__doc__ = "Bare."
    with pytest.raises(ContractError, match="option 'option' has no description"):
        check_part(Bare())

    class Nameless(Sampler):
        """It has none."""

        def __call__(self, logits, history, states):
            return logits

    with pytest.raises(ContractError, match="Nameless has no `name`"):
        check_part(Nameless())


@pytest.mark.parametrize(("setting", "told"), [({"frozen": False}, "frozen"), ({"extra": "allow"}, "unknown options")])
def test_a_part_that_loosens_the_rules_is_told(setting, told):
    class Loose(Halve):
        """Loose."""

        model_config = ConfigDict(**setting)

    with pytest.raises(ContractError, match=told):
        check_part(Loose())


def sampler_that(reshape: Any) -> Sampler:
    class Odd(Halve):
        """Reshape logits as the test says."""

        def __call__(self, logits, history, states):
            return reshape(logits)

    return Odd()


@pytest.mark.parametrize(
    ("reshape", "told"),
    [
        (lambda logits: logits.mul_(2), "changes its input"),
        (lambda logits: logits[:, :3], "shape or type"),
        (lambda logits: logits.double(), "shape or type"),
        (lambda logits: logits - float("inf"), "no token left"),
        (lambda logits: logits.nan_to_num(neginf=0.0), "revives"),
        (lambda logits: logits * float("nan"), "not a number"),
        (lambda logits: logits + next(NOT_RANDOM), "two results"),
        (lambda logits: logits - logits.nan_to_num(neginf=0).mean(), "rows beside it"),
    ],
)
def test_a_sampler_that_breaks_its_contract_is_told(reshape, told):
    with pytest.raises(ContractError, match=told):
        check_sampler(sampler_that(reshape))


def scorer_that(score: Any) -> Scorer:
    class Odd(Length):
        """Score as the test says."""

        def score(self, takes):
            return score(takes)

    return Odd()


@pytest.mark.parametrize(
    ("score", "told"),
    [
        (lambda takes: [], "0 scores of 2 takes"),
        (lambda takes: [{"other": 1.0} for _ in takes], "no figure of that name"),
        (lambda takes: [{"length": float("nan")} for _ in takes], "no finite number"),
        (lambda takes: [{"length": float(len(takes))} for _ in takes], "otherwise beside others"),
    ],
)
def test_a_scorer_that_breaks_its_contract_is_told(tmp_path, score, told):
    with pytest.raises(ContractError, match=told):
        check_scorer(scorer_that(score), takes(tmp_path))


def source_that(rows: Any) -> Source:
    class Odd(Two):
        """Give the rows that the test says."""

        def rows(self):
            return rows()

    return Odd()


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        (lambda: [Row(1, {"id": "a"})], "does not stream"),
        (lambda: iter([Row(1, {"id": next(NOT_RANDOM)})]), "other rows"),
        (lambda: iter([{"id": "a"}]), "is no row"),
        (lambda: iter([Row(4, {})]), "neither fields nor a problem"),
        (lambda: iter([Row(4, {"id": Path})]), "no plain value"),
    ],
)
def test_a_source_that_breaks_its_contract_is_told(rows, told):
    with pytest.raises(ContractError, match=told):
        check_source(source_that(rows))


def test_the_built_in_plugins_pass_as_modules():
    check_plugin("valle_plugins.samplers")


def test_a_module_that_loads_ray_is_told(tmp_path, monkeypatch):
    (tmp_path / "ray.py").touch()
    (tmp_path / "heavy_plugin.py").write_text("import ray\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ContractError, match="importing it loads ray"):
        check_plugin("heavy_plugin")


def test_a_module_that_is_no_plugin_is_told_why():
    with pytest.raises(ContractError, match="No module named 'no_such_plugin'"):
        check_plugin("no_such_plugin")


def test_the_fake_codec_gives_back_what_it_was_given():
    clip = Clip(np.sin(np.linspace(0, 50, 1000)).astype(np.float32), FakeCodec.sample_rate)
    codec = FakeCodec().open("cpu")
    [codes] = codec.encode([clip])
    [sound] = codec.decode([codes])
    assert codes.shape == (125, FakeCodec.codebooks)
    assert codes.min() >= 0
    assert codes.max() < FakeCodec.codebook_size
    assert np.abs(sound.samples - clip.samples).max() < 1 / 254


def test_the_fake_codec_takes_any_rate_and_fills_the_last_frame():
    [codes] = FakeCodec().open("cpu").encode([Clip(np.ones(101, np.float32), 4000)])
    assert codes.shape == (26, 8)
    assert codes[:25].min() == 255
    assert codes[-1, -1] == 128


def test_a_plugin_can_offer_the_fake_codec(tmp_path, monkeypatch):
    offer = "from valle_engine import hookimpl\nfrom valle_engine.testing import FakeCodec\n"
    (tmp_path / "fake_codec_plugin.py").write_text(f"{offer}@hookimpl\ndef codecs():\n    return [FakeCodec]\n")
    monkeypatch.syspath_prepend(tmp_path)
    plugins = load_plugins([EntryPoint("fake", "fake_codec_plugin", GROUP)])
    assert plugins.codecs.build("fake") == FakeCodec()
