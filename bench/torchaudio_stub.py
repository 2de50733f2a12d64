"""torchaudio beside a torch that its compiled extension does not fit.

The registry's torchaudio has an extension that is linked against CUDA, and with a torch for
CPUs its import fails. Its Python part, which is all that speechbrain and transformers use of it
here, works without: a module in the extension's place says that there is none.
"""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType

_EXTENSION = "torchaudio._extension"
_FAILURE = "_torchaudio"  # is in the name of the library that cannot be loaded


def make_importable() -> None:
    """See that `import torchaudio` works where it is installed; do nothing where it works.

    Raises:
        ImportError, OSError: it is installed and fails for another reason.
    """
    if "torchaudio" in sys.modules or find_spec("torchaudio") is None:
        return
    try:
        import_module("torchaudio")
    except OSError as error:
        if _FAILURE not in str(error):
            raise
        for name in [name for name in sys.modules if name.split(".")[0] == "torchaudio"]:
            del sys.modules[name]
        sys.modules[_EXTENSION] = _without_extension()
        import_module("torchaudio")


def _without_extension() -> ModuleType:
    """What `torchaudio._extension` offers where there is no compiled part."""
    stub = ModuleType(_EXTENSION)
    names = {
        "_IS_TORCHAUDIO_EXT_AVAILABLE": False,
        "_IS_ALIGN_AVAILABLE": False,
        "_check_cuda_version": lambda: None,
        "fail_if_no_align": lambda function: function,
    }
    for name, value in names.items():
        setattr(stub, name, value)
    return stub
