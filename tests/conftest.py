"""The released format's golden numbers: facts that stand beside the repository, not in it."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import settings

from valle_engine.modelspec import ModelSpec

# The same examples at every run, however busy the machine; `--hypothesis-profile=default` looks for new ones.
settings.register_profile("same", derandomize=True, deadline=None)
settings.load_profile("same")

BESIDE = Path(__file__).parents[2] / "shared" / "reference"
VARIABLE = "VALLE_REFERENCE"
LEFT_OUT = pytest.StashKey[int]()


@pytest.fixture(scope="session")
def reference() -> Path:
    """Folder of the golden numbers and the tiny checkpoints."""
    folder = Path(os.environ.get(VARIABLE, BESIDE))
    assert (folder / "golden").is_dir(), f"no golden numbers at {folder}: {VARIABLE} names their folder"
    return folder


@pytest.fixture(scope="session")
def place(reference, tmp_path_factory):
    """A folder with tiny models (`tiny.sft`, `tiny-v6.sft`), small codecs and eight recordings (`0.wav` …)."""
    folder = tmp_path_factory.mktemp("place")
    # Loads torch: only tests with a model ask for it.
    from valle_engine.codecs.random_weights import write_encodec, write_vocos  # noqa: PLC0415

    for profile in ("tiny", "tiny-v6"):
        shutil.copy(reference / "ckpt" / f"{profile}-ar+nar-len-llama-8.sft", folder / f"{profile}.sft")
    for name in ("tokenizer.json", "text_tokenizer.json"):
        shutil.copy(reference / name, folder)
    write_encodec(folder / "encodec.th")
    write_vocos(folder / "vocos.bin")
    random = np.random.default_rng(3)
    for number in range(8):
        samples = random.normal(0, 0.1, 4000 + 3000 * number).astype(np.float32)
        soundfile.write(folder / f"{number}.wav", samples, 24000)
    return folder


@pytest.fixture(scope="session")
def spec(place):
    """The tiny model with its codec, as a job says it."""

    def spec(name="tiny", **more):
        codec = {
            "name": "vocos",
            "weights": str(place / "vocos.bin"),
            "encoder": {"weights": str(place / "encodec.th")},
        }
        return ModelSpec(name=str(place / f"{name}.sft"), **{"codec": codec, "precision": "float32", **more})

    return spec


@pytest.fixture(autouse=True)
def _no_traps() -> None:
    """Remove modules that SpeechBrain leaves: they import what is not there once Hypothesis looks at them."""
    if "speechbrain" in sys.modules:
        for name, module in list(sys.modules.items()):
            if type(module).__module__ == "speechbrain.utils.importutils":
                del sys.modules[name]


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
