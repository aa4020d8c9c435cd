"""Parts by name and the checking of their options."""

from typing import ClassVar

import pytest
from pydantic import BaseModel, ConfigDict, Field

from valle_engine.errors import JobError, PluginError
from valle_engine.parts import Part
from valle_engine.registry import Offer, Registry, nearest


class Inner(BaseModel):
    model_config = ConfigDict(extra="forbid")
    depth: int = 1


class Gain(Part):
    name: ClassVar[str] = "gain"
    factor: float = Field(1.0, gt=0)
    inner: Inner = Inner()


class Other(Part):
    name: ClassVar[str] = "gain"


class Bare(Part):
    name: ClassVar[str] = "bare"


def registry(*offers: Offer[Part], broken: tuple[str, ...] = ()) -> Registry[Part]:
    return Registry.collect("part", offers, broken)


GAIN = registry(Offer(Gain, "mine", "1"), Offer(Bare, "mine", "1"))


def problem(name: str, options: object) -> str:
    with pytest.raises(JobError) as caught:
        GAIN.build(name, options)
    return str(caught.value)


def test_options_become_fields() -> None:
    assert GAIN.build("gain", {"factor": 2}) == Gain(factor=2)


def test_one_value_stands_for_the_first_option() -> None:
    assert GAIN.build("gain", 3) == Gain(factor=3)


def test_a_part_is_frozen() -> None:
    with pytest.raises(ValueError, match="frozen"):
        GAIN.build("gain").factor = 2  # type: ignore[attr-defined]


def test_an_unknown_name_suggests_the_nearest() -> None:
    assert "no part 'gian' (did you mean 'gain'?)" in problem("gian", None)


def test_a_name_like_no_other_lists_what_is_installed() -> None:
    assert "installed: bare, gain" in problem("zzz", None)


def test_an_unknown_option_suggests_the_nearest() -> None:
    assert "has no option 'facter' (did you mean 'factor'?)" in problem("gain", {"facter": 2})


def test_an_unknown_option_of_an_inner_section_is_placed() -> None:
    assert "inner.depht" in problem("gain", {"inner": {"depht": 2}})


class Strict(Part):
    name: ClassVar[str] = "strict"
    needed: int


def test_a_missing_option_is_named() -> None:
    with pytest.raises(JobError, match="part 'strict' lacks 'needed', which it needs"):
        registry(Offer(Strict, "mine", "1")).build("strict", {})


def test_every_wrong_option_is_told_at_once() -> None:
    with pytest.raises(JobError) as caught:
        GAIN.build("gain", {"factor": -1, "inner": {"depth": "x"}, "more": 1})
    assert [each.path for each in caught.value.problems] == ["factor", "inner.depth", "more"]


def test_a_value_for_a_part_without_options_is_an_error() -> None:
    assert "takes no options" in problem("bare", 3)


def test_two_packages_with_one_name_clash_when_it_is_asked_for() -> None:
    clashing = registry(Offer(Gain, "mine", "1"), Offer(Other, "theirs", "1"), Offer(Bare, "mine", "1"))
    assert clashing.build("bare") == Bare()
    with pytest.raises(PluginError, match="offered by mine and theirs"):
        clashing.build("gain")


def test_a_missing_name_points_at_broken_plugins() -> None:
    with pytest.raises(JobError, match=r"Broken plugins may offer it.*sad"):
        registry(broken=("sad",)).build("gain")


def test_nearest_knows_when_nothing_is_near() -> None:
    assert nearest("abc", ["xyz"]) is None
