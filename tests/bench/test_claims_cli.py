"""`bench claims`: the verdicts, and names that are not known."""

from pathlib import Path

from typer.testing import CliRunner, Result

from bench import cli


def claims(*arguments: object) -> Result:
    return CliRunner().invoke(cli.app, ["claims", *map(str, arguments)])


def test_verdicts_and_failing_cells(small_results: Path) -> None:
    done = claims("--results", small_results)
    assert done.exit_code == 0, done.output
    assert "fails (7 of 60)" in done.stdout
    assert "  Audio MEL 1.5k: SQCodec 1.88, EnCodec† 1.51" in done.stdout
    assert "holds where" in done.stdout


def test_one_claim_alone(small_results: Path) -> None:
    done = claims("--results", small_results, "--claim", "dac-parameters")
    assert "fails (8 of 8)" in done.stdout
    assert "Audio MEL" not in done.stdout


def test_an_unknown_claim_is_suggested(small_results: Path) -> None:
    done = claims("--results", small_results, "--claim", "dac-parameter")
    assert done.exit_code == 2
    assert "did you mean dac-parameters" in done.stderr


def test_a_damaged_result_is_a_line(small_results: Path) -> None:
    path = small_results / "signal" / "small" / "opus-6k.json"
    path.write_text("[]")
    done = claims("--results", small_results)
    assert done.exit_code == 2
    assert done.stderr.startswith(f"bench: {path}: ")
    assert done.stderr.count("\n") == 1
