"""The phonemes pocket reads and writes: the IPA of espeak-ng in the six languages, a symbol a character.

The order is part of the weights: a symbol that is new goes to the end.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from valle_engine.text import Tokenizer

SPECIALS = ("<unk>", "<bos>", "</eos>", "<mask>")
"""Ids 0 to 3, as the format has them."""

STRESS_AND_LENGTH = "ˈˌː"
TONES = "ˉˊˇˋ_"
"""Of Chinese, as the text front end marks them; `_` is the fifth, which is none."""
MARKS = "\u0303\u0329\u031e\u032a\u0361ʲʰʷ"
"""What changes the symbol before it: nasal, syllabic, lowered, dental, tied; palatal, aspirated, rounded."""
VOWELS = "aäɑɒæɐʌeɛəɚɜɝɤiɪɨᵻĩɯoɔõøœɵuʊũyʏᵝ"  # noqa: RUF001 - IPA
CONSONANTS = "bβcçdðɖfɸɡɣhɦjʝkqlɫɭʎmɱnɲɳŋɴpɹɻrɾɽʀʁsʂʃɕtθʈvʋwʍɥxχzʐʒʑʔ"  # noqa: RUF001 - IPA
PUNCTUATION = " .,;:!?¡¿—…-\"'«»“”()[]{}"

SYMBOLS = STRESS_AND_LENGTH + TONES + MARKS + VOWELS + CONSONANTS + PUNCTUATION

VOCABULARY: Mapping[str, int] = {symbol: number for number, symbol in enumerate((*SPECIALS, *SYMBOLS))}
"""Ids of all symbols, as the container of the weights holds them."""


def tokenizer() -> Tokenizer:
    """The tokenizer of these symbols: an id a character, nothing is merged."""
    from valle_engine.text import Tokenizer  # noqa: PLC0415 - it loads numpy, a plugin's import does not

    return Tokenizer(VOCABULARY, [])


def write_tokenizer(path: Path) -> None:
    """Write the `tokenizer.json` that a training names, so that ids do not depend on what its corpus happens to say."""
    path.write_text(json.dumps({"model": {"type": "BPE", "vocab": dict(VOCABULARY), "merges": []}}), encoding="utf-8")
