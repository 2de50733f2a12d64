"""What `bench compare` prints of differences."""

import io
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from bench.report.comparison import compared, comparison
from bench.report.results import Result
from bench.report.stored import read_results


def shown(first: Result, second: Result) -> str:
    text = io.StringIO()
    drawn = comparison(first, second, compared(first, second), 1)
    Console(file=text, width=200).print(drawn)
    return text.getvalue()


def test_what_the_interval_tells_from_zero_is_not_printed_as_zero(small_results: Path) -> None:
    stored = {str(one.codec["name"]): one for one in read_results(small_results, "signal")}
    first = stored["sqcodec-6k"]
    clips = tuple(
        replace(clip, values={**clip.values, "stoi": clip.values["stoi"] - 0.003})
        if "stoi" in clip.values
        else clip
        for clip in first.clips
    )
    second = replace(first, codec={**first.codec, "name": "worse"}, clips=clips)
    lines = [line.split() for line in shown(first, second).splitlines()]
    stoi = next(line for line in lines if line[:2] == ["STOI", "↑"])
    assert stoi[4:8] == ["0.003", "0.003", "0.003", "sqcodec-6k"]
    best = [line[-1] for line in lines if line[:3] == ["best", "for", "sqcodec-6k"]]
    assert "0.003" in best
