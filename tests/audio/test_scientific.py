"""SciPy's one home."""

import subprocess
import sys
from pathlib import Path

import pytest

from valle_engine.audio import scientific

SIDE_BY_SIDE = """
import sys
from concurrent.futures import ThreadPoolExecutor
from valle_engine.audio import scientific
assert "scipy" not in sys.modules
sys.setswitchinterval(1e-6)
with ThreadPoolExecutor(8) as threads:
    loaded = list(threads.map(scientific, ["fft", "signal"] * 4))
assert len(set(map(id, loaded))) == 2
assert all(hasattr(each, "resample_poly") for each in loaded[1::2])
"""
PACKAGES = ("valle_engine", "plugins/valle_plugins")
ALONE = {"valle_engine/audio/scientific.py", "plugins/valle_plugins/pocket/recipes/codec.py"}
"""Its home, and a command that works in one thread."""


def test_its_parts_are_its_own():
    assert scientific("fft").dct is not None
    assert scientific("signal") is scientific("signal")


def test_threads_that_want_it_at_once_all_get_it_whole():
    done = subprocess.run([sys.executable, "-c", SIDE_BY_SIDE], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("package", PACKAGES)
def test_it_is_imported_nowhere_else(package):
    root = Path(__file__).parents[2]
    found = {
        str(path.relative_to(root))
        for path in (root / package).rglob("*.py")
        if "from scipy" in path.read_text() or "import scipy" in path.read_text()
    }
    assert found <= ALONE
