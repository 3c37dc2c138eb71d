"""A policy is shown whole, and the difference of two is shown field by field."""

from policy import load_policy, parse_policy
from policy.show import Change, changes, render

HEAD = "name: n\nauthor: a\n"


def test_the_shown_document_names_its_version_and_origin() -> None:
    demo = load_policy("demo")
    first, second, third, *_ = render(demo).splitlines()
    assert (first, third) == (f"# {demo.version}", "name: demo")
    assert second == "# from pack:demo, which extends pack:azure-default"


def test_the_shown_document_holds_defaults_and_keeps_short_lists_short() -> None:
    shown = render(parse_policy(HEAD, "x"))
    assert "  half_life: 7d\n" in shown
    assert "  multipliers: [1.5, 2.0, 3.0, 5.0]\n" in shown
    assert "  exempt_models: [whisper*]\n" in shown


def test_equal_policies_have_no_changes() -> None:
    assert changes(load_policy("demo").policy, load_policy("demo").policy) == ()


def test_changes_name_the_field_and_both_values() -> None:
    before = parse_policy(HEAD, "x").policy
    after = parse_policy(
        HEAD + "mode: enforce\ndetectors: {repeat_offender: {half_life: 1d, mode: review}}", "x"
    ).policy
    found = changes(before, after)
    assert found == (
        Change("mode", '"observe"', '"enforce"'),
        Change("detectors.repeat_offender.mode", "null", '"review"'),
        Change("detectors.repeat_offender.half_life", '"7d"', '"1d"'),
    )
    assert str(found[2]) == 'detectors.repeat_offender.half_life: "7d" → "1d"'


def test_an_added_entry_of_a_list_is_absent_before() -> None:
    after = HEAD + "guardrails: {rows: [{category: hate, stages: [prompt], block: low}]}"
    found = changes(parse_policy(HEAD, "x").policy, parse_policy(after, "x").policy)
    by_field = {change.field: (change.before, change.after) for change in found}
    assert by_field["guardrails.rows[0].category"] == (None, '"hate"')
    assert by_field["guardrails.rows[0].stages"] == (None, '["prompt"]')
    assert "(absent) → " in str(found[-1])
