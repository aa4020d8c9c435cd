import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from valle_engine.errors import CheckpointError
from valle_engine.text import Tokenizer

SMALL = {"<unk>": 0, "<bos>": 1, "</eos>": 2, "<mask>": 3, " ": 4, "a": 5, "b": 6, "c": 7, "q": 7, "ab": 8, "abc": 9}


def test_a_symbol_map_gives_the_merges_of_the_file_in_its_order(tokenizer):
    assert Tokenizer.from_symbols(tokenizer.vocabulary).merges == tokenizer.merges


def test_a_symbol_map_in_another_order_gives_the_same_tokenizer(tokenizer):
    shuffled = dict(sorted(tokenizer.vocabulary.items()))
    rebuilt = Tokenizer.from_symbols(shuffled)
    ids = list(range(256))
    assert rebuilt.merges == tokenizer.merges
    assert rebuilt.decode(ids) == tokenizer.decode(ids)


def test_a_symbol_that_no_merge_makes_is_refused():
    with pytest.raises(CheckpointError, match=r"'abd' is made of \['ab', 'd'\]"):
        Tokenizer.from_symbols({**SMALL, "abd": 10})


def test_symbols_that_share_an_id_merge_alike_and_decode_to_the_lowest():
    small = Tokenizer.from_symbols(SMALL)
    assert small.encode("abq").tolist() == small.encode("abc").tolist() == [1, 9, 2]
    assert small.decode([7]) == "c"


def test_ids_are_int64_between_start_and_stop(tokenizer):
    ids = tokenizer.encode("ə")
    assert ids.dtype == np.int64
    assert (ids[0], ids[-1]) == (1, 2)


def test_every_id_below_256_but_the_special_ones_decodes(tokenizer):
    assert all(tokenizer.decode([id_]) for id_ in range(4, 256))
    assert tokenizer.decode(range(4)) == ""


def test_an_id_of_another_model_is_refused(tokenizer):
    with pytest.raises(CheckpointError, match=r"no symbol for the ids \[256, 300\]"):
        tokenizer.decode([5, 300, 256])


@pytest.mark.parametrize(
    "content",
    ["{", "[]", "{}", '{"model": {"vocab": {}}}', '{"model": {"vocab": {}, "merges": ["a b c"]}}', "\udcff"],
)
def test_what_is_no_tokenizer_file_is_refused(tmp_path, content):
    path = tmp_path / "tokenizer.json"
    path.write_bytes(content.encode("utf-8", "surrogateescape"))
    with pytest.raises(CheckpointError, match=r"tokenizer\.json is no tokenizer file"):
        Tokenizer.from_file(path)


def test_merges_may_be_pairs_as_newer_files_have_them(tmp_path):
    path = tmp_path / "tokenizer.json"
    path.write_text(json.dumps({"model": {"vocab": SMALL, "merges": [["a", "b"], ["ab", "c"]]}}))
    assert Tokenizer.from_file(path).encode("abc ab").tolist() == [1, 9, 4, 8, 2]


def test_a_vocabulary_without_the_special_symbols_is_refused():
    with pytest.raises(CheckpointError, match="has not the format's ids for <bos>, <mask>"):
        Tokenizer({"<unk>": 0, "<bos>": 3, "</eos>": 2}, [])


@given(st.lists(st.integers(4, 255), max_size=40))
def test_what_is_decoded_encodes_to_what_decodes_alike(ids):
    small = SMALL_TOKENIZER
    text = small.decode(4 + id_ % 6 for id_ in ids)
    assert small.decode(small.encode(text)) == text


SMALL_TOKENIZER = Tokenizer.from_symbols(SMALL)
