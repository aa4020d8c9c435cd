"""Small recordings, and what a source gives."""

import numpy as np
import pytest
import soundfile


@pytest.fixture
def put(tmp_path):
    """Write a file below the test's folder: text, bytes, or seconds of sound as a ramp at 1000 Hz."""

    def put(name, content):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, float | int):
            soundfile.write(path, np.linspace(0, 0.5, round(content * 1000)), 1000)
        else:
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return put
