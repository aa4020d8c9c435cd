"""What a checkpoint says of itself without being read: the same as when it is."""

import json
import subprocess
import sys

import pytest

from valle_engine.errors import CheckpointError
from valle_engine.model.checkpoint import read_checkpoint
from valle_engine.model.header import peek


@pytest.mark.parametrize("profile", ["tiny", "tiny-v6", "tiny-noraw"])
def test_the_header_tells_the_config(checkpoint_path, profile):
    assert peek(checkpoint_path(profile)) == read_checkpoint(checkpoint_path(profile)).config


def test_a_pickle_tells_nothing(checkpoint_path):
    assert peek(checkpoint_path("tiny").with_suffix(".pth")) is None


@pytest.mark.parametrize("kept", [0, 7, 8, 500, -1])
def test_a_cut_file_is_noticed(checkpoint_path, tmp_path, kept):
    path = tmp_path / "cut.sft"
    path.write_bytes(checkpoint_path("tiny").read_bytes()[:kept])
    with pytest.raises(CheckpointError, match="truncated"):
        peek(path)


def test_a_config_beside_the_weights_is_found(tmp_path):
    table = b'{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}'
    path = tmp_path / "plain.safetensors"
    path.write_bytes(len(table).to_bytes(8, "little") + table + bytes(4))
    with pytest.raises(CheckpointError, match="put it beside the weights"):
        peek(path)
    (tmp_path / "config.json").write_text(json.dumps({"size": {"dim": 32, "heads": 2}}))
    assert peek(path).dim == 32


def test_a_header_that_is_no_table_is_refused(tmp_path):
    path = tmp_path / "odd.sft"
    path.write_bytes((2).to_bytes(8, "little") + b"[]")
    with pytest.raises(CheckpointError, match="not a safetensors file"):
        peek(path)


def test_looking_at_a_header_loads_no_torch(checkpoint_path):
    code = "import sys; from valle_engine.model.header import peek; from pathlib import Path; peek(Path(sys.argv[1]))"
    check = f"{code}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", check, checkpoint_path("tiny")], check=False).returncode == 0
