"""Pocket's phonemes are those that espeak-ng writes."""

import json

import numpy as np
import pytest

from valle_engine.text import LANGUAGES, Phonemizer, Tokenizer
from valle_engine.text.tokenizer import SPECIALS, UNKNOWN
from valle_plugins.pocket.vocabulary import SYMBOLS, VOCABULARY, tokenizer, write_tokenizer

TEXTS = {
    "en": "“Have some wine,” the March Hare said (in an encouraging tone): bottle, button, bird, letter; who's there?",
    "de": "Zwölf Boxkämpfer jagen „Viktor“ quer über den Deich — ach, Restaurant, Dschungel, Pfirsich, Hütte, Häuser!",
    "fr": "«Portez ce vieux whisky au juge blond», un bon vin, huit agneaux, l'œuf, la fille, brun, garçon… où ?",
    "zh": "你好, 世界! 女人吃鱼, 绿色的树, 四十四只石狮子, 儿子, 云, 月, 学, 熊。妈麻马骂吗?",
    "ja": "きょうは とても いい てんきですね。がっこう ざっし しんぶん りんご ふぁん パーティー ヴァイオリン",
    "ko": "안녕하세요, 만나서 반갑습니다. 다람쥐 헌 쳇바퀴에 타고파. 꽃, 빵, 짬뽕, 씨앗, 의사, 값, 닭!",
}


@pytest.mark.parametrize("code", LANGUAGES)
def test_every_symbol_of_a_language_is_known_and_comes_back(code):
    phonemes = Phonemizer().phonemes(TEXTS[code], LANGUAGES[code])
    ids = tokenizer().encode(phonemes)
    assert UNKNOWN not in ids
    assert len(ids) == len(phonemes) + 2
    assert tokenizer().decode(ids) == phonemes


def test_no_symbol_has_two_ids_and_the_special_ones_lead():
    assert len(set(SYMBOLS)) == len(SYMBOLS)
    assert [*VOCABULARY][:4] == [*SPECIALS]
    assert [*VOCABULARY.values()] == list(range(len(SYMBOLS) + 4))
    assert len(VOCABULARY) <= 256


def test_the_container_s_symbol_map_alone_gives_the_same_tokenizer():
    kept = Tokenizer.from_symbols(json.loads(json.dumps(VOCABULARY)))
    assert np.array_equal(kept.encode("ʒuː ʃˈɪp ɹ̩"), tokenizer().encode("ʒuː ʃˈɪp ɹ̩"))
    assert kept.merges == ()


def test_a_training_reads_the_same_ids(tmp_path):
    write_tokenizer(tmp_path / "tokenizer.json")
    assert Tokenizer.from_file(tmp_path / "tokenizer.json").vocabulary == VOCABULARY
