"""An item's codes are the same bits alone, in any company, at any number of slots."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from valle_engine.model.autoregressive import Autoregressive, Row
from valle_engine.model.checkpoint import read_checkpoint
from valle_engine.model.engine import prepare, run_all
from valle_engine.model.guidance import Guidance
from valle_engine.model.parallel import Demasking, Levels
from valle_engine.model.requests import Conditions, Measure, Refine, Speak, Write
from valle_plugins.samplers.repetition_penalty import RepetitionPenalty
from valle_plugins.samplers.temperature import Temperature
from valle_plugins.samplers.top_k import TopK
from valle_plugins.samplers.top_p import TopP

ITEMS = 64
SAMPLED = (RepetitionPenalty(penalty=1.3, decay=0.5), Temperature(temperature=1.1), TopK(k=200), TopP(p=0.95))


def conditions(generator, task="tts"):
    def codes():
        return generator.integers(0, 1024, (int(generator.integers(5, 40)), 8))

    def text():
        return np.array([1, *generator.integers(4, 256, int(generator.integers(2, 30))), 2])

    prompts = {"tts": codes(), "ns": ("ns", codes()), "tse": (codes(), "tse", codes()), "none": None}
    return Conditions(
        task={"none": "tts"}.get(task, task),
        phonemes=text(),
        language=int(generator.integers(0, 6)),
        prompt=prompts[task],
    )


def speak(generator, task="tts", guidance=None, rest=Levels(last=2)):  # noqa: B008 - frozen
    first = Autoregressive(int(generator.integers(3, 16)), SAMPLED, guidance)
    return Speak(conditions=conditions(generator, task), first=first, rest=rest, seed=int(generator.integers(2**60)))


def demask(generator):
    frames = int(generator.integers(5, 40))
    first = Demasking(5, SAMPLED[2:], temperature=1.0)
    seed = int(generator.integers(2**60))
    return Speak(conditions=conditions(generator), first=first, rest=Levels(1, SAMPLED[1:]), frames=frames, seed=seed)


def transcribe(generator):
    heard = generator.integers(0, 1024, (int(generator.integers(5, 60)), 8))
    return Write(conditions=Conditions(task="stt"), codes=heard, options=Autoregressive(int(generator.integers(3, 12))))


MAKERS = {
    "steps": speak,
    "guided steps": lambda generator: speak(generator, guidance=Guidance(2.0)),
    "no voice": lambda generator: speak(generator, "none"),
    "denoising": lambda generator: speak(generator, "ns"),
    "guided target speaker": lambda generator: speak(generator, "tse", Guidance(1.5)),
    "demasking": demask,
    "transcription": transcribe,
    "duration": lambda generator: Measure(conditions=conditions(generator)),
    "levels": lambda generator: Refine(
        conditions=conditions(generator), codes=generator.integers(0, 1024, (int(generator.integers(3, 50)), 1))
    ),
}
DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}


@pytest.fixture(scope="module", params=DTYPES)
def prepared(request, checkpoint_path):
    model = read_checkpoint(checkpoint_path("tiny")).model(DTYPES[request.param])
    prepare(model)
    return model


@pytest.fixture(scope="module")
def requests():
    """All kinds in turn, each with lengths, texts and seeds of its own."""
    generator = np.random.default_rng(7)
    makers = list(MAKERS.values())
    return [makers[index % len(makers)](generator) for index in range(ITEMS)]


@pytest.fixture(scope="module")
def alone(prepared, requests):
    return [run_all(prepared, [request], slots=1)[0] for request in requests]


@pytest.mark.parametrize("slots", [4, 16, 64])
def test_any_number_of_slots_gives_the_same_codes(prepared, requests, alone, slots):
    for index, result in enumerate(run_all(prepared, requests, slots=slots)):
        np.testing.assert_array_equal(result, alone[index])


def test_the_order_of_items_does_not_matter(prepared, requests, alone):
    for index, result in enumerate(run_all(prepared, requests[::-1], slots=16)):
        np.testing.assert_array_equal(result, alone[ITEMS - 1 - index])


@pytest.mark.parametrize("kind", [kind for kind in MAKERS if kind != "duration"])
def test_results_are_worth_comparing(requests, alone, kind):
    """Nothing is proven by items that all come out the same."""
    of_kind = alone[list(MAKERS).index(kind) :: len(MAKERS)]
    assert len({result.tobytes() for result in of_kind}) == len(of_kind)
    assert any(len(result) for result in of_kind)


def test_another_seed_is_another_take(prepared, requests):
    first = requests[0]
    again = Speak(conditions=first.conditions, first=first.first, rest=first.rest, seed=first.seed + 1)
    one, another = run_all(prepared, [first, again])
    assert not np.array_equal(one, another)


def grown(model, generator, steps):
    """A sequence that has been decoded for some steps, and the logits of each."""
    inputs = conditions(generator, generator.choice(["tts", "ns", "tse", "none"])).inputs(model.device)
    response = torch.from_numpy(generator.integers(0, 1024, int(generator.integers(0, 30))))
    row = Row(model, replace(inputs, response=response), steps)
    yield row.begin(1)
    for token in generator.integers(0, 1024, steps).tolist():
        yield row.extend(token)


def test_every_logit_has_the_same_bits(prepared):
    """Tokens hide most differences; logits hide none."""
    count, steps = 24, 4
    apart = [
        [prepared.run([one])[0] for one in grown(prepared, np.random.default_rng(seed), steps)] for seed in range(count)
    ]
    rows = [grown(prepared, np.random.default_rng(seed), steps) for seed in range(count)]
    for step in range(steps + 1):
        together = prepared.run([next(row) for row in rows])
        assert all(torch.equal(apart[index][step], logits) for index, logits in enumerate(together))
