"""The reference of training files is what their schema says."""

from tests.docs import training_file


def test_the_reference_of_training_files_is_what_the_schema_says():
    assert training_file.PAGE.read_text() == training_file.page(), "run `python -m tests.docs.training_file`"
