"""bench.report.application_stored: which files there are, and what is refused of them."""

from pathlib import Path

import pytest

from bench.report.application_stored import (
    application_files,
    main_dataset,
    read_application,
    read_tasks,
    stored_trials,
    word_error_rate,
    word_errors,
)
from bench.report.stored import StoredResultError


def _put(results: Path, dataset: str, *codecs: str) -> None:
    (results / "application" / dataset).mkdir(parents=True)
    for codec in codecs:
        (results / "application" / dataset / f"{codec}.json").write_text('{"tasks": []}')


def test_the_main_data_set_is_that_of_most_codecs(tmp_path: Path) -> None:
    assert application_files(tmp_path) == {}
    assert main_dataset({}) == ""
    _put(tmp_path, "few", "one")
    _put(tmp_path, "many", "one", "two")
    _put(tmp_path, "also-many", "one", "two")
    files = application_files(tmp_path)
    assert {name: list(codecs) for name, codecs in files.items()} == {
        "also-many": ["one", "two"],
        "few": ["one"],
        "many": ["one", "two"],
    }
    assert main_dataset(files) == "also-many"


@pytest.mark.parametrize("text", ["{", "[]", '{"tasks": 3}', "{}", b"\xff"])
def test_what_is_no_result_is_named_in_a_line(tmp_path: Path, text: str | bytes) -> None:
    path = tmp_path / "codec.json"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(
        StoredResultError, match=r"codec\.json: no result that can be read"
    ) as error:
        read_application(path)
    assert "\n" not in str(error.value)


def test_tasks_without_a_name_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "codec.json"
    path.write_text('{"tasks": [{"task": "asr"}]}')
    assert read_tasks(path) == {"asr": {"task": "asr"}}
    path.write_text('{"tasks": [{}]}')
    with pytest.raises(StoredResultError, match="KeyError: 'task'"):
        read_tasks(path)


def test_word_errors_are_counted_against_what_is_said() -> None:
    clip = {"substitutions": 1, "deletions": 2, "insertions": 3, "words": 4}
    assert (word_errors(clip), word_error_rate(clip)) == (6, 150.0)
    assert word_error_rate(clip | {"words": 0}) == 600.0


def test_trials_name_their_clips_by_place() -> None:
    clips = [{"clip": "a"}, {"clip": "b"}]
    columns = {
        "enrol": [0, 1],
        "test": [1, 1],
        "same_language": [True, False],
        "score": [0.5, None],
    }
    assert stored_trials({"clips": clips, "trials": columns}) == [
        (clips[0], clips[1], True, 0.5),
        (clips[1], clips[1], False, None),
    ]
    assert stored_trials({"clips": clips, "trials": []}) == []
    assert stored_trials({"clips": clips, "trials": {}}) == []
    with pytest.raises(ValueError, match="shorter"):
        stored_trials({"clips": clips, "trials": columns | {"score": [0.5]}})
