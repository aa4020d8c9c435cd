import hashlib
import json
import os
import struct

import pytest

from valle_engine.job.differences import differences
from valle_engine.job.fingerprints import FILES_KEY, FileDigests, fingerprint, item_fields, recipe, recipe_digest
from valle_engine.job.items import checked_items
from valle_engine.job.loading import load_job

JOB = """
name: a
task: {{name: tts, max_seconds: {seconds}}}
model: {model}
seed: {seed}
sampling: {sampling}
defaults: {{language: {language}}}
items: [{{id: one, text: {text}, voice: {voice}, chapter: {chapter}}}]
scores: {scores}
attempts: {attempts}
workers: {{slots: {slots}}}
output: {{format: {format}, folder: {folder}}}
"""
GIVEN = {
    "seconds": 20, "model": "ecker/vall-e", "seed": 0, "sampling": "{temperature: 0.9, top-p: 0.5}", "language": "en",
    "text": "Hello", "voice": "voice.wav", "chapter": 1, "scores": "[]", "attempts": 1, "slots": 4, "format": "flac",
    "folder": "out",
}  # fmt: skip


@pytest.fixture
def made(write, plugins, tmp_path):
    """The recipe and the fields of the job's one item, and its fingerprint."""
    (tmp_path / "voice.wav").write_bytes(b"sound")

    def made(plugins=plugins, **changed):
        job = load_job(write(JOB.format(**{**GIVEN, **changed})), plugins)
        files = FileDigests()
        made_by = recipe(job, files)
        [checked] = checked_items(job.manifest)
        fields = item_fields(checked.item, files)
        mark = fingerprint(recipe_digest(made_by), fields)
        return made_by, {**checked.extras, **fields}, mark, set(job.task.Item.model_fields)

    return made


@pytest.fixture
def why(made):
    def why(**changed):
        (old_recipe, old_fields, old, known), (new_recipe, new_fields, new, _) = made(), made(**changed)
        assert old != new
        return differences(old_recipe, old_fields, new_recipe, new_fields, known)

    return why


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"text": "Bye"}, "text changed: 'Hello' -> 'Bye'"),
        ({"language": "de"}, "language changed: 'en' -> 'de'"),
        ({"seconds": 30}, "task option max_seconds changed: 20.0 -> 30.0"),
        ({"seed": 1}, "seed changed: 0 -> 1"),
        ({"model": "ecker/vall-e@v2"}, "model weights changed: 'ecker/vall-e/"),
        ({"model": "{name: ecker/vall-e, precision: float32}"}, "model precision changed: 'auto' -> 'float32'"),
        ({"model": "{name: ecker/vall-e, codec: encodec}"}, "codec changed: 'vocos' -> 'encodec'"),
        ({"model": "{name: ecker/vall-e, codec: {name: vocos, weights: a/b}}"}, "codec option weights changed: '"),
        ({"format": "wav"}, "output format changed: 'flac' -> 'wav'"),
        ({"sampling": "{temperature: 0.9, top-p: 0.6}"}, "sampler top-p option p changed: 0.5 -> 0.6"),
        ({"sampling": "{temperature: 0.9}"}, "sampler top-p removed"),
        ({"sampling": "{temperature: 0.9, top-p: 0.5, greedy: }"}, "sampler greedy added"),
        ({"sampling": "{top-p: 0.5, temperature: 0.9}"},
         "order of the samplers changed: temperature, top-p -> top-p, temperature"),
        ({"voice": "~"}, "voice changed: '"),
    ],
)  # fmt: skip
def test_what_determines_an_output_changes_its_fingerprint_and_is_told(why, changed, words):
    [told] = why(**changed)
    assert told.startswith(words)


@pytest.mark.parametrize(
    "changed",
    [{"chapter": 2}, {"scores": "[wer]"}, {"attempts": 3}, {"slots": 64}, {"folder": "elsewhere"}, {"seconds": 20.0}],
)
def test_what_determines_no_output_changes_no_fingerprint(made, changed):
    assert made()[2] == made(**changed)[2]


def test_another_version_of_a_plugin_changes_the_fingerprint(made, request):
    newer = request.getfixturevalue("plugins")
    offers = {
        kind: tuple(type(offer)(offer.part, offer.package, "2.0") for offer in some)
        for kind, some in newer.offers.items()
    }
    (old_recipe, old, mark, known), (new_recipe, new, other, _) = (
        made(),
        made(type(newer)(newer.manager, newer.reports, offers)),
    )
    assert mark != other
    told = differences(old_recipe, old, new_recipe, new, known)
    assert told[0] == "package of task changed: small-parts 1.0 -> small-parts 2.0"


def test_another_task_changes_the_fingerprint(made, why):
    old, fields, _, known = made()
    new = {**old, "task": {**old["task"], "name": "sing"}}
    assert recipe_digest(old) != recipe_digest(new)
    assert differences(old, fields, new, fields, known) == ["task changed: 'tts' -> 'sing'"]


def test_a_file_counts_by_its_content(made, tmp_path):
    before = made()
    (tmp_path / "moved.wav").write_bytes(b"sound")
    assert made(voice="moved.wav")[2] == before[2]
    (tmp_path / "voice.wav").write_bytes(b"other sound")
    after = made()
    assert after[2] != before[2]
    [told] = differences(*before[:2], *after[:2], before[3])
    assert told == f"voice file changed: {tmp_path / 'voice.wav'}"


def test_the_digests_of_files_stand_in_the_fields(made):
    assert list(made()[1][FILES_KEY]) == ["voice"]


def write_model(path, config='{"version": 5}', data=b""):
    """A file in the layout of safetensors: the length of a table, the table, the data."""
    table = json.dumps({"__metadata__": {"config": config}, "a": {"data_offsets": [0, len(data)]}}).encode()
    path.write_bytes(struct.pack("<Q", len(table)) + table + data)


def test_a_model_on_disk_counts_by_its_content(made, tmp_path):
    write_model(tmp_path / "model.sft", data=b"one")
    before = made(model="model.sft")[2]
    (tmp_path / "model.sft").rename(tmp_path / "moved.sft")
    assert made(model="moved.sft")[2] == before
    write_model(tmp_path / "moved.sft", data=b"two")
    assert made(model="moved.sft")[2] != before


def test_a_pin_says_what_a_model_is_wherever_it_comes_from(made, tmp_path):
    write_model(tmp_path / "model.sft")
    pin = hashlib.sha256((tmp_path / "model.sft").read_bytes()).hexdigest()
    here = made(model=f"{{name: model.sft, sha256: {pin}}}")[0]["model"]
    assert here == made(model=f"{{name: ecker/vall-e, sha256: {pin}}}")[0]["model"]


def test_a_codec_s_local_weights_count_by_their_content(made, tmp_path):
    (tmp_path / "encodec.th").write_bytes(b"one")
    model = "{name: ecker/vall-e, codec: {name: vocos, encoder: {weights: ./encodec.th}}}"
    before = made(model=model)[2]
    (tmp_path / "encodec.th").write_bytes(b"other")
    assert made(model=model)[2] != before


def test_a_file_is_read_again_only_when_it_changed(tmp_path):
    path = tmp_path / "voice.wav"
    path.write_bytes(b"sound")
    files, times = FileDigests(), path.stat()
    first = files.of(str(path))
    path.write_bytes(b"SOUND")
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert files.of(str(path)) == first
    assert FileDigests().of(str(path)) != first


def test_of_long_texts_the_part_that_changed_is_shown(why):
    [told] = why(text="'" + "word " * 50 + "end'")
    assert told.startswith("text changed: 'Hello' -> 'word ")
    old, new = {"text": "a" * 500 + "b"}, {"text": "a" * 500 + "c"}
    empty = {"task": {"name": "t", "options": {}, "package": "p", "version": "1"}, "sampling": [], "format": "wav"}
    assert differences(empty, old, empty, new, ["text"]) == [
        f"text changed: ...'{'a' * 20}b' -> ...'{'a' * 20}c'"
    ]  # fmt: skip


def test_a_recipe_that_is_not_known_any_more_is_said(made):
    made_by, fields, _, known = made()
    told = differences({}, {**fields, "text": "Bye"}, made_by, fields, [*known, FILES_KEY])
    assert told == ["the recipe of then is not known any more", "text changed: 'Bye' -> 'Hello'"]
