"""The codecs' numeric mode holds inside and leaves nothing behind."""

import threading

import pytest
import torch

from valle_engine.codecs.numerics import exact


def flags():
    return (
        torch.backends.cuda.matmul.allow_tf32,
        torch.backends.cudnn.allow_tf32,
        torch.backends.cudnn.benchmark,
        torch.backends.cudnn.deterministic,
    )


@pytest.mark.parametrize("precision", ["highest", "high"])
def test_reduced_precision_is_off_inside_and_as_it_was_after(precision):
    torch.set_float32_matmul_precision(precision)
    try:
        before = flags()
        with exact():
            assert flags() == (False, False, False, True)
            assert torch.is_inference_mode_enabled()
        assert flags() == before
    finally:
        torch.set_float32_matmul_precision("highest")


def test_an_error_inside_restores_the_flags():
    before = flags()
    with pytest.raises(ZeroDivisionError), exact():
        raise ZeroDivisionError
    assert flags() == before


def test_threads_take_turns():
    entered = threading.Event()

    def enter():
        with exact():
            entered.set()

    with exact():
        thread = threading.Thread(target=enter)
        thread.start()
        assert not entered.wait(0.05)
    assert entered.wait(5)
    thread.join()
