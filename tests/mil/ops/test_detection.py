"""Non-maximum suppression against torchvision's rule, written as a loop, and coremltools' tests."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from .oracle import numbers, run, same


def iou(one: Any, other: Any) -> float:
    """Intersection over union of two boxes (x, y, width, height) around their centre."""
    low = np.maximum(one[:2] - one[2:] / 2, other[:2] - other[2:] / 2)
    high = np.minimum(one[:2] + one[2:] / 2, other[:2] + other[2:] / 2)
    common = float(np.prod(np.maximum(high - low, 0)))
    return common / (float(np.prod(one[2:]) + np.prod(other[2:])) - common)


def expected(boxes: Any, scores: Any, threshold: float, least: float, per_class: bool) -> list[int]:
    """Indices that survive, best first."""
    best, kinds = scores.max(-1), scores.argmax(-1)
    kept: list[int] = []
    for candidate in np.argsort(-best, kind="stable"):
        rivals = [k for k in kept if not per_class or kinds[k] == kinds[candidate]]
        if best[candidate] > least and all(iou(boxes[candidate], boxes[k]) <= threshold for k in rivals):
            kept.append(int(candidate))
    return kept


def boxes_and_scores(count: int, classes: int) -> tuple[Any, Any]:
    centres, sizes = numbers(count, 2, low=0, high=10), numbers(count, 2, low=2, high=6, seed=1)
    return np.concatenate([centres, sizes], 1)[None], numbers(1, count, classes, low=-1, high=1, seed=2)


@pytest.mark.parametrize("per_class", [False, True])
@pytest.mark.parametrize("threshold", [0.1, 0.4])
@pytest.mark.parametrize("limit", [3, 30])
def test_ios15(per_class: bool, threshold: float, limit: int) -> None:
    boxes, scores = boxes_and_scores(20, 3)
    kept = expected(boxes[0], scores[0], threshold, 0.2, per_class)[:limit]
    arguments = {"iou_threshold": threshold, "score_threshold": 0.2, "max_boxes": limit}
    found = run("non_maximum_suppression", boxes=boxes, scores=scores, per_class_suppression=per_class, **arguments)
    count = len(kept)
    assert found[3].tolist() == [count]
    assert found[2][0].tolist() == kept + [-1] * (limit - count)
    same(found[0][0, :count], boxes[0, kept])
    same(found[1][0, :count], scores[0, kept])
    assert not found[0][0, count:].any()
    assert not found[1][0, count:].any()


def test_ios17_has_the_boxes_in_the_last_dimension_and_no_counts() -> None:
    boxes, scores = boxes_and_scores(12, 1)
    kept = expected(boxes[0], scores[0], 0.3, -np.inf, False)
    found = run(
        "non_maximum_suppression",
        boxes=boxes.transpose(0, 2, 1),
        scores=scores.transpose(0, 2, 1),
        iou_threshold=0.3,
        max_boxes=12,
    )
    assert len(found) == 3
    assert found[2][0].tolist() == kept + [-1] * (12 - len(kept))
    same(found[0][0, :, : len(kept)], boxes[0, kept].T)
    assert found[1].shape == (1, 1, 12)


def test_the_best_box_is_returned_even_when_no_score_is_high_enough() -> None:
    boxes, scores = boxes_and_scores(5, 2)
    found = run(
        "non_maximum_suppression", boxes=boxes, scores=scores, iou_threshold=0.3, score_threshold=9.0, max_boxes=2
    )
    assert found[2].tolist() == [[int(scores[0].max(-1).argmax()), -1]]
    assert found[3].tolist() == [1]


def test_boxes_without_area_do_not_overlap() -> None:
    boxes, scores = np.zeros((1, 2, 4), np.float32), np.array([[[0.9], [0.8]]], np.float32)
    found = run(
        "non_maximum_suppression", boxes=boxes, scores=scores, iou_threshold=0.1, score_threshold=0.0, max_boxes=2
    )
    assert found[2].tolist() == [[0, 1]]
