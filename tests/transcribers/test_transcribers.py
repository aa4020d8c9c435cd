"""Transcribers: given transcripts, Whisper on a small random network, the engine's own model."""

import numpy as np
import pytest
import torch

from valle_engine.errors import CheckpointError, ItemError
from valle_engine.parts import Take
from valle_engine.plugins import load_plugins
from valle_engine.records import Clip, Outcome
from valle_engine.testing import check_part
from valle_plugins.transcribers.given import Given
from valle_plugins.transcribers.stt import SpeechToText
from valle_plugins.transcribers.whisper import Whisper


def take(fields=None, values=None, item="a"):
    return Take(fields or {}, Outcome(item, "done", "", values=values or {}), None)


def test_every_transcriber_says_what_it_writes():
    offers = load_plugins().transcribers.offers
    assert {"given", "recogniser", "stt", "whisper"} <= set(offers)
    for part in (Given(column="x"), Whisper(), SpeechToText()):
        check_part(part)
        assert part.writes in {"text", "phonemes"}


def test_a_transcript_comes_from_a_column():
    assert Given(column="said").known(take({"said": "hello"})) == "hello"
    assert Given(column="said").fields() == {"said"}


def test_a_transcript_comes_from_what_the_task_gave():
    given = Given(value="phonemes", form="phonemes")
    assert given.known(take(values={"phonemes": "həlˈoʊ"})) == "həlˈoʊ"
    assert given.writes == "phonemes"


@pytest.mark.parametrize(
    "text",
    ['{"id": "a", "text": "hello there"}\n\n{"id": "b", "text": ""}\n', "a hello there\nb\n", "a\thello there\nb\t\n"],
)
def test_transcripts_come_from_a_file(tmp_path, text):
    (tmp_path / "said.txt").write_text(text)
    given = Given(file=tmp_path / "said.txt")
    assert [given.known(take(item=item)) for item in "ab"] == ["hello there", ""]


def test_a_missing_transcript_is_told(tmp_path):
    (tmp_path / "said.txt").write_text("a hello\n")
    with pytest.raises(ItemError, match=r"no transcript of c in .*said\.txt"):
        Given(file=tmp_path / "said.txt").known(take(item="c"))
    with pytest.raises(ItemError, match="no transcript of a in column 'said'"):
        Given(column="said").known(take())


def test_a_file_of_something_else_is_told_with_its_line(tmp_path):
    (tmp_path / "said.jsonl").write_text('{"id": "a", "text": "x"}\n{"id": "b"}\n')
    with pytest.raises(CheckpointError, match=r"said.jsonl:2: no transcript"):
        Given(file=tmp_path / "said.jsonl").known(take())


@pytest.mark.parametrize("options", [{}, {"column": "a", "value": "b"}])
def test_transcripts_come_from_one_place(options):
    with pytest.raises(ValueError, match="one of `column`, `value` and `file`"):
        Given(**options)


def test_nobody_listens_where_transcripts_are_given():
    with pytest.raises(ItemError, match="nobody listens"):
        Given(column="a").open("cpu").transcribe([], [])


@pytest.fixture(scope="module")
def whisper(tmp_path_factory):
    """A folder with a small random Whisper and a tokenizer of its own."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers  # noqa: PLC0415 - beside its only user
    from transformers import (  # noqa: PLC0415 - an extra
        PreTrainedTokenizerFast,
        WhisperConfig,
        WhisperFeatureExtractor,
        WhisperForConditionalGeneration,
    )

    folder = tmp_path_factory.mktemp("whisper")
    specials = ["<|endoftext|>", "<|startoftranscript|>", "<|notimestamps|>"]
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokens = Tokenizer(models.BPE({each: number for number, each in enumerate([*specials, *letters])}, []))
    tokens.pre_tokenizer, tokens.decoder = pre_tokenizers.ByteLevel(), decoders.ByteLevel()
    PreTrainedTokenizerFast(
        tokenizer_object=tokens, eos_token=specials[0], bos_token=specials[0], pad_token=specials[0]
    ).save_pretrained(folder)
    WhisperFeatureExtractor(feature_size=16).save_pretrained(folder)
    torch.manual_seed(1)
    config = WhisperConfig(
        vocab_size=len(letters) + len(specials),
        num_mel_bins=16,
        d_model=16,
        encoder_layers=1,
        decoder_layers=1,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        encoder_ffn_dim=16,
        decoder_ffn_dim=16,
        max_target_positions=24,
        pad_token_id=0,
        bos_token_id=0,
        eos_token_id=0,
        decoder_start_token_id=1,
        suppress_tokens=[],
        begin_suppress_tokens=[],
    )
    network = WhisperForConditionalGeneration(config)
    network.generation_config.max_length = 12
    network.save_pretrained(folder)
    return folder


def test_whisper_hears_each_clip_the_same_in_any_company(whisper):
    random = np.random.default_rng(0)
    clips = [Clip(random.normal(0, 0.1, size).astype(np.float32), 16000) for size in (8000, 16000, 24000)]
    opened = Whisper(weights=str(whisper)).open("cpu")
    together = opened.transcribe(clips, ["en", "de", "en"])
    assert together == [opened.transcribe([clip], ["en"])[0] for clip in clips]
    assert opened.about == {"weights": str(whisper), "revision": "local files"}


def test_a_folder_without_a_whisper_is_told(tmp_path):
    with pytest.raises(CheckpointError, match="holds no Whisper"):
        Whisper(weights=str(tmp_path)).open("cpu")


def test_the_engine_s_own_model_hears_what_its_task_hears(spec, place):
    from valle_engine.audio import read_clip  # noqa: PLC0415 - beside its only user

    own = spec("tiny")
    part = SpeechToText(weights=own.name, codec=own.codec, max_ids=12)
    clips = [read_clip(place / f"{number}.wav") for number in range(2)]
    heard = part.open("cpu").transcribe(clips, ["en", "en"])
    from valle_engine import load  # noqa: PLC0415 - loads torch

    with load({"name": own.name, "codec": own.codec, "device": "cpu"}) as model:
        task = [model.run("stt", {"audio": place / f"{number}.wav"}, max_ids=12) for number in range(2)]
    assert heard == [each.values["phonemes"] for each in task]
