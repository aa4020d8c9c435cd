"""A line that a person does not like gets another take, and no other line is touched."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from valle_engine.store.store import forget

if TYPE_CHECKING:
    from tests.engine.conftest import Lab


def items(count: int) -> list[dict[str, str]]:
    return [{"id": f"i{number}"} for number in range(count)]


def numbers(lab: Lab) -> dict[str, float]:
    return {item: outcome.values["number"] for item, outcome in lab.outcomes().items()}


@pytest.mark.parametrize("gate", [{}, {"scores": ["number"], "accept": {"number": {"max": 0.9}}, "attempts": 2}])
def test_a_line_that_is_done_is_done_again_with_another_seed(lab: Lab, gate: dict[str, object]) -> None:
    lab.write(items(5), **gate)
    lab.run()
    first = numbers(lab)
    assert forget(lab.out / ".valle", ["i3"]) == 1
    assert lab.run().worked == 1
    second = numbers(lab)
    assert lab.notes.settled_ids == ["i3"]
    assert {item for item in first if first[item] != second[item]} == {"i3"}
    assert not list(lab.out.rglob("takes/*"))
    assert forget(lab.out / ".valle", ["i3"]) == 1
    lab.run()
    assert numbers(lab)["i3"] not in {first["i3"], second["i3"]}


def test_a_rejected_line_does_not_make_the_same_takes_again(lab: Lab) -> None:
    lab.write(items(1), scores=["number"], accept={"number": {"max": -1}}, attempts=3)
    lab.run()
    forget(lab.out / ".valle")
    lab.run()
    [outcome] = lab.outcomes().values()
    assert [take["attempt"] for take in outcome.takes] == [3, 4, 5]


def test_a_changed_line_begins_with_its_first_take(lab: Lab) -> None:
    lab.write(items(1))
    lab.run()
    forget(lab.out / ".valle", ["i0"])
    lab.write(items(1), seed=5)
    lab.run()
    assert lab.outcomes()["i0"].attempt == 0
