"""Loading a model of transformers from a folder, whole or not at all.

`from_pretrained` fills what a file lacks with random numbers and says so in a log; here it is
an error.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import nn


def load_pretrained(
    model_class: Any, folder: Path, failure: type[RuntimeError], **expected: object
) -> nn.Module:
    """Load a model from `config.json` and `model.safetensors` in a folder.

    Args:
        model_class: of transformers.
        folder: that has the files.
        failure: what is raised.
        expected: settings of its configuration that must have these values.

    Raises:
        failure: the files do not fit each other, or are of another model.
    """
    from transformers.utils import logging

    logging.disable_progress_bar()
    logging.set_verbosity_error()  # what it would report is raised here
    try:
        config = model_class.config_class.from_pretrained(folder, local_files_only=True)
        for name, value in expected.items():
            found = getattr(config, name)
            if found != value:
                raise failure(
                    f"{folder} is of another model: its {name} is {found}, expected {value}"
                )
        model, report = model_class.from_pretrained(
            folder,
            config=config,
            local_files_only=True,
            use_safetensors=True,
            ignore_mismatched_sizes=True,  # else the error does not say which
            output_loading_info=True,
        )
    except failure:
        raise
    except Exception as error:  # of many kinds, for files that are none of this model
        why = " ".join(str(error).split())[:200]
        raise failure(f"{folder} cannot be loaded: {why}") from error
    wrong = [f"{len(names)} {kind.replace('_', ' ')}" for kind, names in report.items() if names]
    if wrong:
        raise failure(f"{folder} does not fit its own config.json: {', '.join(wrong)}")
    check_finite(model, folder, failure)
    return model


def check_finite(model: nn.Module, origin: Path, failure: type[RuntimeError]) -> None:
    """See that all weights are numbers.

    Raises:
        failure: some are not.
    """
    for name, value in model.state_dict().items():
        if value.is_floating_point() and not value.isfinite().all():
            raise failure(f"{origin} holds values that are not finite, in {name}")
