"""What says something of a result is heard, by whichever way a library says it."""

from __future__ import annotations

import copy
import logging
import sys
import warnings
from typing import Any

import numpy as np
import pytest

from sdqa import compat, notices


def warn(text: str, category: type[Warning], module: str) -> None:
    warnings.warn_explicit(text, category, f"{module.replace('.', '/')}.py", 1, module=module)


@pytest.mark.parametrize(
    ("text", "category", "module"),
    [
        ("overflow encountered in cast", RuntimeWarning, "numpy"),
        ("invalid value encountered in multiply", RuntimeWarning, "sdqa.mil.ops.linear"),
        ("the activation is not the one that was trained", UserWarning, "open_clip.factory"),
        ("this will change", FutureWarning, "sdqa.gate"),
    ],
)
def test_what_is_not_known_is_told_once(text: str, category: type[Warning], module: str) -> None:
    told: list[str] = []
    with notices.quiet_warnings(told.append) as heard:
        warn(text, category, module)
        warn(text, category, module)
    assert heard == [f"{category.__name__}: {text}"]
    assert told == [f"warning: {category.__name__}: {text}"]


@pytest.mark.parametrize(
    ("text", "category", "module"),
    [
        ("`torch.jit.trace` is deprecated", DeprecationWarning, "torch.jit._trace"),
        ("this will change", FutureWarning, "transformers.modeling_utils"),
        ("Converting a tensor to a Python boolean might cause …", UserWarning, "diffusers.models.upsampling"),
        ("Implicitly cleaning up <TemporaryDirectory '/tmp/x'>", ResourceWarning, "tempfile"),
    ],
)
def test_what_is_known_is_not(text: str, category: type[Warning], module: str) -> None:
    with notices.quiet_warnings(pytest.fail) as heard:
        warn(text, category, module)
    assert heard == []


@pytest.mark.parametrize(
    ("logger", "text"),
    [
        ("diffusers.pipelines.x", "The following part of your input was truncated because CLIP can only handle …"),
        ("transformers.tokenization_utils_base", "Token indices sequence length is longer than the specified maximum"),
    ],
)
def test_a_cut_prompt_is_heard_from_the_log(logger: str, text: str) -> None:
    with notices.quiet_warnings(lambda _: None) as heard:
        logging.getLogger(logger).warning(text)
    assert heard == [f"{logger}: {text}"]


def test_a_long_prompt_really_says_so() -> None:
    from sdqa.models import load_teacher

    tokenizer = copy.deepcopy(load_teacher("random:miniature").pipeline_parts()["tokenizer"])
    tokenizer.deprecation_warnings.clear()  # a tokenizer says it once in its life, and others may have drawn with it
    with notices.quiet_warnings(lambda _: None) as heard:
        tokenizer("a red fox " * 100)
    assert any("Token indices sequence length is longer" in text for text in heard)


def test_known_logs_and_quieter_ones_are_not_heard() -> None:
    with notices.quiet_warnings(pytest.fail) as heard:
        logging.getLogger("transformers.modeling_utils").warning("`loss_type=None` was set in the config but …")
        logging.getLogger("diffusers.models.modeling_utils").warning(
            "There are modules in AutoencoderKL that should be kept in float32: []. Casting …"
        )
        logging.getLogger("transformers").info("loading")
    assert heard == []


def test_modules_that_are_to_stay_in_single_precision_are_no_known_message() -> None:
    with notices.quiet_warnings(lambda _: None) as heard:
        logging.getLogger("diffusers.models.modeling_utils").warning(
            "There are modules in AutoencoderKL that should be kept in float32: ['decoder']. Casting …"
        )
    assert len(heard) == 1


def test_afterwards_everything_is_as_before() -> None:
    compat.prepare_hub()
    with notices.quiet_warnings(lambda _: None):
        pass
    loggers: list[Any] = [logging.getLogger(name) for name in ("transformers", "diffusers")]
    before = [(logger.level, logger.handlers[:]) for logger in loggers], warnings.filters[:], warnings.showwarning
    with notices.quiet_warnings(lambda _: None):
        assert loggers[0].level == logging.WARNING
    assert ([(one.level, one.handlers[:]) for one in loggers], warnings.filters[:], warnings.showwarning) == before


def test_an_overflow_is_heard_through_a_conversion() -> None:
    with notices.quiet_warnings(lambda _: None) as heard, compat.quiet_coremltools():
        assert np.isinf(np.array([1e6], np.float32).astype(np.float16)).all()
        warn("a notice of coremltools'", UserWarning, "coremltools")
    assert heard == ["RuntimeWarning: overflow encountered in cast"]
    assert "coremltools" not in str(heard), sys.version
