"""What a prepared corpus holds, in words and bars, and as plain data."""

from __future__ import annotations

import unicodedata
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from valle_engine.report.text import duration, one_line

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from valle_engine.training.packing import Index
    from valle_engine.training.statistics import Statistics

BARS = 12
"""Lines of a histogram, at most."""
BAR_WIDTH = 40


def corpus_facts(folder: Path, index: Index, symbols: frozenset[str] | None) -> dict[str, Any]:
    """The facts about a corpus as JSON has them; `symbols` is the vocabulary its phonemes are compared with."""
    facts = _counts(index.whole)
    return {
        "folder": str(folder),
        "codec": asdict(index.codec),
        **facts,
        "phonemes": dict(index.whole.phonemes.most_common()),
        "missing": None if symbols is None else dict(index.whole.missing(symbols)),
        "lengths": {str(second): count for second, count in sorted(index.whole.lengths.items())},
        "splits": {split: _counts(each) for split, each in index.statistics.items()},
        "shards": {split: len(each) for split, each in index.shards.items()},
        "left_out": dict(index.left_out),
    }


def corpus_lines(folder: Path, index: Index, symbols: frozenset[str] | None, vocabulary: str) -> Iterator[str]:
    """The same for people. `vocabulary` is what the symbols are called."""
    whole, codec = index.whole, index.codec
    yield f"{folder}: {whole.examples:,} examples, {duration(whole.seconds)}, {len(whole.speakers):,} speakers"
    yield f"  codec {codec.name}: {codec.frame_rate} frames/s, {codec.codebooks} codebooks of {codec.codebook_size}"
    for split, each in index.statistics.items():
        yield (
            f"  {split:10} {each.examples:>10,} examples  {duration(each.seconds):>12}  "
            f"{len(each.speakers):>7,} speakers  {len(index.shards[split]):>6,} shards"
        )
    yield f"  languages: {_listed(whole.languages)}"
    if whole.noisy:
        yield f"  in noise as well: {whole.noisy:,} examples"
    if index.left_out:
        yield f"  left out: {sum(index.left_out.values()):,} items: {_listed(index.left_out)}"
    yield f"  phonemes: {len(whole.phonemes):,} symbols; {_missing(whole, symbols, vocabulary)}"
    yield "  lengths:"
    yield from (f"    {line}" for line in histogram(whole.lengths))


def histogram(lengths: Counter[int]) -> Iterator[str]:
    """Lines of a histogram of whole seconds, few of them: so many seconds go into one."""
    if not lengths:
        return
    last = max(lengths)
    width = last // BARS + 1
    counts = [sum(lengths[second] for second in range(first, first + width)) for first in range(0, last + 1, width)]
    for number, count in enumerate(counts):
        bar = "█" * -(-count * BAR_WIDTH // max(counts))
        yield f"{number * width:>4}-{(number + 1) * width:<3} s {count:>10,}  {bar}".rstrip()


def _counts(some: Statistics) -> dict[str, Any]:
    return {
        "examples": some.examples,
        "hours": some.seconds / 3600,
        "frames": some.frames,
        "speakers": len(some.speakers),
        "languages": dict(some.languages),
        "noisy": some.noisy,
    }


def _listed(counts: Mapping[str, int]) -> str:
    ranked = sorted(counts.items(), key=lambda each: (-each[1], each[0]))
    return ", ".join(f"{one_line(name)} {count:,}" for name, count in ranked)


def _missing(whole: Statistics, symbols: frozenset[str] | None, vocabulary: str) -> str:
    if symbols is None:
        return f"{vocabulary} is not here to compare them with: name a vocabulary with --vocabulary"
    missing = whole.missing(symbols)
    if not missing:
        return f"{vocabulary} has all of them"
    named = _listed({_symbol(letter): count for letter, count in missing.items()})
    return f"{vocabulary} lacks {len(missing)}: {named}"


def _symbol(letter: str) -> str:
    """A phoneme, with its number and name: many look alike, and some are not seen alone."""
    shown = letter if unicodedata.category(letter)[0] in "LPS" else "◌"
    return f"{shown} (U+{ord(letter):04X} {unicodedata.name(letter, 'no name').lower()})"
