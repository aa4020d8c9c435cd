"""Examples of chance, and corpora of them."""

import numpy as np

from valle_engine.training.examples import CodecFacts, Example

CODEC = CodecFacts("fake", 8000, 1000, 2, 256)


def example(number, speaker="a", frames=5, noisy=False, codebooks=2):
    random = np.random.default_rng(number)

    def codes():
        return random.integers(0, 256, (frames, codebooks), dtype=np.uint16)

    noises = {"noise": codes(), "noisy": codes()} if noisy else {}
    said = {"language": "en", "text": f"Line {number}.", "phonemes": "lˈaɪn."}
    return Example(f"{speaker}-{number}", speaker, codes=codes(), seconds=frames / 1000, **said, **noises)


def examples(*counts):
    """So many examples of each speaker: a, b, c …"""
    return [example(100 * who + number, chr(97 + who)) for who, count in enumerate(counts) for number in range(count)]


def plain(one):
    """An example as what can be compared."""
    arrays = [None if each is None else each.tolist() for each in (one.codes, one.noise, one.noisy)]
    return (one.id, one.speaker, one.language, one.text, one.phonemes, one.seconds, *arrays)
