"""Spans cover every frame once, and a buffer gives the same rows however they arrive."""

from itertools import islice

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from valle_engine.codecs.spans import Buffer, spans


def test_spans_join_start_small_and_stop_growing():
    some = list(islice(spans(256), 6))
    assert some == [(0, 32), (32, 96), (96, 224), (224, 480), (480, 736), (736, 992)]


@given(pieces=st.lists(st.integers(0, 9), max_size=20), step=st.integers(1, 7))
def test_rows_are_the_same_however_they_arrive(pieces, step):
    whole = np.arange(sum(pieces))
    buffer = Buffer(np.split(whole, np.cumsum(pieces)[:-1]) if pieces else [])
    taken, start = [], 0
    while buffer.fill(start + step) > start:
        taken.extend(buffer.rows(start, start + step))
        start += step
    assert taken == whole.tolist()


def test_rows_that_were_let_go_cannot_be_had_again():
    buffer = Buffer([np.arange(10)])
    buffer.fill(10)
    buffer.rows(6, 8)
    with pytest.raises(ValueError, match="let go"):
        buffer.rows(2, 4)
