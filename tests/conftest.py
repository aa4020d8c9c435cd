"""The released format's golden numbers: facts that stand beside the repository, not in it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

BESIDE = Path(__file__).parents[2] / "shared" / "reference"
VARIABLE = "VALLE_REFERENCE"
LEFT_OUT = pytest.StashKey[int]()


@pytest.fixture(scope="session")
def reference() -> Path:
    """Folder of the golden numbers and the tiny checkpoints."""
    folder = Path(os.environ.get(VARIABLE, BESIDE))
    assert (folder / "golden").is_dir(), f"no golden numbers at {folder}: {VARIABLE} names their folder"
    return folder


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what compares with golden numbers where there are none; with the variable set they must be there."""
    if VARIABLE in os.environ or BESIDE.is_dir():
        return
    left_out = [item for item in items if "reference" in getattr(item, "fixturenames", ())]
    items[:] = [item for item in items if "reference" not in getattr(item, "fixturenames", ())]
    config.stash[LEFT_OUT] = len(left_out)
    config.hook.pytest_deselected(items=left_out)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say it when golden numbers were missing."""
    if config.stash.get(LEFT_OUT, 0):
        terminalreporter.write_line(
            f"left out {config.stash[LEFT_OUT]} tests against golden numbers: none at {BESIDE}, {VARIABLE} is not set"
        )
