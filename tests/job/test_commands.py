"""`valle check`, `valle plan` and `valle schema` as somebody types them."""

import json

import pytest

from valle_engine.cli import main


@pytest.fixture
def job(tmp_path):
    def job(**more):
        path = tmp_path / "job.yaml"
        whole = {"name": "a", "task": "espeak", "items": [{"id": f"i{n}", "text": "Hello."} for n in range(3)], **more}
        path.write_text(json.dumps(whole))
        return str(path)

    return job


def test_check_says_that_a_job_is_sound(job, capsys):
    path = job()
    assert main(["check", path]) == 0
    assert capsys.readouterr().out == f"{path}: 3 items, no problems\n"


def test_check_tells_every_problem_of_the_file_and_of_the_items(job, capsys):
    path = job(seed="x", items=[{"id": "a"}])
    assert main(["check", path]) == 2
    assert [line.split(": ")[:2] for line in capsys.readouterr().out.splitlines()] == [
        [f"{path}:1", "seed"],
        [f"{path}:1", "text"],
    ]


def test_check_tells_machines_the_same(job, capsys):
    assert main(["check", job(tsk="x"), "--json"]) == 2
    [problem] = json.loads(capsys.readouterr().out)["problems"]
    assert (problem["line"], problem["path"], problem["hint"]) == (1, "tsk", "did you mean 'task'?")


def test_check_lets_no_text_of_a_stranger_act_on_the_terminal(job, capsys):
    assert main(["check", job(items=[{"id": "\x1b[2Ja\nb\u202e", "text": "x"}])]) == 2
    out = capsys.readouterr().out
    assert not {"\x1b", "\u202e"} & set(out)
    assert out.count("\n") == 1


def test_plan_says_what_is_to_be_done(job, capsys):
    assert main(["plan", job()]) == 0
    out = capsys.readouterr().out
    assert "to do: 3\n  3 new\n" in out
    assert "characters: 18\n" in out


def test_plan_tells_machines_the_same(job, capsys):
    assert main(["plan", job(), "--json", "--limit", "2"]) == 0
    plan = json.loads(capsys.readouterr().out)
    assert (plan["items"], plan["to_do"], plan["characters"]) == (2, {"new": 2}, 12)
    assert plan["audio_hours"] > 0


def test_plan_knows_what_an_earlier_run_did(job, capsys):
    path = job()
    assert main(["run", path]) == 0
    job(items=[{"id": "i0", "text": "Hello."}, {"id": "i1", "text": "Good-bye."}, {"id": "i3", "text": "Hello."}])
    capsys.readouterr()
    assert main(["plan", path, "--json"]) == 0
    plan = json.loads(capsys.readouterr().out)
    assert (plan["settled"], plan["to_do"]) == ({"done": 1}, {"new": 1, "changed": 1})
    assert plan["hours"] > 0


def test_plan_cannot_start_with_a_job_that_cannot(job, capsys):
    assert main(["plan", job(items=[])]) == 3
    assert "no items" in capsys.readouterr().err


def test_schema_prints_the_installed_parts(capsys):
    assert main(["schema"]) == 0
    schema = json.loads(capsys.readouterr().out)
    assert "espeak" in [shape.get("const") for shape in schema["properties"]["task"]["oneOf"]]
