"""What a training begins with: vocabularies, the model's config, and its first weights."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn

from valle_engine.errors import CheckpointError
from valle_engine.model.checkpoint import read_checkpoint
from valle_engine.model.config import ModelConfig
from valle_engine.model.language_model import LanguageModel
from valle_engine.model.sequences import TASK_TOKENS
from valle_engine.opened import tokenizer_of
from valle_engine.text import LANGUAGES, Tokenizer
from valle_engine.text.tokenizer import SPECIALS
from valle_engine.training.lessons import Vocabularies

if TYPE_CHECKING:
    from valle_engine.training.loading import Training
    from valle_engine.training.shards import Shards

SPREAD = 0.02
"""Standard deviation of first embeddings and heads (as in GPT-2)."""


def first_model(training: Training, corpus: Shards) -> tuple[LanguageModel, Vocabularies]:
    """The model to train, in float32, and how it reads. Raises `CheckpointError` where the corpus does not fit it."""
    if training.start is not None:
        checkpoint = read_checkpoint(training.start)
        named = training.tokenizer
        phonemes = tokenizer_of(checkpoint) if named is None else Tokenizer.from_file(named)
        vocabularies = Vocabularies(phonemes, _characters(training))
        _check_fit(checkpoint.config, corpus)
        return checkpoint.model(torch.float32).requires_grad_(requires_grad=True), vocabularies
    vocabularies = Vocabularies(_own(training, corpus), _characters(training))
    config = first_config(training, corpus, vocabularies)
    model = LanguageModel(config, raw_text=vocabularies.characters is not None)
    initialise(model, training.spec.seed)
    return model, vocabularies


def first_config(training: Training, corpus: Shards, vocabularies: Vocabularies) -> ModelConfig:
    """The config of a model from nothing, for the codes of a corpus."""
    sizes, codec = training.spec.model, corpus.codec
    characters = vocabularies.characters
    spells = bool(training.spec.lessons.tasks.get("un-phn"))
    return ModelConfig(
        name="ar+nar-len",
        version=6 if spells else 5,
        dim=sizes.width,
        heads=sizes.heads,
        layers=sizes.layers,
        tasks=len(TASK_TOKENS),
        langs=len({language.id for language in LANGUAGES.values()}),
        levels=codec.codebooks,
        codes=codec.codebook_size,
        phonemes=max(vocabularies.phonemes.vocabulary.values()) + 1,
        characters=len(SPECIALS) if characters is None else max(characters.vocabulary.values()) + 1,
        capabilities=frozenset({"ar", "nar", "len", "lang"}),
        sum_prompt=True,
        sum_response=True,
        restart_positions=True,
        noncausal=True,
        codec=codec.name,
        mended=True,
    )


@torch.no_grad()
def initialise(model: LanguageModel, seed: int) -> None:
    """Draw first weights.

    Maps keep the spread of what they are given; those that end a branch begin smaller, by the root of the number of
    branches (as in GPT-2), so that the sum does not grow with the depth.
    """
    generator = torch.Generator().manual_seed(seed)
    branches = 2 * model.config.layers
    for name, weight in model.named_parameters():
        if name.endswith("bias"):
            weight.zero_()
        elif name.endswith(("layernorm.weight", "model.norm.weight")):
            weight.fill_(1)
        elif name.startswith("model.layers"):
            ends = name.endswith(("o_proj.weight", "down_proj.weight"))
            spread = weight.shape[1] ** -0.5 / (branches**0.5 if ends else 1)
            nn.init.normal_(weight, std=spread, generator=generator)
        else:
            nn.init.normal_(weight, std=SPREAD, generator=generator)


def _own(training: Training, corpus: Shards) -> Tokenizer:
    """The tokenizer that the file names, or one symbol for each character of the corpus."""
    if training.tokenizer is not None:
        return Tokenizer.from_file(training.tokenizer)
    symbols = [" ", *sorted(set(corpus.phonemes) - {" "})]
    return Tokenizer(SPECIALS | {symbol: len(SPECIALS) + place for place, symbol in enumerate(symbols)}, [])


def _characters(training: Training) -> Tokenizer | None:
    return None if training.text_tokenizer is None else Tokenizer.from_file(training.text_tokenizer)


def _check_fit(config: ModelConfig, corpus: Shards) -> None:
    codec = corpus.codec
    if (codec.codebooks, codec.codebook_size) != (config.levels, config.codes):
        raise CheckpointError(
            f"the model speaks {config.levels} codebooks of {config.codes} entries, and the corpus has "
            f"{codec.codebooks} of {codec.codebook_size}: prepare it with the model's codec"
        )
