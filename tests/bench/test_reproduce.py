"""bench.reproduce: each thing that can differ is told by its name, and nothing else."""

from dataclasses import replace
from typing import Any

import pytest

from bench.provenance import Environment, Machine, Project
from bench.reproduce import (
    CellDifference,
    Comparison,
    Here,
    compared,
    inputs_that_differ,
    surroundings_that_differ,
)
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
)
from bench.tolerances import Tolerances

HASH = "ab" * 32
CLIPS = (("a", "0" * 64), ("b", "1" * 64))
CODEC = RecordedCodec("sqcodec-3k", "sqcodec-3k", "r1", "trained here", HASH)
ENVIRONMENT = Environment(
    project=Project("0.1.0", "abc", False),
    python="CPython 3.11.7",
    packages={"numpy": "2.4.6"},
    machine=Machine("a processor", 2, 8.0, (), "Linux"),
    threads={},
)


def column(metric: str = "sdr", values: tuple[Any, ...] = (1.0, 2.0), **more: Any) -> Column:
    fields = {"version": f"{metric}/1", "unit": "dB", "over": "clips", "errors": {}} | more
    return Column("sqcodec-3k", metric, values=values, **fields)


def signal(*columns: Column, **more: Any) -> Part:
    fields: dict[str, Any] = {"clips": CLIPS, "libraries": {"numpy": ["2.4.6"]}} | more
    return Part("signal", "mini", "d1", columns=columns, **fields)


def task(*columns: Column, **more: Any) -> Part:
    judge = Judge("fake", "e1", "none")
    fields: dict[str, Any] = {"clips": CLIPS, "evaluator": judge, "n_trials": 2} | more
    return Part("asr", "mini", "t1", columns=columns, **fields)


def recorded(*parts: Part, **more: Any) -> RunRecord:
    record = RunRecord(
        kind=KIND,
        schema=SCHEMA_VERSION,
        suite="signal",
        complete=True,
        ended=COMPLETED,
        started_at="",
        ended_at="",
        asked=Asked("bench run", "mini", None, (), 2, "auto", 600.0),
        environment=ENVIRONMENT,
        seeds={},
        reader="libsndfile 1",
        resampler="soxr 1",
        codecs=(CODEC,),
        missing=(),
        parts=parts or (signal(column()),),
    )
    return replace(record, **more)


def here(record: RunRecord, **more: Any) -> Here:
    same = Here(
        codecs=record.codecs,
        parts=tuple(replace(part, columns=()) for part in record.parts),
        versions={"sdr": "sdr/1", "aligned_sdr": "aligned_sdr/1"},
        reader=record.reader,
        resampler=record.resampler,
        environment=record.environment,
    )
    return replace(same, **more)


def said(record: RunRecord, found: Here) -> list[str]:
    return list(map(str, inputs_that_differ(record, found)))


def one(
    record: RunRecord, found: Here, *parts: Part, tolerances: Tolerances | None = None
) -> Comparison:
    (comparison,) = compared(record, found, parts, tolerances or Tolerances())
    return comparison


def test_the_same_inputs_differ_in_nothing() -> None:
    record = recorded(signal(column()), task(column("words")))
    assert inputs_that_differ(record, here(record)) == []
    assert surroundings_that_differ(record, here(record)) == []


@pytest.mark.parametrize(
    ("changed", "line"),
    [
        (
            {"weights_sha256": "cd" * 32},
            "weights of sqcodec-3k: manifest says abababababab..., here cdcdcdcdcdcd...",
        ),
        (
            {"weights_sha256": HASH[:-1] + "0"},  # told apart, wherever they part
            f"weights of sqcodec-3k: manifest says {HASH}, here {HASH[:-1]}0",
        ),
        ({"revision": "r2"}, "revision of sqcodec-3k: manifest says r1, here r2"),
        ({"name": "other"}, "name of sqcodec-3k: manifest says sqcodec-3k, here other"),
    ],
)
def test_a_codec_that_differs(changed: dict[str, str], line: str) -> None:
    record = recorded()
    assert said(record, here(record, codecs=(replace(CODEC, **changed),))) == [line]


def test_clips_that_differ() -> None:
    record = recorded()
    clips = (("a", "9" * 64), ("c", "2" * 64))
    found = here(record, parts=(signal(clips=clips),))
    assert said(record, found) == [
        "data: clip a: manifest says 000000000000..., here 999999999999...",
        "data: clip b: manifest says 111111111111..., here no such clip",
        "data: clip c: manifest says no such clip, here 222222222222...",
    ]


def test_labels_count_for_a_task_and_not_for_a_signal() -> None:
    record = recorded(signal(column()), task(column("words")))
    parts = tuple(replace(part, dataset_revision="other", columns=()) for part in record.parts)
    found = here(record, parts=parts)
    (line,) = said(record, found)
    assert line.startswith("revision of the data of asr, in which transcripts, labels and trials")
    (information,) = map(str, surroundings_that_differ(record, found))
    assert information.startswith("revision of the data set mini, whose files are the same: ")


def test_a_metric_a_reader_or_a_resampler_that_differs() -> None:
    record = recorded(signal(column(), column("aligned_sdr", version="aligned_sdr/1 delay=7@16Hz")))
    assert said(record, here(record)) == []
    found = here(record, versions={"sdr": "sdr/2", "aligned_sdr": "aligned_sdr/1"})
    assert said(record, found) == ["version of sdr: manifest says sdr/1, here sdr/2"]
    found = here(record, reader="other", resampler="another")
    assert [line.split(":")[0] for line in said(record, found)] == ["reader of audio", "resampler"]


def test_an_evaluator_that_differs() -> None:
    record = recorded(task(column("words")))
    found = here(record, parts=(task(evaluator=Judge("fake", "e2", "others")),))
    assert said(record, found) == [
        "revision of asr evaluator fake: manifest says e1, here e2",
        "weights of asr evaluator fake: manifest says none, here others",
    ]


def test_surroundings_are_told_and_are_no_inputs() -> None:
    record = recorded()
    other = Environment(
        project=Project("0.2.0", "def", True),
        python="CPython 3.12.0",
        packages={"numpy": "2.5", "torch": "3"},
        machine=Machine("another", 4, 16.0, ("a GPU",), "Linux"),
        threads={"OMP_NUM_THREADS": "1"},
    )
    found = here(record, environment=other)
    assert inputs_that_differ(record, found) == []
    lines = list(map(str, surroundings_that_differ(record, found)))
    assert "sqcodec-bench: manifest says 0.1.0, here 0.2.0" in lines
    assert "commit: manifest says abc, here def, with changes" in lines
    assert "torch: manifest says none, here 3" in lines
    assert "cpu: manifest says a processor, here another" in lines
    assert "gpus: manifest says none, here a GPU" in lines
    assert "OMP_NUM_THREADS: manifest says not set, here 1" in lines
    assert len(lines) == 10


def test_the_same_cells_are_compared_exactly() -> None:
    record = recorded()
    comparison = one(record, here(record), *record.parts)
    assert (comparison.n_cells, comparison.tolerance, comparison.different) == (2, 0.0, ())
    assert comparison.inexact_because == ""
    last_digit = signal(column(values=(1.0, 2.0 + 1e-15)))
    (cell,) = one(record, here(record), last_digit).different
    assert cell == CellDifference("b", 2.0, 2.0 + 1e-15)


@pytest.mark.parametrize(
    ("changed", "part", "why"),
    [
        ({"codecs": (replace(CODEC, weights_sha256="0"),)}, {}, "codec"),
        ({}, {"libraries": {"numpy": ["9"]}}, "libraries"),
        ({"reader": "other"}, {}, "reader or resampler"),
        ({"environment": replace(ENVIRONMENT, project=Project("0.1.0", "d", False))}, {}, "code"),
        (
            {"environment": replace(ENVIRONMENT, threads={"OMP_NUM_THREADS": "9"})},
            {},
            "threads",
        ),
        (
            {
                "environment": replace(
                    ENVIRONMENT, machine=replace(ENVIRONMENT.machine, cpu="x", gpus=("y",))
                )
            },
            {},
            "processor, graphics card",
        ),
    ],
)
def test_where_something_differs_numbers_have_a_tolerance(
    changed: dict[str, Any], part: dict[str, Any], why: str
) -> None:
    record = recorded()
    near = signal(column(values=(1.04, 2.0)), **part)
    comparison = one(record, here(record, **changed), near)
    assert (comparison.inexact_because, comparison.tolerance) == (why, 0.05)
    assert comparison.different == ()
    assert comparison.largest == pytest.approx(0.04)
    far = signal(column(values=(1.06, 2.0)), **part)
    (cell,) = one(record, here(record, **changed), far).different
    assert cell == CellDifference("a", 1.0, 1.06)


def test_cores_count_for_evaluators_whose_threads_nobody_set() -> None:
    """Codecs and metrics have one thread each, whatever there is."""
    machine = replace(ENVIRONMENT.machine, cores=9)
    for part, settings, why in (
        (signal(column()), {}, ""),
        (task(column()), {}, "threads"),
        (task(column()), {"OMP_NUM_THREADS": "1"}, ""),
    ):
        before = replace(ENVIRONMENT, threads=settings)
        record = recorded(part, environment=before)
        now = here(record, environment=replace(before, machine=machine))
        assert one(record, now, part).inexact_because == why


@pytest.mark.parametrize(("measured_at", "tolerance"), [("10:01", 0.05), ("10:02", 0.0)])
def test_cells_that_an_earlier_run_computed_have_a_tolerance(
    measured_at: str, tolerance: float
) -> None:
    part = signal(column(), first_measured_at=measured_at)
    record = recorded(part, started_at="10:02")
    comparison = one(record, here(record), part)
    assert comparison.tolerance == tolerance
    assert comparison.inexact_because == ("run that computed the cells" if tolerance else "")


def test_another_version_of_a_metric_has_a_tolerance() -> None:
    record = recorded()
    comparison = one(record, here(record), signal(column(version="sdr/2", values=(1.01, 2.0))))
    assert comparison.inexact_because == "metric or evaluator"
    assert comparison.different == ()


def test_the_tolerance_of_the_user_goes_before() -> None:
    record = recorded()
    far = signal(column(values=(1.5, 2.0)))
    assert one(record, here(record), far, tolerances=Tolerances(of_all=0.5)).different == ()
    by_metric = Tolerances({"sdr": 0.4}, 9.0)
    assert len(one(record, here(record), far, tolerances=by_metric).different) == 1
    elsewhere = here(record, reader="other")
    near = signal(column(values=(1.001, 2.0)))
    exact = one(record, elsewhere, near, tolerances=Tolerances(of_all=0.0))
    assert len(exact.different) == 1


def test_ratios_of_exact_copies_are_rounding() -> None:
    record = recorded(signal(column(values=(260.0, 2.0))))
    copy = signal(column(values=(266.0, 2.0)))
    assert len(one(record, here(record), copy).different) == 1
    assert one(record, here(record, reader="other"), copy).different == ()


def test_texts_verdicts_and_counts_have_no_tolerance() -> None:
    record = recorded(task(column("right", (True, False)), column("words", (3, 4), unit="")))
    other = task(column("right", (True, True)), column("words", (3, 5), unit=""))
    found = compared(record, here(record, reader="other"), [other], Tolerances())
    assert [c.different for c in found] == [
        (CellDifference("b", False, True),),
        (CellDifference("b", 4, 5),),
    ]


def test_scores_and_trials_are_cells_too() -> None:
    columns = (
        column("trials", (0.5, None), over="trials"),
        column("wer", (12.5,), over="codec", unit="%"),
    )
    record = recorded(task(*columns))
    other = task(replace(columns[0], values=(0.6, 0.7)), replace(columns[1], values=(12.6,)))
    trials, score = compared(record, here(record), [other], Tolerances())
    assert trials.different == (
        CellDifference("trial 1", 0.5, 0.6),
        CellDifference("trial 2", "no cell", 0.7),
    )
    assert score.different == (CellDifference("", 12.5, 12.6),)
    near = compared(record, here(record, reader="other"), [other], Tolerances())[1]
    assert (near.tolerance, near.different) == (0.5, ())


def test_errors_are_cells() -> None:
    failed = column(values=(1.0, None), errors={1: "too short"})
    record = recorded(signal(failed))
    assert one(record, here(record), signal(failed)).different == ()
    now = one(record, here(record), signal(column()))
    assert now.different == (CellDifference("b", "error: too short", 2.0),)
    then = one(recorded(), here(record), signal(failed))
    assert then.different == (CellDifference("b", 2.0, "error: too short"),)


def test_cells_that_only_one_side_has() -> None:
    record = recorded()
    absent = one(record, here(record), signal(column(values=(1.0, None))))
    assert absent.different == (CellDifference("b", 2.0, "no cell"),)
    clips = (*CLIPS, ("c", "2" * 64))
    more = one(record, here(record), signal(column(values=(1.0, 2.0, 3.0)), clips=clips))
    assert more.different == (CellDifference("c", "no cell", 3.0),)
    fewer = one(record, here(record), signal(column(values=(1.0,)), clips=CLIPS[:1]))
    assert fewer.different == (CellDifference("b", 2.0, "no cell"),)
    gone, new = compared(record, here(record), [signal(column("stoi"))], Tolerances())
    assert (gone.metric, len(gone.different)) == ("sdr", 2)
    assert (new.metric, len(new.different)) == ("stoi", 2)


def test_of_a_run_that_was_stopped_only_what_it_came_to_is_compared() -> None:
    record = recorded(signal(column(values=(1.0, None))), complete=False, ended="stopped")
    whole = signal(column(), column("stoi"))
    comparison = one(record, here(record), whole)
    assert (comparison.n_cells, comparison.different) == (1, ())


def test_a_codec_of_another_name_is_compared_by_its_place() -> None:
    record = recorded()
    found = here(record, codecs=(replace(CODEC, name="sqcodec-3k-2"),))
    other = signal(replace(column(), codec="sqcodec-3k-2"))
    comparison = one(record, found, other)
    assert (comparison.codec, comparison.n_cells, comparison.different) == ("sqcodec-3k", 2, ())


def test_a_part_that_is_not_run_here_is_all_different() -> None:
    record = recorded(task(column("words")))
    comparison = one(record, replace(here(record), parts=()))
    assert [cell.here for cell in comparison.different] == ["no cell", "no cell"]


def test_cells_that_were_in_the_store_have_a_comparison_of_their_own() -> None:
    record = recorded()
    near = signal(column(values=(1.01, 2.01)), column("stoi"))

    def the_second_of_sdr(part: Part, column: Column, place: int) -> bool:
        return (column.metric, part.clips[place][0]) == ("sdr", "b")

    now, before, stoi = compared(record, here(record), [near], Tolerances(), the_second_of_sdr)
    assert (now.was_there, now.n_cells, now.n_computed, now.tolerance) == (False, 1, 1, 0.0)
    assert now.different == (CellDifference("a", 1.0, 1.01),)
    assert (before.was_there, before.n_cells, before.n_computed) == (True, 1, 0)
    assert (before.tolerance, before.different) == (0.05, ())
    assert before.inexact_because == "run that computed the cells"
    assert (stoi.metric, stoi.n_computed, len(stoi.different)) == ("stoi", 2, 2)


def test_a_cell_that_is_not_here_was_not_computed() -> None:
    record = recorded()
    comparison = one(record, here(record), signal(column(values=(1.0, None))))
    assert (comparison.n_cells, comparison.n_computed) == (2, 1)
