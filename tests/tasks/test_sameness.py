"""For every task: one seed, one result, whatever runs beside an item and however much."""

import pytest

from tests.tasks.cases import CASES, SAMPLING
from valle_engine.plugins import load_plugins

ITEMS = 6


@pytest.fixture
def run(work, spec, place):
    """The results of some items of a case: bytes of the file and values, by id."""

    def run(case, items, slots):
        sampling = SAMPLING if case.sampled else ()
        ended = work(case.task, items, slots, case.options, sampling, spec(case.model))
        failures = {name: outcome.failure.message for name, (outcome, _) in ended.items() if outcome.failure}
        assert not failures
        return {name: (data, dict(outcome.values)) for name, (outcome, data) in ended.items()}

    return run


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_an_item_s_result_does_not_depend_on_its_company(run, place, case):
    items = case.items(place, ITEMS)
    together = run(case, items, 16)
    assert len({repr(result) for result in together.values()}) >= case.kinds, "nothing is proven by equal items"
    assert together == run(case, items[::-1], 4)
    assert together == run(case, items, 1)
    assert {items[5]["id"]: together[items[5]["id"]]} == run(case, [items[5]], 16)


def test_every_task_with_a_model_is_among_the_cases():
    tasks = load_plugins().tasks
    needing = {name for name in tasks.names() if tasks.offer(name).part.needs_model}
    assert needing == {case.task for case in CASES.values()}
