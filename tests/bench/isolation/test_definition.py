"""bench.isolation.definition: what a definition says, and what none can say."""

from collections.abc import Callable
from pathlib import Path

import pytest

from bench.isolation.definition import Definition, DefinitionError, read_definition
from bench.isolation.known import DEFINED


def test_a_definition_is_read(define: Callable[..., Definition], tmp_path: Path) -> None:
    (tmp_path / "shared.py").touch()
    found = define(
        requirements=["numpy==2.0.0", "x[all] == 1.0; python_version < '3'", "y @ https://y/y.whl"],
        helpers=["shared.py"],
        python="3.11",
        description="a test",
        codecs={},
        verbs=["judge"],
    )
    assert found.name == "tiny"
    assert found.scripts == (tmp_path / "worker.py", tmp_path / "shared.py")
    assert len(found.requirements) == 3
    assert (found.verbs, found.python, found.description) == (("judge",), "3.11", "a test")


def test_the_hash_is_of_what_decides_the_installation(define: Callable[..., Definition]) -> None:
    first = define(requirements=["a==1", "b==2"]).requirements_sha256
    assert define(requirements=["b==2", "a==1"], description="x").requirements_sha256 == first
    for other in (
        {"requirements": ["a==1", "b==3"]},
        {"requirements": ["a==1", "b==2"], "python": "3.12"},
        {"requirements": ["a==1", "b==2"], "pip_options": ["--no-deps"]},
    ):
        assert define(**other).requirements_sha256 != first


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"name": "../up"}, r"expected a name of small letters.*got '\.\./up'"),
        ({"verbs": []}, "expected verbs"),
        ({"verbs": ["__import__"]}, "expected verbs"),
        ({"verbs": "judge"}, "expected verbs to be a list of texts, got 'judge'"),
        ({"requirements": [1]}, r"expected requirements to be a list of texts, got \[1\]"),
        ({"requirements": ["numpy"]}, "'numpy' is not pinned: write NAME==VERSION"),
        ({"requirements": ["numpy>=2"]}, "'numpy>=2' is not pinned"),
        ({"requirements": ["numpy==2.*"]}, r"'numpy==2\.\*' is not pinned"),
        ({"requirements": ["--index-url https://x"]}, "is not pinned"),
        ({"worker": "nowhere.py"}, "there is no script at .*nowhere.py"),
        ({"helpers": ["nowhere.py"]}, "there is no script at .*nowhere.py"),
        ({"python": "python3"}, 'expected python such as "3.11"'),
        ({"requirement": []}, "no such field: requirement"),
    ],
)
def test_what_no_definition_can_say(
    define: Callable[..., Definition], tmp_path: Path, wrong: dict[str, object], told: str
) -> None:
    def write() -> None:
        name = str(wrong.get("name", "tiny"))
        if name == "tiny":
            define(**wrong)
        else:
            (tmp_path / "w.py").touch()
            path = tmp_path / "bad.toml"
            path.write_text(f'name = "{name}"\nworker = "w.py"\nverbs = ["judge"]\n')
            read_definition(path)

    with pytest.raises(DefinitionError, match=told) as error:
        write()
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("table", "told"),
    [
        ("[codecs]\nx-6k = 6000", r"expected a table \[codecs\.x-6k\], got 6000"),
        ('[codecs."../x"]\nbitrate_bps = 1', r"expected codecs' names of small .*got '\.\./x'"),
    ],
)
def test_what_no_codec_can_be(tmp_path: Path, table: str, told: str) -> None:
    (tmp_path / "w.py").touch()
    path = tmp_path / "bad.toml"
    path.write_text(f'name = "x"\nworker = "w.py"\nverbs = ["encode"]\n{table}\n')
    with pytest.raises(DefinitionError, match=told):
        read_definition(path)


def test_a_file_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(DefinitionError, match=r"nowhere\.toml cannot be read: no such file"):
        read_definition(tmp_path / "nowhere.toml")
    (tmp_path / "bad.toml").write_text("name = ")
    with pytest.raises(DefinitionError, match=r"bad\.toml is no TOML: "):
        read_definition(tmp_path / "bad.toml")
    (tmp_path / "bad.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(DefinitionError, match=r"bad\.toml is no TOML: "):
        read_definition(tmp_path / "bad.toml")


@pytest.mark.parametrize("path", sorted(DEFINED.glob("*.toml")), ids=lambda path: path.stem)
def test_ours_can_be_read_and_are_called_like_their_files(path: Path) -> None:
    assert read_definition(path).name == path.stem
