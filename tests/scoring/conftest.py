"""Jobs that are scored, in folders of their own."""

import io
import json
from contextlib import redirect_stdout

import pytest
import yaml

from valle_engine.cli import main
from valle_engine.scoring.results import read_results
from valle_engine.store.readers import Ledgers

LINES = [
    {"id": "a", "text": "Mr. Smith paid twenty dollars.", "heard": "mister smith paid $20", "speaker": "x"},
    {"id": "b", "text": "Hello there.", "heard": "hello where", "speaker": "x"},
    {"id": "c", "text": "Nothing at all.", "heard": "", "speaker": "y"},
    {"id": "d", "text": "...", "heard": "", "speaker": "y"},
]
GIVEN = {"transcribers": [{"name": "given", "column": "heard"}]}


class Lab:
    """A folder with a job; `valle` runs a command on it and gives its exit code and what it printed."""

    def __init__(self, folder):
        self.folder = folder
        self.job = folder / "job.yaml"

    @property
    def out(self):
        return self.folder / "out" / "lab"

    def write(self, items=LINES, **sections):
        job = {"name": "lab", "task": "espeak", "scores": ["wer"], "scoring": GIVEN, "items": items, **sections}
        self.job.write_text(yaml.safe_dump(job))

    def valle(self, *arguments):
        said = io.StringIO()
        with redirect_stdout(said):
            code = main([str(each) for each in arguments])
        return code, said.getvalue()

    def run(self, **sections):
        self.write(**sections)
        return self.valle("run", self.job, "--json")[0]

    def summary(self, *inside):
        return read_results(self.out.joinpath(*inside)).summary

    def rows(self, *inside):
        return {row["id"]: row for row in read_results(self.out.joinpath(*inside)).rows()}

    def outcomes(self):
        with Ledgers.of_folder(self.out) as ledgers:
            return {row.outcome.id: row.outcome for row in ledgers.outcomes()}

    def json(self, *arguments):
        return json.loads(self.valle(*arguments, "--json")[1])


@pytest.fixture
def lab(tmp_path):
    return Lab(tmp_path)


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """A job that is done: three lines spoken, one that cannot be."""
    lab = Lab(tmp_path_factory.mktemp("done"))
    assert lab.run(scoring={**GIVEN, "by": ["speaker", "length"]}) == 2
    return lab
