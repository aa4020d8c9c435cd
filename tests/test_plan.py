"""The decision about every item: what is to be done, why, and in bounded memory."""

import json
import tracemalloc
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

import pluggy
import pytest

from valle_engine.errors import JobError
from valle_engine.job.census import Census
from valle_engine.job.items import Shard
from valle_engine.job.loading import Choice, load_job
from valle_engine.parts import BaseItem, Task
from valle_engine.plan import Reason, make_plan
from valle_engine.plugins import Plugins
from valle_engine.records import OutputFile
from valle_engine.registry import Offer
from valle_plugins.sources import sources


class Speak(Task):
    name: ClassVar[str] = "tts"

    class Item(BaseItem):
        text: str
        voice: Path | None = None

    async def run(self, item, kit):
        raise NotImplementedError

    def expected_seconds(self, item):
        return len(item.text) / 10


@dataclass(frozen=True)
class Known:
    """An entry as the ledger would give it."""

    fingerprint: str
    ordinal: int
    mark: str = ""
    state: str = "done"
    file: OutputFile | None = None


PLUGINS = Plugins(
    pluggy.PluginManager("valle_engine"),
    (),
    {
        "tasks": (Offer(Speak, "small-parts", "1.0"),),
        "sources": tuple(Offer(source, "small-parts", "1.0") for source in sources()),
    },
)


@pytest.fixture
def job(tmp_path):
    """A job with so many items; `extra` changes the file's top level."""

    def job(items=3, choice=None, **extra):
        rows = [{"id": f"i{n}", "text": f"Hello {n}"} for n in range(items)] if isinstance(items, int) else items
        (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        whole = {"name": "a", "task": "tts", "items": {"kind": "jsonl", "path": "rows.jsonl"}, **extra}
        (tmp_path / "job.yaml").write_text(json.dumps(whole))
        return load_job(tmp_path / "job.yaml", PLUGINS, choice)

    return job


def fresh(job, **more):
    return make_plan(job, lambda ids: {}, lambda file: None, **more)


def ledger_of(plan, **changed):
    """A ledger in which every item is done; `changed` replaces fields of single entries."""
    entries = {
        order.id: Known(order.fingerprint, order.ordinal, order.mark, file=OutputFile(f"{order.id}.flac", 1, ""))
        for order in plan.pending()
    }
    for item, values in changed.items():
        entries[item] = replace(entries[item], **values)
    return entries


def again(job, entries, check=lambda file: None, **more):
    return make_plan(job, lambda ids: {item: entries[item] for item in ids if item in entries}, check, **more)


def test_without_a_ledger_everything_is_new(job):
    plan = fresh(job(3))
    assert (plan.items, plan.to_do, plan.settled) == (3, {Reason.NEW: 3}, {})
    assert (plan.characters, plan.seconds) == (21, pytest.approx(2.1))


def test_an_order_holds_all_a_worker_needs(job):
    [order] = fresh(job([{"id": "a", "text": "Hello", "chapter": 3}])).pending()
    assert (order.id, order.attempt, order.expected_seconds) == ("a", 0, 0.5)
    assert order.fields == {"id": "a", "text": "Hello", "voice": None, "chapter": 3}
    assert len(order.fingerprint) == 64


def test_what_is_done_is_not_done_again(job):
    plan = again(job(3), ledger_of(fresh(job(3))))
    assert (plan.to_do, plan.settled, plan.characters, plan.disk_bytes) == ({}, {"done": 3}, 0, 0)
    assert list(plan.pending()) == []


@pytest.fixture
def checked(monkeypatch):
    """The ids of the rows that were checked."""
    seen, check = [], Census.check
    monkeypatch.setattr(Census, "check", lambda self, given: (seen.append(given.picked.id), check(self, given))[1])
    return seen


def test_a_row_as_it_was_is_not_checked_again(job, checked):
    entries = ledger_of(fresh(job([{"id": "a", "text": "x", "voice": "rows.jsonl"}, {"id": "b", "text": "y", "n": 1}])))
    checked.clear()
    assert again(job([{"id": "a", "text": "x", "voice": "rows.jsonl"}, {"id": "b", "text": "y", "n": 2}]), entries)
    # The file that is a voice holds the rows, so it has changed; and so has a column that determines nothing.
    assert checked == ["a", "b"]
    entries = ledger_of(fresh(job(3)))
    checked.clear()
    assert again(job(3), entries).settled == {"done": 3}
    assert checked == []


def test_what_a_row_says_beside_its_fields_is_told_anew(job):
    entries = ledger_of(fresh(job([{"id": "a", "text": "x", "page": 1}, {"id": "b", "text": "y", "page": 1}])))
    plan = again(job([{"id": "a", "text": "x", "page": 1}, {"id": "b", "text": "y", "page": 2}]), entries)
    assert (plan.to_do, plan.settled) == ({}, {"done": 2})
    assert [(order.id, order.fields["page"]) for order in plan.restatements()] == [("b", 2)]


def test_a_row_with_no_mark_is_settled_by_its_fingerprint(job, checked):
    entries = ledger_of(fresh(job(2)), i0={"mark": ""})
    checked.clear()
    assert again(job(2), entries).settled == {"done": 2}
    assert checked == ["i0"]


def test_a_file_that_changed_is_seen_although_its_row_did_not(job, tmp_path):
    (tmp_path / "v.wav").write_bytes(b"one")
    rows = [{"id": "a", "text": "x", "voice": "v.wav"}]
    entries = ledger_of(fresh(job(rows)))
    (tmp_path / "v.wav").write_bytes(b"another")
    assert again(job(rows), entries).to_do == {Reason.CHANGED: 1}


def test_another_default_is_another_item(job):
    entries = ledger_of(fresh(job(2)))
    assert again(job(2, defaults={"voice": "rows.jsonl"}), entries).to_do == {Reason.CHANGED: 2}


def test_a_bad_row_is_told_beside_settled_ones(job):
    entries = ledger_of(fresh(job(2)))
    with pytest.raises(JobError, match="item 'bad'"):
        again(job([{"id": "i0", "text": "Hello 0"}, {"id": "bad"}, {"id": "i1", "text": "Hello 1"}]), entries)


def test_a_settled_id_given_twice_is_told(job):
    entries = ledger_of(fresh(job(1)))
    with pytest.raises(JobError, match="'i0' is given twice"):
        again(job([{"id": "i0", "text": "Hello 0"}, {"id": "i0", "text": "Hello 0"}]), entries)


@pytest.mark.parametrize("state", ["failed", "rejected", "quarantined"])
def test_what_failed_stays_so_while_nothing_changes(job, state):
    plan = again(job(3), ledger_of(fresh(job(3)), i1={"state": state, "file": None}))
    assert (plan.to_do, plan.settled) == ({}, {"done": 2, state: 1})


def test_what_failed_is_done_again_when_it_changed(job):
    entries = ledger_of(fresh(job(3)), i1={"state": "failed", "fingerprint": "other", "mark": "other"})
    assert again(job(3), entries).to_do == {Reason.CHANGED: 1}


def test_only_a_changed_item_is_done_again(job):
    entries = ledger_of(fresh(job(3)))
    rows = [{"id": f"i{n}", "text": f"Hello {n}"} for n in range(3)]
    plan = again(job([rows[0], {"id": "i1", "text": "Bye"}, rows[2], {"id": "i3", "text": "New"}]), entries)
    assert plan.to_do == {Reason.CHANGED: 1, Reason.NEW: 1}
    assert [order.id for order in plan.pending()] == ["i1", "i3"]


def test_a_changed_recipe_changes_every_item(job):
    assert again(job(3, seed=1), ledger_of(fresh(job(3)))).to_do == {Reason.CHANGED: 3}


def test_a_damaged_output_is_done_again(job):
    entries = ledger_of(fresh(job(3)))
    plan = again(job(3), entries, lambda file: "it is gone" if file.path == "i2.flac" else None)
    assert plan.to_do == {Reason.OUTPUT: 1}
    assert [order.id for order in plan.pending()] == ["i2"]


def test_an_output_that_the_ledger_does_not_know_is_done_again(job):
    plan = fresh(job(3), exists=lambda item: item == "i1")
    assert plan.to_do == {Reason.NEW: 2, Reason.UNRECORDED: 1}


def test_what_was_tried_and_not_settled_is_told_apart(job):
    assert fresh(job(3), tried={"i0"}).to_do == {Reason.NEW: 2, Reason.TRIED: 1}


def test_the_ledger_is_asked_for_a_hundred_ids_at_a_time(job):
    asked = []
    make_plan(job(1201), lambda ids: asked.append(len(ids)) or {}, lambda file: None)
    assert asked == [100] * 12 + [1]


def test_a_job_with_bad_items_does_not_start(job):
    bad = [
        {"id": "a", "text": "x"},
        {"id": "a", "text": "y"},
        {"id": "b"},
        {"id": "c", "text": "z", "voice": "none.wav"},
    ]
    with pytest.raises(JobError) as caught:
        fresh(job(bad))
    assert [(problem.line, problem.path) for problem in caught.value.problems] == [(3, "text"), (4, "voice"), (2, "id")]


def test_an_item_with_another_place_than_in_the_ledger_is_noticed(job):
    entries = ledger_of(fresh(job(3)))
    assert not again(job(3), entries).moved
    rows = [{"id": f"i{n}", "text": f"Hello {n}"} for n in (1, 0, 2)]
    plan = again(job(rows), entries)
    assert (plan.moved, plan.known, plan.to_do) == (True, 3, {})


def test_a_shard_plans_its_own_items(job):
    plans = [fresh(job(50, Choice(shard=Shard(n, 2)))) for n in (1, 2)]
    assert plans[0].items + plans[1].items == 50
    ids = [[order.id for order in plan.pending()] for plan in plans]
    assert sorted(ids[0] + ids[1]) == sorted(f"i{n}" for n in range(50))


def test_a_shard_may_be_empty(job):
    assert min(fresh(job(1, Choice(shard=Shard(n, 2)))).items for n in (1, 2)) == 0


def test_places_give_every_item_its_ordinal(job):
    assert list(fresh(job(3)).places()) == [("i0", 0), ("i1", 1), ("i2", 2)]


@pytest.mark.parametrize("now", [["i0", "i1"], ["i0", "i1", "i2", "i3"], ["i0", "x", "i2"], ["i1", "i0", "i2"]])
def test_a_manifest_that_changed_after_it_was_checked_is_an_error(job, now):
    plan = fresh(job(3))
    job([{"id": item, "text": "x"} for item in now])
    with pytest.raises(JobError, match=r"rows\.jsonl.*changed since the job was checked"):
        list(plan.pending())


def test_a_row_that_went_bad_after_it_was_checked_is_an_error(job):
    plan = fresh(job(2))
    job([{"id": "i0", "text": "x"}, {"id": "i1"}])
    with pytest.raises(JobError, match=r"rows\.jsonl:2: text"):
        list(plan.pending())


def test_what_is_settled_is_not_checked_a_second_time(job):
    plan = again(job(2), ledger_of(fresh(job(2)), i1={"fingerprint": "other", "mark": "other"}))
    job([{"id": "i0"}, {"id": "i1", "text": "x"}])
    assert [order.id for order in plan.pending()] == ["i1"]


def test_a_plan_takes_a_few_bytes_an_item(job):
    def peak(planned):
        tracemalloc.start()
        fresh(planned)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return peak

    few = peak(job(1_000))
    assert peak(job(11_000)) - few < 10_000 * 50
