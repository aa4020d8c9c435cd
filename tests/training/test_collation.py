"""A pack is what its lessons are alone."""

import pytest
import torch

from valle_engine.errors import ItemError
from valle_engine.model.sequences import Inputs
from valle_engine.training.collation import collate, places_of
from valle_engine.training.lessons import Lesson

TASKS = ["tts", "continuation", "tts-c", "stt", "ns", "sr", "tse", "cse", "nse", "len", "phn", "un-phn"]


@pytest.mark.parametrize("task", TASKS)
def test_every_task_of_the_format_gives_a_batch_that_is_learnt(learner, teach, task):
    lessons = teach(task, levels={"weights": [1, 1, 1]})
    optimiser = torch.optim.AdamW(learner.parameters(), lr=3e-3)
    seen = []
    for _ in range(12):
        losses = learner(collate(lessons, learner.model.config))
        losses.total.backward()
        optimiser.step()
        optimiser.zero_grad()
        seen.append(losses.total.item())
    assert seen[-1] < 0.9 * seen[0]


@pytest.mark.parametrize("task", TASKS)
def test_embeddings_of_a_pack_are_those_the_engine_decodes_with(learner, teach, task):
    lessons = teach(task, count=6)
    packed = learner.embed(collate(lessons, learner.model.config))
    order = sorted(lessons, key=lambda lesson: not collate([lesson], learner.model.config).causal)
    alone = torch.cat([learner.model.embed(lesson.inputs).embeddings for lesson in order])
    torch.testing.assert_close(packed, alone)


def test_the_loss_of_a_pack_is_that_of_its_lessons_one_by_one(learner, teach):
    config = learner.model.config
    lessons = [lesson for task in TASKS for lesson in teach(task)]
    together = learner(collate(lessons, config))
    together.total.backward()
    gradients = {name: weight.grad.clone() for name, weight in learner.named_parameters() if weight.grad is not None}
    learner.zero_grad()
    alone = [learner(collate([lesson], config)).total / len(lessons) for lesson in lessons]
    sum(alone).backward()
    torch.testing.assert_close(together.total, sum(alone))
    for name, weight in learner.named_parameters():
        if weight.grad is not None:
            torch.testing.assert_close(gradients[name], weight.grad, atol=1e-6, rtol=1e-4)


def test_a_lesson_shows_nothing_of_what_it_asks(learner, teach):
    config = learner.model.config
    for task in ("tts", "stt", "len", "phn", "un-phn"):
        lesson = teach(task, count=1, levels={"weights": [1, 0, 0], "masked": 0})[0]
        pack = collate([lesson], config)
        losses = learner(pack).lessons
        other = Lesson(lesson.inputs, lesson.targets.roll(1))
        assert collate([other], config).lookups.keys() == pack.lookups.keys()
        assert places_of(lesson, config) == len(pack.positions)
        assert losses.item() > 0


def test_an_id_beyond_the_vocabulary_is_named(learner):
    lesson = Lesson(Inputs(phonemes=torch.tensor([1, 99, 2]), response=torch.tensor([1])), torch.tensor([1, 32]))
    with pytest.raises(ItemError, match="ids of text_emb reach from 1 to 99; this model has 0 to 14"):
        learner.placed(collate([lesson], learner.model.config))
