"""Non-maximum suppression. Source: coremltools' definitions iOS15 and iOS17 `tensor_operation`."""

from __future__ import annotations

import torch

from sdqa.mil.arguments import Argument, as_bool, as_float, as_int
from sdqa.mil.registry import op


@op("non_maximum_suppression")
def non_maximum_suppression(
    boxes: torch.Tensor,
    scores: torch.Tensor,
    iou_threshold: Argument,
    max_boxes: Argument,
    score_threshold: Argument = None,
    per_class_suppression: Argument = False,
) -> tuple[torch.Tensor, ...]:
    """The best boxes, best first, none of which overlaps a better one by more than `iou_threshold`.

    iOS15, iOS16 (told by `score_threshold`): boxes [n, B, 4], scores [n, B, K] → boxes [n, M, 4], scores [n, M, K],
    indices [n, M], counts [n]. iOS17: the same with boxes in the last dimension, [n, 4, B] and [n, K, B], and without
    the counts. Boxes are (x, y, width, height) around their centre; a box's score and class are its best. Unused
    places hold zeros and index -1. When no score exceeds the threshold the best box is returned all the same.
    """
    last = score_threshold is None
    if last:
        boxes, scores = boxes.transpose(1, 2), scores.transpose(1, 2)
    threshold = float("-inf") if score_threshold is None else as_float(score_threshold)
    places = as_int(max_boxes)
    n, _, classes = scores.shape
    kept_boxes, kept_scores = boxes.new_zeros(n, places, 4), scores.new_zeros(n, places, classes)
    indices, counts = torch.full((n, places), -1, dtype=torch.int32), torch.zeros(n, dtype=torch.int32)
    for b in range(n):
        chosen = _suppressed(
            boxes[b], scores[b], as_float(iou_threshold), threshold, places, per_class=as_bool(per_class_suppression)
        )
        count = len(chosen)
        kept_boxes[b, :count], kept_scores[b, :count] = boxes[b, chosen], scores[b, chosen]
        indices[b, :count], counts[b] = torch.tensor(chosen, dtype=torch.int32), count
    if last:
        return kept_boxes.transpose(1, 2), kept_scores.transpose(1, 2), indices
    return kept_boxes, kept_scores, indices, counts


def _suppressed(
    boxes: torch.Tensor,
    scores: torch.Tensor,
    iou_threshold: float,
    score_threshold: float,
    limit: int,
    *,
    per_class: bool,
) -> list[int]:
    """Indices of the boxes that survive, at most `limit`, by descending score."""
    best, kind = scores.float().max(-1)
    order = torch.argsort(best, descending=True, stable=True)
    half = boxes[:, 2:].float() / 2
    low, high = boxes[:, :2].float() - half, boxes[:, :2].float() + half
    area = (high - low).clamp(min=0).prod(1)
    alive = best > score_threshold
    chosen: list[int] = []
    for candidate in order.tolist():
        if len(chosen) == limit:
            break
        if not alive[candidate]:
            continue
        chosen.append(candidate)
        common = (torch.minimum(high, high[candidate]) - torch.maximum(low, low[candidate])).clamp(min=0).prod(1)
        union = area + area[candidate] - common
        overlaps = torch.where(union > 0, common / union, torch.zeros_like(union)) > iou_threshold
        alive &= ~(overlaps & (kind == kind[candidate])) if per_class else ~overlaps
    if not chosen and limit and len(best):
        return [int(order[0])]
    return chosen
