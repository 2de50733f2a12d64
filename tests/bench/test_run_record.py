"""bench.run_record: what is written is read, and what is no manifest is one line."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bench.provenance import Environment, Machine, Project
from bench.run_record import (
    COMPLETED,
    KIND,
    SCHEMA_VERSION,
    Asked,
    Column,
    Judge,
    Part,
    RecordedCodec,
    RunRecord,
    RunRecordError,
    read_record,
    write_record,
)


def a_record() -> RunRecord:
    """A run with all kinds of values: of two clips one failed, of two trials one."""
    environment = Environment(
        project=Project("0.1.0", "abc", False),
        python="CPython 3.11.7",
        packages={"numpy": "2.4.6"},
        machine=Machine("a processor", 2, 8.0, (), "Linux"),
        threads={"OMP_NUM_THREADS": "1"},
    )
    clips = (("a", "0" * 64), ("b", "1" * 64))
    signal = Column("opus-6k", "sdr", "sdr/1", "dB", "clips", (0.1 + 0.2, None), {1: "too short"})
    said = Column("opus-6k", "hypothesis", "fake 1", "", "clips", ("né à", "b"), {})
    right = Column("opus-6k", "right", "fake 1", "", "clips", (True, False), {})
    trials = Column("opus-6k", "trials", "fake 1", "", "trials", (0.5, None), {})
    score = Column("opus-6k", "wer", "fake 1", "%", "codec", (12.5,), {})
    return RunRecord(
        kind=KIND,
        schema=SCHEMA_VERSION,
        suite="signal",
        complete=True,
        ended=COMPLETED,
        started_at="2026-01-01T00:00:00+00:00",
        ended_at="2026-01-01T00:01:00+00:00",
        asked=Asked("bench run --codec opus-6k", "mini", None, (), 2, "auto", 600.0),
        environment=environment,
        seeds={"bootstrap": 0},
        reader="libsndfile",
        resampler="soxr",
        codecs=(RecordedCodec("opus-6k", "opus-6k", "r1", "", ""),),
        missing=(),
        parts=(
            Part("signal", "mini", "r1", clips, libraries={"numpy": ["2"]}, columns=(signal,)),
            Part(
                "asr",
                "mini",
                "r2",
                clips,
                n_trials=2,
                evaluator=Judge("fake", "1", "none"),
                columns=(said, right, trials, score),
            ),
        ),
    )


def test_what_is_written_is_read_to_the_last_digit(tmp_path: Path) -> None:
    record = a_record()
    path = write_record(tmp_path / "deep" / "m.json", record)
    assert read_record(path) == record
    assert read_record(path).parts[0].columns[0].values[0] == 0.1 + 0.2
    assert record.n_cells == 2 + 2 + 2 + 1 + 1
    before = path.read_bytes()
    write_record(path, read_record(path))
    assert path.read_bytes() == before
    assert [file.name for file in path.parent.iterdir()] == ["m.json"]


def test_a_column_has_a_line_of_its_own(tmp_path: Path) -> None:
    path = write_record(tmp_path / "m.json", a_record())
    lines = [line for line in path.read_text().splitlines() if '"metric": ' in line]
    assert [json.loads(line.strip().rstrip(","))["metric"] for line in lines] == [
        "sdr",
        "hypothesis",
        "right",
        "trials",
        "wer",
    ]


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (lambda m: m.update(kind="another"), "not a manifest that bench run wrote"),
        (lambda m: m.update(schema=2), "its schema is 2, this version of bench reads 1"),
        (lambda m: m.pop("parts"), "damaged: parts: Field required"),
        (lambda m: m["asked"].update(workers="many"), "damaged: asked.workers: Input should be"),
        (lambda m: m["asked"].update(clip_timeout_s=-1), "expected a time limit above 0 s, got -1"),
        (lambda m: m["codecs"].clear(), "cells of codecs that did not run: opus-6k"),
        (lambda m: m["parts"][0]["clips"].pop(), "2 values, expected 1, one for each of its clips"),
        (lambda m: m["parts"][0]["columns"][0]["errors"].update({"7": "x"}), "an error at 7"),
        (
            lambda m: m["parts"][0]["columns"][0].update(over="moons"),
            "'clips', 'trials' or 'codec'",
        ),
        (lambda m: m["parts"][0]["columns"][0].update(values=[1e999, None]), "is not finite"),
    ],
)
def test_a_damaged_manifest_is_one_line(
    tmp_path: Path, damage: Callable[[dict[str, Any]], object], told: str
) -> None:
    path = write_record(tmp_path / "m.json", a_record())
    content = json.loads(path.read_text())
    damage(content)
    path.write_text(json.dumps(content))
    with pytest.raises(RunRecordError) as raised:
        read_record(path)
    assert told in str(raised.value)
    assert str(raised.value).startswith(f"{path}: ")
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"3", b"\xff\xfe", b"id,path\n1,2\n", b"[" * 99_999]
)
def test_another_file_is_no_manifest(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "m.json"
    path.write_bytes(content)
    with pytest.raises(RunRecordError, match="not a manifest that bench run wrote"):
        read_record(path)


def test_no_file_and_a_folder(tmp_path: Path) -> None:
    with pytest.raises(RunRecordError, match="no such manifest; bench run writes one"):
        read_record(tmp_path / "m.json")
    with pytest.raises(RunRecordError, match="cannot be read: is a directory"):
        read_record(tmp_path)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)


@given(data=st.data(), value=_JSON)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_value_anywhere_is_read_or_refused_in_one_line(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, value: Any
) -> None:
    path = tmp_path_factory.mktemp("fuzz") / "m.json"
    content = json.loads(write_record(path, a_record()).read_text())
    place: Any = content
    while True:
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        key = data.draw(st.sampled_from(keys))
        inner = place[key]
        if not isinstance(inner, dict | list) or not inner or data.draw(st.booleans()):
            break
        place = inner
    place[key] = value
    path.write_text(json.dumps(content))
    found = _read(path)
    if isinstance(found, str):
        assert "\n" not in found
    else:
        assert found.n_cells >= 0


def _read(path: Path) -> RunRecord | str:
    """The record, or why there is none."""
    try:
        return read_record(path)
    except RunRecordError as error:
        return str(error)


def test_a_record_does_not_contradict_itself() -> None:
    record = a_record()
    with pytest.raises(ValueError, match="cells of codecs that did not run: opus-6k"):
        replace(record, codecs=())
