"""The table of layouts, the places that positions get, and what is refused."""

import pytest
import torch

from valle_engine.errors import ItemError
from valle_engine.model.config import ModelConfig
from valle_engine.model.sequences import LAYOUTS, TASK_TOKENS, Inputs, plan, without_conditions

RELEASED = ModelConfig(
    capabilities=frozenset({"ar", "nar", "len", "lang"}), restart_positions=True, noncausal=True, version=6
)
FIVE, THREE = torch.zeros(5, dtype=torch.int64), torch.zeros(3, dtype=torch.int64)
VOICE = torch.zeros(4, 8, dtype=torch.int64)


def names(inputs, config=RELEASED):
    return [segment.name for segment in plan(inputs, config).segments]


def test_segments_come_in_the_order_of_the_table():
    inputs = Inputs(phonemes=FIVE, prompt=(VOICE,), response=THREE)
    assert names(inputs) == ["phonemes", "language", "level", "prompt", "response"]
    assert plan(inputs, RELEASED).size == 5 + 1 + 1 + 4 + 3 + 4


def test_phonemes_stand_before_raw_text():
    assert names(Inputs(phonemes=FIVE, text=FIVE, response=THREE)) == ["phonemes", "language", "level", "response"]
    assert names(Inputs(text=FIVE, response=THREE)) == ["text", "language", "level", "response"]


def test_tasks_between_texts_use_both():
    assert names(Inputs(task="phn", phonemes=THREE, text=FIVE)) == ["text", "language", "level", "phonemes"]
    assert names(Inputs(task="un-phn", phonemes=THREE, text=FIVE)) == ["phonemes", "language", "level", "text"]


def test_tone_takes_part_where_it_was_trained():
    config = ModelConfig(capabilities=frozenset({"ar", "lang", "tone"}))
    assert names(Inputs(phonemes=FIVE, response=THREE), config) == ["phonemes", "language", "level", "tone", "response"]


def test_positions_restart_and_count_the_separator():
    found = plan(Inputs(phonemes=THREE, response=THREE[:2]), RELEASED).positions()
    assert found == [0, 1, 2, 3, 0, 1, 0, 1, 0, 1]


def test_positions_may_run_through():
    config = ModelConfig(restart_positions=False)
    layout = plan(Inputs(phonemes=THREE, prompt=("ns", VOICE), response=THREE), config)
    assert layout.positions(grown=2) == list(range(layout.size + 2))
    assert layout.drift == 0


def test_an_empty_prompt_keeps_its_separator():
    empty = plan(Inputs(phonemes=THREE, prompt=(VOICE[:0],), response=THREE), RELEASED)
    none = plan(Inputs(phonemes=THREE, response=THREE), RELEASED)
    assert empty.size == none.size + 1


@pytest.mark.parametrize(
    ("task", "prompt", "drift"),
    [
        ("tts", (VOICE,), 0),
        ("tts", ("ns", VOICE), 1),
        ("tts-c", (VOICE, "tts-c"), 1 + 4),
        ("tse", (VOICE, "tse", VOICE), 1 + 4),
        ("cse", (VOICE, "soe", "mask", "eoe", VOICE), 3 + 4),
        ("nse", (VOICE, "soe", VOICE, "eoe", VOICE), 2 + 4),
    ],
)
def test_task_tokens_and_uncounted_separators_shorten_positions(task, prompt, drift):
    layout = plan(Inputs(task=task, phonemes=FIVE, prompt=prompt, response=THREE), RELEASED)
    assert layout.drift == drift
    assert layout.positions()[layout.size - drift :] == [1] * drift


@pytest.mark.parametrize(
    ("inputs", "head", "causal"),
    [
        (Inputs(phonemes=FIVE, response=THREE), "AR:0:0", True),
        (Inputs(phonemes=FIVE, response=THREE, level=3), "NAR:2:3", False),
        (Inputs(phonemes=FIVE, response=THREE, masked=True), "NAR:0:0", False),
        (Inputs(task="len", phonemes=FIVE, length=THREE), "len", True),
        (Inputs(task="stt", response=VOICE, phonemes=THREE), "stt", True),
        (Inputs(task="phn", text=FIVE, phonemes=THREE), "stt", True),
        (Inputs(task="un-phn", phonemes=FIVE, text=THREE), "text", False),
    ],
)
def test_every_task_has_its_head_and_its_sight(inputs, head, causal):
    found = plan(inputs, RELEASED)
    assert (found.head, found.causal) == (head, causal)


def test_models_without_the_switch_see_only_what_came_before():
    assert plan(Inputs(phonemes=FIVE, response=THREE, level=3), ModelConfig()).causal


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        (Inputs(task="sing", response=THREE), "no task 'sing'.*tts"),
        (Inputs(phonemes=FIVE), "given no response"),
        (Inputs(phonemes=FIVE, response=THREE, level=9), "no 'NAR:8:9' head"),
    ],
)
def test_what_cannot_be_laid_out_is_refused(inputs, message):
    with pytest.raises(ItemError, match=message):
        plan(inputs, RELEASED)


def test_without_conditions_nothing_is_said_by_nobody():
    bare = without_conditions(
        Inputs(task="tse", phonemes=FIVE, prompt=(VOICE,), language=3, response=THREE, level=2), torch.device("cpu")
    )
    assert bare.phonemes.tolist() == [1, 2]
    assert (bare.task, bare.prompt, bare.language, bare.level) == ("tts", None, 3, 2)
    spelled = without_conditions(Inputs(text=FIVE, response=THREE), torch.device("cpu"))
    assert (spelled.phonemes, spelled.text.tolist()) == (None, [1, 2])


def test_every_layout_ends_with_what_it_produces():
    assert all(layout.order[-1] == layout.output for layout in LAYOUTS.values())


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"phonemes": torch.tensor([256])}, "phonemes ids reach from 256 to 256"),
        ({"phonemes": torch.tensor([-1])}, "0 to 255"),
        ({"language": 6}, "language ids"),
        ({"prompt": (torch.full((2, 8), 1024),)}, "prompt code ids"),
        ({"prompt": (torch.zeros(2, 3, dtype=torch.int64),), "level": 5}, "has 3 codebooks; level 5 needs 5"),
        ({"response": torch.tensor([1025])}, "code ids"),
        ({"response": torch.full((2, 2), 1024), "level": 2}, "code ids"),
    ],
)
def test_ids_that_no_table_has_are_refused(models, changed, message):
    given = {"phonemes": FIVE, "response": torch.zeros(2, 5, dtype=torch.int64)} | changed
    with pytest.raises(ItemError, match=message):
        models["tiny"].embed(Inputs(**given))


def test_every_task_token_has_a_row(models):
    assert sorted(TASK_TOKENS.values()) == list(range(models["tiny"].config.tasks))
