"""Byte-pair encoding of phonemes and of raw text, in the released format's vocabularies."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from valle_engine.errors import CheckpointError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

UNKNOWN, START, STOP, MASK = range(4)
SPECIALS = {"<unk>": UNKNOWN, "<bos>": START, "</eos>": STOP, "<mask>": MASK}


class Tokenizer:
    """Text to ids and back.

    Several symbols may share an id (`y` and `u` do); merges are about ids, so they hold for all of them. Decoding gives
    the longest symbol of an id, of equals the one with the lowest code point, whatever the order of the vocabulary.
    """

    def __init__(self, vocabulary: Mapping[str, int], merges: Sequence[tuple[str, str]]) -> None:
        """Raises `CheckpointError` when the special symbols are not where the format has them."""
        from tokenizers import Tokenizer as Backend  # noqa: PLC0415 - workers only
        from tokenizers.models import BPE  # noqa: PLC0415 - workers only

        wrong = [symbol for symbol, id_ in SPECIALS.items() if vocabulary.get(symbol) != id_]
        if wrong:
            raise CheckpointError(f"the vocabulary has not the format's ids for {', '.join(wrong)}")
        self.vocabulary = dict(vocabulary)
        self.merges = tuple(merges)
        self._symbols = _canonical(vocabulary)
        self._backend = Backend(BPE(vocab=self.vocabulary, merges=list(merges), unk_token="<unk>"))  # noqa: S106 - no secret
        self._backend.add_special_tokens(list(SPECIALS))

    @classmethod
    def from_file(cls, path: Path) -> Self:
        """Read a `tokenizer.json`. Raises `CheckpointError` for anything else."""
        try:
            model = json.loads(path.read_text(encoding="utf-8"))["model"]
            vocabulary, merges = model["vocab"], [_pair(merge) for merge in model["merges"]]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise CheckpointError(f"{path} is no tokenizer file with a vocabulary and merges: {error!r}") from error
        return cls(vocabulary, merges)

    @classmethod
    def from_symbols(cls, vocabulary: Mapping[str, int]) -> Self:
        """Rebuild from a checkpoint's symbol map alone: ids were given in the order of the merges.

        A merge joins the two pieces that the merges before it leave of its symbol. Raises `CheckpointError` when they
        leave more or fewer.
        """
        merges: list[tuple[str, str]] = []
        longer = [symbol for symbol in vocabulary if len(symbol) > 1 and symbol not in SPECIALS]
        for symbol in sorted(longer, key=lambda symbol: vocabulary[symbol]):
            pieces = list(symbol)
            for merge in merges:
                pieces = _joined(pieces, merge)
            if len(pieces) != 2 or not vocabulary.keys() >= set(pieces):
                raise CheckpointError(f"the symbol map is no vocabulary of merges: {symbol!r} is made of {pieces}")
            merges.append((pieces[0], pieces[1]))
        return cls(vocabulary, merges)

    def encode(self, text: str) -> np.ndarray:
        """Ids (n,) int64 between start and stop; an unknown character is one id 0."""
        ids = self._backend.encode(text, add_special_tokens=False).ids
        return np.array([START, *ids, STOP], dtype=np.int64)

    def decode(self, ids: Iterable[int]) -> str:
        """Text of ids, without the special ones. Raises `CheckpointError` for an id the vocabulary has not."""
        plain = [int(id_) for id_ in ids if id_ not in SPECIALS.values()]
        if missing := sorted(set(plain) - self._symbols.keys()):
            raise CheckpointError(f"the vocabulary has no symbol for the ids {missing}: it belongs to another model")
        return "".join(self._symbols[id_] for id_ in plain)


def _canonical(vocabulary: Mapping[str, int]) -> dict[int, str]:
    symbols: dict[int, str] = {}
    for symbol in sorted(vocabulary, key=lambda symbol: (-len(symbol), symbol)):
        symbols.setdefault(vocabulary[symbol], symbol)
    return symbols


def _pair(merge: Any) -> tuple[str, str]:
    """A merge as a file has it: two symbols, or both in one string with a space between."""
    left, right = merge.split(" ") if isinstance(merge, str) else merge
    return left, right


def _joined(pieces: list[str], merge: tuple[str, str]) -> list[str]:
    """The pieces with every pair that is the merge made one, from the left."""
    joined: list[str] = []
    for piece in pieces:
        if joined and (joined[-1], piece) == merge:
            joined[-1] += piece
        else:
            joined.append(piece)
    return joined
