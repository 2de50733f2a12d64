"""What tests of models that listen share: what speechbrain leaves behind is cleared away."""

import sys
from collections.abc import Iterator

import pytest

# speechbrain's stand-ins for modules that it loads late, or has renamed: being looked at, which
# hypothesis does with all modules, they import what is not here, or warn.
_STAND_INS = {"LazyModule", "DeprecatedModuleRedirect"}


@pytest.fixture(autouse=True)
def _without_stand_ins() -> Iterator[None]:
    yield
    for name in [name for name in sys.modules if name.startswith("speechbrain.")]:
        if type(sys.modules[name]).__name__ in _STAND_INS:
            del sys.modules[name]
