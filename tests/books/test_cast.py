"""Casts."""

import pytest

from valle_engine.books.cast import Role, read_cast
from valle_engine.errors import JobError

CAST = """\
narrator: reader.flac
Hatter: {voice: +m3, language: en, sampling: {temperature: 0.7, top-p: {p: 0.9}}}
"""


def test_a_cast_gives_each_speaker_a_role(tmp_path):
    (tmp_path / "cast.yaml").write_text(CAST)
    (tmp_path / "reader.flac").touch()
    assert read_cast(tmp_path / "cast.yaml") == {
        "narrator": Role(voice=str(tmp_path / "reader.flac")),
        "Hatter": Role(voice="+m3", language="en", sampling={"temperature": 0.7, "top-p": {"p": 0.9}}),
    }


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Ann: {vioce: x}", "did you mean 'voice'"),
        ("[a]", "cast"),
        ("Ann: {sampling: x}", "sampling"),
        ("a: b: c", "YAML"),
    ],
)
def test_a_wrong_cast_is_told(tmp_path, text, words):
    (tmp_path / "cast.yaml").write_text(text)
    with pytest.raises(JobError, match=words):
        read_cast(tmp_path / "cast.yaml")
