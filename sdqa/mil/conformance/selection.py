"""Which of some 60,000 test cases to run."""

from __future__ import annotations

import random
from collections.abc import Sequence


def draw(tests: Sequence[str], count: int, seed: int) -> list[str]:
    """A seeded sample that is spread over test functions, not over their cases.

    The functions, shuffled, take turns in giving one random case each until `count` are drawn: a function with 4,000
    cases weighs no more than one with 8, so that every operation is met. Cases keep the order they came in.
    """
    generator = random.Random(seed)
    functions: dict[str, list[str]] = {}
    for test in sorted(tests):
        functions.setdefault(test.split("[", 1)[0], []).append(test)
    queues = list(functions.values())
    generator.shuffle(queues)
    for queue in queues:
        generator.shuffle(queue)
    chosen: set[str] = set()
    while len(chosen) < min(count, len(tests)):
        for queue in queues:
            if queue and len(chosen) < count:
                chosen.add(queue.pop())
    return [test for test in tests if test in chosen]
