"""Parity with the released format's text front end; where its reference is at fault, the test says how ours differs."""

import pytest

from valle_engine.errors import ItemError
from valle_engine.text import TextFrontEnd, Tokenizer, detect_language

LOST_WORDS = "Dr. Smith paid $3.50 on 12/05/2024."


@pytest.fixture(scope="session")
def spoken(golden):
    return [case for case in golden["cases"] if "ids" in case]


def test_phonemes_and_ids_in_six_languages(spoken, tokenizer):
    front_end = TextFrontEnd(tokenizer)
    cases = [case for case in spoken if case["text"] != LOST_WORDS]
    ours = [front_end.prepare(case["text"], case["lang"]) for case in cases]
    assert [utterance.phonemes for utterance in ours] == [case["phonemes"] for case in cases]
    assert [utterance.ids.tolist() for utterance in ours] == [case["ids"] for case in cases]
    assert {utterance.language.code for utterance in ours} == {"en", "ja", "de", "fr", "zh", "ko"}


def test_words_after_a_decimal_point_are_not_lost_as_in_the_reference(spoken, tokenizer):
    # Its punctuation step cuts a sentence at the first point of "3.50" when another ends it, and drops the rest.
    [theirs] = [case["phonemes"] for case in spoken if case["text"] == LOST_WORDS]
    ours = TextFrontEnd(tokenizer).prepare(LOST_WORDS, "en").phonemes
    assert theirs == "dˈɑːktɚ. smˈɪθ pˈeɪd dˈɑːlɚ θɹˈiː."
    assert ours.startswith(theirs[:-1] + " pɔɪnt fˈaɪv zˈiəɹoʊ ˌɔn twˈɛlv slˈæʃ")
    assert ours.endswith(".")


def test_raw_text_ids(golden, reference):
    tokenizer = Tokenizer.from_file(reference / "text_tokenizer.json")
    ours = [tokenizer.encode(case["text"]).tolist() for case in golden["cases"]]
    assert ours == [case["raw_ids"] for case in golden["cases"]]


def test_tokenizer_probes(golden, tokenizer):
    ours = {probe["text"]: tokenizer.encode(probe["text"]).tolist() for probe in golden["probes"]}
    assert ours == {probe["text"]: probe["ids"] for probe in golden["probes"]}


def test_decoding_keeps_the_spaces_that_the_reference_deletes(golden, tokenizer):
    assert golden["decode_seq_post"] == "<bos>həlˈoʊʍˈɜːld.</eos>"
    assert tokenizer.decode(tokenizer.encode("həlˈoʊ ʍˈɜːld.")) == "həlˈoʊ wˈɜːld."


def test_detection_is_right_where_the_reference_is_not(golden):
    # It takes "a" for Tagalog and a Chinese sentence for Korean, because it chooses among all languages.
    cases = [case for case in golden["cases"] if case["text"]]
    assert {case["detected"] for case in cases} - {"en", "ja", "de", "fr", "zh", "ko"} == {"tl", "zh-cn"}
    assert [detect_language(case["text"]).code for case in cases] == [case["lang"] for case in cases]


def test_an_empty_text_is_an_error_as_in_the_reference(golden, tokenizer):
    [case] = [case for case in golden["cases"] if not case["text"]]
    assert "empty" in case["error"]
    with pytest.raises(ItemError, match="the text is empty"):
        TextFrontEnd(tokenizer).prepare(case["text"], case["lang"])
