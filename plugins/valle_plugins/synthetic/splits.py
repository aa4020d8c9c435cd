"""What is learnt from and what is kept out, for ever: by the hash of a speaker's name and of a text."""

from __future__ import annotations

from typing import Literal

from valle_plugins.synthetic.chance import share

Split = Literal["train", "validation", "test"]

TEST = VALIDATION = 0.05
"""Share of all voices, and of all sentences, that is kept out of training for each purpose."""


def split_of(key: str) -> Split:
    """The split of a speaker's name, or of a text in its canonical form, whatever the seed and the options."""
    place = share(key)
    if place < TEST:
        return "test"
    return "validation" if place < TEST + VALIDATION else "train"
