import jsonschema
import pytest
import yaml

from valle_engine.job.json_schema import job_schema

BASE = "{name: a, task: tts, items: [{id: a, text: b}]}"


@pytest.fixture
def accepts(plugins):
    schema = job_schema(plugins)
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)

    def accepts(text):
        return validator.is_valid({**yaml.safe_load(BASE), **yaml.safe_load(text)})

    return accepts


@pytest.mark.parametrize(
    "text",
    [
        "{}",
        "task: {name: tts, max_seconds: 30}",
        "sampling: {temperature: 0.9, top-p: {p: 0.5}, greedy: }",
        "items: {kind: jsonl, path: a.jsonl, rename: {text: transcript}, where: {lang: en, n: 1, x: }, limit: 3}",
        "items: [{id: 7, speed: 1.5, note: x}]",
        "scores: [wer, {name: wer, case: true}]",
        "accept: {wer: {max: 0.1}}",
        "output: {products: [audiobook, {name: audiobook, format: mp3}]}",
        "defaults: {voice: a.wav}",
        "workers: {count: auto, gpus: 0.5}",
    ],
)
def test_what_a_job_may_say_fits_the_schema(accepts, text):
    assert accepts(text)


@pytest.mark.parametrize(
    "text",
    [
        "tsk: tts",
        "task: ttss",
        "task: {max_seconds: 30}",
        "task: {name: tts, max_second: 30}",
        "task: {name: tts, max_seconds: -1}",
        "sampling: {top-q: 0.5}",
        "sampling: {top-p: 2}",
        "items: {kind: jsonnl, path: a}",
        "items: {kind: jsonl}",
        "items: {kind: csv, path: a, delimiter: dash}",
        "items: [{text: b}]",
        "scores: [were]",
        "accept: {wer: {mx: 0.1}}",
        "output: {products: [book]}",
        "workers: {count: many}",
    ],
)
def test_what_a_job_may_not_say_does_not_fit(accepts, text):
    assert not accepts(text)


def test_every_reference_leads_somewhere(plugins):
    schema = job_schema(plugins)
    text = str(schema)
    assert {name for name in schema["$defs"] if f"#/$defs/{name}'" not in text} == set()


def test_descriptions_reach_the_schema(plugins):
    schema = job_schema(plugins)
    assert schema["properties"]["task"]["description"] == "What is done to each item."
    [jsonl] = [
        s for s in schema["properties"]["items"]["oneOf"] if s.get("properties", {}).get("kind") == {"const": "jsonl"}
    ]
    assert "Our field: the source's column." in jsonl["properties"]["rename"]["description"]
