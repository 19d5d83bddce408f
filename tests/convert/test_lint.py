from __future__ import annotations

from dataclasses import replace

import pytest

from sdqa import mil
from sdqa.convert.lint import RULES, lint_package, rule
from sdqa.mil.records import ConstantRecord, OperationRecord
from sdqa.mil.types import ValueType
from tests.builders import Convert


def record(kind: str = "conv", dtype: str = "fp16", shape: tuple[int, ...] = (1, 8, 64, 64)) -> OperationRecord:
    return OperationRecord("op", kind, {}, ("out",), (ValueType("tensor", dtype, shape),), {})


def hits(operation: OperationRecord) -> set[str]:
    return {name for name, each in RULES.items() if each.applies(operation)}


def table(*shape: int) -> ConstantRecord:
    return ConstantRecord("w", "fp16", shape, 0, 0)


CASES = [
    (record(), set()),
    (record(dtype="fp32"), {"float32"}),
    (record("cast", "fp32"), set()),
    (record("gather_nd"), {"unsupported"}),
    (record("reduce_argmax", "int32", (1, 77)), {"integers"}),
    (record("reduce_argmax", "int32", (1,)), set()),
    (record("reshape", shape=(1, 2, 3, 4, 5, 64)), {"rank"}),
    (record("gather", shape=(1, 77, 768)), set()),
    (replace(record("gather", shape=(1, 77, 768)), constants={"x": table(49408, 768)}), {"dimension"}),
    (replace(record(), constants={"weight": table(8, 8, 15, 15)}), {"kernel"}),
    (replace(record(), constants={"weight": table(8, 8, 3, 3)}), set()),
    (replace(record("max_pool"), constants={"kernel_sizes": [16, 16]}), {"kernel"}),
    (record(shape=(1, -1, 64, 64)), {"open-shape"}),
    (record("linear", shape=(2, 4096, 320)), {"sequence-last"}),
    (record("linear", shape=(2, 1280)), set()),
    (record("matmul", shape=(2, 8, 4096, 4096)), {"batched-attention"}),
    (record("transpose", shape=(2, 8, 4096, 1)), {"unaligned"}),
]


@pytest.mark.parametrize(("operation", "rules"), CASES)
def test_rule_sees_its_operation_and_no_other(operation: OperationRecord, rules: set[str]) -> None:
    assert hits(operation) == rules


def test_text_encoder_leaves_for_its_tokens_and_names_the_module(packages: Convert) -> None:
    lint = lint_package(packages("text_encoder").path)
    found = {finding.rule: finding for finding in lint.leaves}
    assert "integers" in found
    assert "unsupported" in found, "the pooled output is gathered by index"
    assert 0 < lint.leaving_share < 0.01, "tokens cost next to nothing"
    assert any(module.startswith("text_encoder") for module in found["integers"].modules)


@pytest.mark.slow
def test_float32_package_leaves_altogether(packages: Convert) -> None:
    lint = lint_package(packages("unet", precision="float32").path)
    assert lint.leaving_share > 0.99


@pytest.mark.slow
def test_split_einsum_is_what_the_lint_asks_for(packages: Convert) -> None:
    before = {finding.rule: finding for finding in lint_package(packages("unet").path).findings}
    after = {finding.rule for finding in lint_package(packages("unet", attention="split_einsum").path).findings}
    assert before["sequence-last"].severity == "slow"
    assert "unet.down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q" in before["sequence-last"].modules
    assert "sequence-last" not in after


def test_packages_too_large_for_phones_are_told(packages: Convert, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sdqa.convert.lint.LARGEST_CHUNK_BYTES", 1000)
    sizes = [finding for finding in lint_package(packages("unet").path).findings if finding.severity == "size"]
    assert [finding.rule for finding in sizes] == ["one-package"]


def test_rules_have_one_name_each_and_a_source() -> None:
    assert all(each.reason.rstrip().endswith(("[A]", "[B]", "[C]", "[D]")) for each in RULES.values())
    with pytest.raises(ValueError, match="two rules"):
        rule("float32", "slow", "again [A]")(lambda operation: False)


def test_every_operation_is_counted_once_in_the_share(packages: Convert) -> None:
    package = packages("text_encoder").path
    lint = lint_package(package)
    names = {operation.name for operation in mil.load(package).operations}
    assert all(set(finding.operations) <= names for finding in lint.findings)
    assert lint.leaving_share <= sum(finding.flops_share for finding in lint.leaves) + 1e-12
