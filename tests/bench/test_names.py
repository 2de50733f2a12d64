"""bench.names: a name that is not known."""

import pytest

from bench.names import UnknownNameError


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("opus-8", "no codec is called 'opus-8'; did you mean opus-8k? available: opus-8k, mp3"),
        ("zz", "no codec is called 'zz'; available: opus-8k, mp3"),
    ],
)
def test_near_and_known_names_are_told(name: str, message: str) -> None:
    assert str(UnknownNameError("codec", name, ["opus-8k", "mp3"])) == message


def test_of_very_many_names_the_first_are_shown() -> None:
    said = str(UnknownNameError("clip", "nothing", (f"clip-{i}" for i in range(1000))))
    assert said.endswith("clip-8, clip-9 and 990 more")


def test_what_is_not_listed_is_suggested() -> None:
    said = str(UnknownNameError("data set", "sonsg", ["mini"], ["songs", "notes"]))
    assert said == "no data set is called 'sonsg'; did you mean songs? available: mini"


def test_a_command_may_list_the_known_ones() -> None:
    said = str(UnknownNameError("codec", "mp2", ["opus-8k", "mp3"], lister="bench list codecs"))
    assert said == "no codec is called 'mp2'; did you mean mp3? `bench list codecs` lists all"
