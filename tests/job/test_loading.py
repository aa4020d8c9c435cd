import pytest

from valle_engine.errors import JobError
from valle_engine.job.items import Shard
from valle_engine.job.loading import Choice, check_job, load_job

WHOLE = """
name: alice
task: {name: tts, max_seconds: 30}
model: ecker/vall-e
seed: 7
defaults: {language: en}
sampling: {temperature: 0.9, top-p: {p: 0.95}}
items:
  - {id: ch01-0001, text: "Alice was beginning to get very tired."}
scores: [wer, {name: speaker-similarity, case: true}]
accept: {wer: {max: 0.1}}
attempts: 3
workers: {executor: ray, count: auto, gpus: 1, slots: 16}
output: {format: flac, products: [{name: audiobook, format: mp3}]}
"""


def test_a_whole_job_is_loaded_into_parts(load):
    job = load(WHOLE.replace("speaker-similarity", "wer", 0).replace(", {name: speaker-similarity, case: true}", ""))
    assert (job.name, job.spec.seed, job.spec.workers.slots) == ("alice", 7, 16)
    assert (job.task.name, job.task.max_seconds) == ("tts", 30)
    assert [(each.name, *each.model_dump().values()) for each in job.samplers] == [
        ("temperature", 0.9),
        ("top-p", 0.95),
    ]
    assert [each.name for each in job.scorers] == ["wer"]
    assert job.products[0].format == "mp3"
    assert [row.fields["id"] for row in job.source.rows()] == ["ch01-0001"]
    assert job.origins["task tts"] == "small-parts 1.0"


def test_every_mistake_is_told_at_once(problems):
    found = problems("""
        name: a/b
        tsk: tts
        task: ttss
        seed: -1
        sampling: {top-q: 0.9, temperature: hot}
        items: {kind: jsonnl, path: x}
        scores: [were]
        accept: {wer: {mx: 1}}
        workers: {slot: 3, count: many}
        output: {products: [audiobok]}
    """)
    assert [(line, path) for line, path, _ in found] == [
        (2, "name"), (3, "tsk"), (4, "task"), (5, "seed"),
        (6, "sampling.top-q"), (6, "sampling.temperature.value"),
        (7, "items"), (8, "scores.0"),
        (9, "accept.wer"), (9, "accept.wer.mx"),
        (10, "workers.count"), (10, "workers.slot"), (11, "output.products.0"),
    ]  # fmt: skip
    hints = {path: text for _, path, text in found}
    for path, words in {
        "tsk": "did you mean 'task'?", "task": "no task 'ttss' (did you mean 'tts'?)",
        "sampling.top-q": "did you mean 'top-p'?", "items": "did you mean 'jsonl'?", "scores.0": "did you mean 'wer'?",
        "accept.wer": "no score 'wer' is computed (add 'wer' to `scores`)", "accept.wer.mx": "did you mean 'max'?",
        "workers.slot": "did you mean 'slots'?", "workers.count": "'auto'", "output.products.0": "'audiobook'",
    }.items():  # fmt: skip
        assert words in hints[path], path


@pytest.mark.parametrize(
    ("lines", "path", "words"),
    [
        ("task: {name: tts, max_second: 3}", "task.max_second", "did you mean 'max_seconds'?"),
        ("task: {name: tts, max_seconds: -3}", "task.max_seconds", "greater than 0"),
        ("task: 5", "task", "a task is a name, or a mapping"),
        ("sampling: [top-p]", "sampling", "a mapping of samplers"),
        ("sampling: {greedy: , mirostat: }", "sampling", "keep one of them"),
        ("scores: wer", "scores", "a list of scorers"),
        ("scores: [wer, {name: wer, case: true}]", "scores", "listed 2 times"),
        ("scores: [{case: true}]", "scores.0", "a scorer is a name, or a mapping"),
        ("scores: [{name: wer, cas: true}]", "scores.0.cas", "did you mean 'case'?"),
        ("accept: [wer]", "accept", "a mapping of scores to bounds"),
        ("scores: [wer]\naccept: {were: {max: 1}}", "accept.were", "did you mean 'wer'?"),
        ("scores: [wer]\naccept: {wer: {}}", "accept.wer", "judges nothing"),
        ("scores: [wer]\naccept: {wer: {min: 2, max: 1}}", "accept.wer", "nothing lies between"),
        ("defaults: {vocie: a.wav}", "defaults.vocie", "did you mean 'voice'?"),
        ("defaults: {id: a}", "defaults.id", "have no default 'id'"),
        ("defaults: {voice: nowhere.wav}", "defaults.voice", "no such file"),
        ("defaults: {speed: fast}", "defaults.speed", "valid number"),
        ("output: {products: [{name: audiobook, cover: none.png}]}", "output.products.0.cover", "no such file"),
        ("output: {folder: 's3://x/y', state: 's3://x/z'}", "output.state", "no local folder"),
        ("output: {folder: [a]}", "output.folder", "valid string"),
        ("items: 5", "items", "a list, or a source"),
        ("items: {path: a.jsonl}", "items", "installed sources: audio-folder, "),
        ("items: {kind: jsonl, path: nowhere.jsonl}", "items.path", "no such file"),
        ("items: {kind: jsonl, path: 'http://a/b.jsonl'}", "items.path", "refused"),
        ("items: {kind: jsonl, path: job.yaml, renmae: {a: b}}", "items.renmae", "did you mean 'rename'?"),
        ("items: {kind: jsonl, path: job.yaml, limit: none}", "items.limit", "valid integer"),
        ("items: {kind: jsonl, path: job.yaml, where: {a: [b]}}", "items.where.a", "valid string"),
        ("items: {kind: jsonl, path: job.yaml, root: nowhere}", "items.root", "no such folder"),
        ("items: {kind: jsonl}", "items.path", "lacks 'path'"),
        ("task: valle_plugins.tasks:Espeak", "task", "no task"),
    ],
)
def test_a_mistake_is_named_with_its_place_and_the_way_out(problems, lines, path, words):
    given = {line.partition(":")[0] for line in lines.splitlines()}
    rest = [line for line in ("task: tts", "items: [{id: a, text: b}]") if line.partition(":")[0] not in given]
    [(line, found_path, text)] = problems("\n".join(["name: a", *rest, *lines.splitlines()]))
    assert (line, found_path) == (len(rest) + len(lines.splitlines()) + 1, path)
    assert words in text


def test_a_scorer_with_a_mistake_still_counts_as_listed(problems):
    found = problems("name: a\ntask: tts\nitems: []\nscores: [{name: wer, cas: x}]\naccept: {wer: {max: 1}}")
    assert [path for _, path, _ in found] == ["scores.0.cas"]


@pytest.mark.parametrize("limit", [0, -1])
def test_a_limit_that_leaves_nothing_is_a_mistake(problems, limit):
    [(_, _, text)] = problems("name: a\ntask: tts\nitems: [{id: a, text: b}]", Choice(limit=limit))
    assert "leaves nothing to do" in text


def test_a_section_left_empty_is_not_there(load):
    job = load("name: a\ntask: tts\nitems: []\nworkers:\nsampling:\nscores:\noutput:\n  # format: wav\n")
    assert (job.spec.workers.executor, job.samplers, job.scorers) == ("inline", (), ())


def test_what_is_missing_is_told_together(problems):
    assert sorted(path for _, path, _ in problems("seed: 1")) == ["items", "name", "task"]


def test_paths_of_options_start_at_the_job_file(load, tmp_path):
    (tmp_path / "cover.png").write_bytes(b"")
    job = load("{name: a, task: tts, items: [], output: {products: [{name: audiobook, cover: cover.png}]}}")
    assert job.products[0].cover == tmp_path / "cover.png"


@pytest.mark.parametrize(
    ("output", "folder", "state"),
    [
        ("{}", "{}/out/a", "{}/out/a/.valle"),
        ("{folder: ../b}", "{}/../b", "{}/../b/.valle"),
        ("{folder: /data/b}", "/data/b", "/data/b/.valle"),
        ("{folder: 'file:///data/b'}", "/data/b", "/data/b/.valle"),
        ("{folder: b, state: c}", "{}/b", "{}/c"),
        ("{folder: 's3://bucket/b'}", "s3://bucket/b", "{}/out/a"),
        ("{folder: 's3://bucket/b', state: /c}", "s3://bucket/b", "/c"),
    ],
)
def test_the_output_has_its_places(load, tmp_path, output, folder, state):
    job = load(f"{{name: a, task: tts, items: [], output: {output}}}")
    root = tmp_path.resolve()
    assert job.folder.replace(str(root.parent / "b"), f"{root}/../b") == folder.format(root)
    assert str(job.state).replace(str(root.parent / "b"), f"{root}/../b") == state.format(root)


def test_the_output_may_start_at_home(load, monkeypatch):
    monkeypatch.setenv("HOME", "/home/reader")
    assert load("{name: a, task: tts, items: [], output: {folder: ~/books}}").folder == "/home/reader/books"


def test_a_shard_is_kept_for_the_store(load):
    assert str(load("{name: a, task: tts, items: []}", Choice(shard=Shard.parse("2/4"))).shard) == "2/4"


def test_the_command_line_replaces_values_of_the_file(load):
    choice = Choice({"workers.executor": "inline", "seed": "9", "output.folder": "/b"})
    job = load(WHOLE.replace(", {name: speaker-similarity, case: true}", ""), choice)
    assert (job.spec.workers.executor, job.spec.workers.slots, job.spec.seed, job.folder) == ("inline", 16, 9, "/b")


def test_a_mistake_of_the_command_line_is_told_as_its_own(load):
    with pytest.raises(JobError, match=r"command line: workers\.count: "):
        load("{name: a, task: tts, items: []}", Choice({"workers.count": "many"}))


@pytest.mark.parametrize("text", ["", "1", "0/4", "5/4", "1/0", "a/b", "-1/4", "1/4/2"])
def test_a_shard_that_makes_no_sense_is_refused(text):
    with pytest.raises(JobError, match="is no shard"):
        Shard.parse(text)


def test_a_clash_of_two_packages_is_told_where_the_name_is_used(write, plugins):
    path = write("name: a\ntask: tts\nitems: []\n")
    [offer] = [offer for offer in plugins.offers["tasks"] if offer.part.name == "tts"]
    other = type("Other", (offer.part,), {"__module__": __name__})
    plugins.offers["tasks"] = (offer, type(offer)(other, "other-parts", "2.0"))
    with pytest.raises(JobError, match=r"job.yaml:2: task: task 'tts' is offered by other-parts and small-parts"):
        load_job(path, plugins)


def test_items_are_checked_although_other_sections_are_wrong(write, plugins):
    path = write("name: a\ntask: tts\nseed: x\nitems:\n  - {id: a}\n  - {id: b, text: c}\n")
    count, problems = check_job(path, plugins)
    assert count == 1
    assert [(problem.line, problem.path) for problem in problems] == [(3, "seed"), (5, "text")]


def test_a_list_of_items_is_written_where_it_stands(problems):
    found = problems("name: a\ntask: tts\nscores: &list [wer]\nitems: *list\n")
    assert [(line, path) for line, path, _ in found] == [(4, "items")]
