"""Items without end: the rows of a synthetic corpus."""

from collections.abc import Iterator
from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from valle_engine import Row, Source
from valle_plugins.synthetic.corpus import Corpus
from valle_plugins.synthetic.splits import Split

Language = Literal["en", "de", "fr", "ja", "zh", "ko"]


class Synthetic(Source):
    """Texts in the mouths of speakers, all of them made from a seed, as many as are wanted.

    Columns: `id`, `text`, `language`, `speaker`, `split` (`train`, `validation`, `test`: by the hash of speaker and
    text, for ever) and `synthetic`, the recipe by which the task `synthesise` makes it sound. Nothing is rendered to
    make the rows. Those of one speaker lie together.
    """

    name: ClassVar[str] = "synthetic"

    utterances: int = Field(ge=1, description="How many.")
    seed: int = Field(0, ge=0, lt=10**18, description="Another seed, other voices and other texts.")
    speakers: int | None = Field(None, ge=1, description="How many; left out, a new one after every group.")
    group: int = Field(8, ge=1, description="Utterances of one speaker that lie together.")
    languages: tuple[Language, ...] = Field(("en",), min_length=1, description="The speakers take them in turn.")
    words: tuple[int, int] = Field((2, 12), description="Fewest and most words of a text.")
    split: Split | None = Field(None, description="Speakers and texts of one split alone; left out, of all.")
    flite: float = Field(
        0.0, ge=0, lt=1, description="Share of the voices that are flite's, which are few and English."
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        if not 1 <= self.words[0] <= self.words[1]:
            raise ValueError(f"words: {list(self.words)} is no range of words: say the fewest and the most, from 1")
        return self

    def rows(self) -> Iterator[Row]:
        """Stream the rows, some thousand a second."""
        corpus = Corpus(self.seed, self.languages, self.words, self.split, self.speakers, self.group, self.flite)
        return (Row(0, utterance.row()) for utterance in corpus.utterances(self.utterances))
