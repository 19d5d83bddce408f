"""Where a key stands in a TOML file."""

from __future__ import annotations

from sdqa.plan.lines import key_lines, located

TEXT = '''name = "a"
text = """
steps = 3
"""
[[lanes]]
model = "x"
[[lanes]]
"odd key" = 1
a.b = 2
[cases."one.two"]
seed = 1
'''


def test_tables_keys_and_lists_of_tables_have_their_lines() -> None:
    lines = key_lines(TEXT)
    assert lines["lanes", 0, "model"] == 6
    assert lines["lanes", 1, "odd key"] == 8
    assert lines["lanes", 1, "a", "b"] == 9
    assert lines["cases", "one.two", "seed"] == 11
    assert ("steps",) not in lines, "it stands inside a text"


def test_a_problem_inside_a_value_is_shown_at_its_key() -> None:
    [problem] = located([(("lanes", 0, "model", 3), "is wrong")], TEXT, "sdqa.toml")
    assert str(problem) == 'sdqa.toml:6: $.lanes[0].model[3]: is wrong\n      | model = "x"'
