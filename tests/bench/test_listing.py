"""bench.listing: what `bench list` shows, from the command line."""

import pytest
from typer.testing import CliRunner

from bench import cli, registry
from bench.codec import CodecCard
from bench.downstream.evaluators import registry as evaluators
from bench.metrics import BESIDE, METRICS
from bench.suites import SUITES


def listed(what: str) -> list[str]:
    """The lines of `bench list`."""
    done = CliRunner().invoke(cli.app, ["list", what])
    assert done.exit_code == 0, done.output
    return done.stdout.splitlines()


def row(lines: list[str], name: str) -> str:
    """The line that begins with a name."""
    (line,) = (line for line in lines if line.split()[:1] == [name])
    return " ".join(line.split())


def test_codecs_with_rate_bitrate_and_whether_they_are_here(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cards = [
        CodecCard("mine", "the best", None, None),
        CodecCard("here-3k", "with weights", 16_000, 2994.5, weights="bundled"),
        CodecCard("gone", "without", 24_000, 6_000, missing="no weights: train them"),
    ]
    monkeypatch.setattr(registry, "cards", lambda: cards)
    lines = listed("codecs")
    assert row(lines, "mine") == "mine the best - - yes"
    assert row(lines, "here-3k") == "here-3k with weights 16,000 2,994 yes (bundled)"
    assert row(lines, "gone") == "gone without 24,000 6,000 no"
    assert lines[-1] == "`bench doctor` says how to get what is missing."


def test_every_codec_is_listed_and_no_module_is() -> None:
    lines = listed("codecs")
    for name in registry.available():
        assert row(lines, name)
    assert not any("baselines" in line for line in lines)


def test_suites_with_their_scores() -> None:
    for suite in SUITES.values():
        line = row(listed("suites"), suite.name)
        assert all(score.display_name in line for score in suite.scores)


def test_datasets_with_their_size_and_what_else_data_takes() -> None:
    lines = listed("datasets")
    assert row(lines, "mini").startswith("mini 123 6.9 71 speech librivox, asterisk-en,")
    assert any(line.split() == ["40", "effects"] for line in lines)
    text = "\n".join(lines)
    assert "samples/<dataset>/*.wav, 8 speech, 3 audio" in text
    assert "a manifest (.csv)" in text


def test_metrics_with_unit_and_direction() -> None:
    lines = listed("metrics")
    for metric in (METRICS | BESIDE).values():
        line = row(lines, metric.name)
        assert f" {metric.unit or '-'} {'higher' if metric.higher_is_better else 'lower'} " in line
        assert f"{metric.name}/{metric.revision}" in line


def test_an_unknown_list_names_the_lists() -> None:
    done = CliRunner().invoke(cli.app, ["list", "codec"])
    assert done.exit_code == 2
    for what in cli.Listed:
        assert f"'{what}'" in done.stderr


def test_evaluators_with_whose_they_are() -> None:
    lines = listed("evaluators")
    for card in evaluators.CARDS:
        line = row(lines, f"{card.task}={card.name}")
        assert ("yes" in line.split()) == (card.of_paper or not card.missing)
    assert "ASR, ASV, ER, AEC" in row(listed("suites"), "application")
