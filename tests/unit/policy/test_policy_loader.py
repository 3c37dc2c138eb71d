"""Policy documents that are refused say where and why; those that are accepted merge as written."""

from pathlib import Path
from textwrap import dedent

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy import PolicyError, Problem, load_policy, parse_policy
from policy.document import MAX_ALIASES, MAX_DEPTH, MAX_VALUES
from policy.source import MAX_BYTES

HEAD = "name: n\nauthor: a\n"


def problems_of(text: str | bytes, source: str = "p.yaml") -> tuple[Problem, ...]:
    with pytest.raises(PolicyError) as caught:
        parse_policy(text, source)
    return caught.value.problems


def only_problem(text: str | bytes) -> tuple[int, int, str, str]:
    (problem,) = problems_of(text)
    return problem.line, problem.column, problem.field, problem.reason


def write(path: Path, text: str) -> Path:
    path.write_text(dedent(text), encoding="utf-8")
    return path


def test_the_smallest_policy_needs_a_name_and_an_author() -> None:
    loaded = parse_policy(HEAD, "p.yaml")
    assert (loaded.policy.name, loaded.policy.author, loaded.policy.mode) == ("n", "a", "observe")
    assert (loaded.source, loaded.bases) == ("p.yaml", ())


@pytest.mark.parametrize(
    ("body", "line", "column", "field", "reason"),
    [
        ("mod: enforce\n", 3, 1, "mod", "unknown field; did you mean mode?"),
        ("zebra: 1\n", 3, 1, "zebra", "unknown field"),
        ("mode: enforced\n", 3, 7, "mode", "unknown word; did you mean enforce?"),
        ("mode: 7\n", 3, 7, "mode", "unknown word; known are observe, review, enforce"),
        ("mode:\n", 3, 6, "mode", "unknown word; known are observe, review, enforce"),
        ("mode: on\n", 3, 7, "mode", "unknown word; known are observe, review, enforce"),
        (
            "detectors:\n  repeat_offender:\n    half-life: 7d\n",
            5, 5, "detectors.repeat_offender.half-life", "unknown field; did you mean half_life?",
        ),
        (
            "detectors:\n  repeat_offender:\n    half_life: 2w\n",
            5, 16, "detectors.repeat_offender.half_life",
            "a duration is a whole number and a unit: 90s, 10m, 24h or 7d",
        ),
        (
            "detectors:\n  repeat_offender:\n    half_life: 0s\n",
            5, 16, "detectors.repeat_offender.half_life", "the shortest duration here is 1ms",
        ),
        (
            "detectors:\n  repeat_offender:\n    enabled: 'yes'\n",
            5, 14, "detectors.repeat_offender.enabled", "Input should be a valid boolean",
        ),
        (
            "detectors:\n  repeat_offender:\n    prior_requests: 5\n",
            5, 21, "detectors.repeat_offender.prior_requests", "Input should be greater than or equal to 20",
        ),
        (
            "detectors:\n  repeat_offender:\n    review_at: 0.9995\n",
            4, 3, "detectors.repeat_offender", "review_at, restrict_at and block_at must rise",
        ),
        (
            "detectors:\n  category_spike: {multipliers: [2, 1, 3]}\n",
            4, 37, "detectors.category_spike.multipliers[1]", "Input should be greater than 1",
        ),
        (
            "detectors:\n  category_spike: {multipliers: [2, 1e999]}\n",
            4, 37, "detectors.category_spike.multipliers[1]", "Input should be a finite number",
        ),
        (
            "detectors:\n  category_spike: {multipliers: []}\n",
            4, 20, "detectors.category_spike.multipliers", "at least one entry is needed",
        ),
        (
            "ladder:\n  steps:\n  - action: warn\n    level: restrict\n    duration: 1d\n",
            5, 5, "ladder.steps[0].message", "this field is required",
        ),
        (
            "ladder:\n  steps:\n  - {action: warn, level: restrict, message: m}\n",
            5, 5, "ladder.steps[0]", "a step without an end is permanent and needs a human: set needs_human",
        ),
        (
            "guardrails:\n  rows:\n  - category: self-harm\n    stages: [prompt]\n    block: low\n",
            5, 15, "guardrails.rows[0].category", "unknown word; did you mean self_harm?",
        ),
        (
            "exemptions:\n- {tenant: t, subject: raw-name, until: 2030-01-01T00:00:00Z, why: w}\n",
            4, 24, "exemptions[0].subject", "String should match pattern '^[a-z0-9]{1,8}\\.[a-z2-7]{26}$'",
        ),
        ("retention: 30d\n", 3, 12, "retention", "fields are expected here"),
        ("mode: review\nfail_mode: open\nmode: observe\n", 5, 1, "mode", "this field is given twice, first in line 3"),
        ("mode: !!int foo\n", 3, 7, "mode", "this is no plain value (YAML tags are not allowed)"),
        ("mode: !!python/object:os.system x\n", 3, 7, "mode", "this is no plain value (YAML tags are not allowed)"),
        ("mode: !!python/tuple [x]\n", 3, 7, "mode", "this is no plain value (YAML tags are not allowed)"),
        ('fail_mode: "\\ud800"\n', 3, 12, "fail_mode", "this is no plain value (YAML tags are not allowed)"),
        ("[a, b]: c\n", 3, 1, "", "a field's name must be a plain word"),
        ('"a\\nb": c\n', 3, 1, "", "a field's name must be a plain word"),
        (f"{'k' * 65}: c\n", 3, 1, "", "a field's name must be a plain word"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_with_its_place(body: str, line: int, column: int, field: str, reason: str) -> None:
    assert only_problem(HEAD + body) == (line, column, field, reason)


def test_all_mistakes_are_reported_at_once_in_reading_order() -> None:
    text = """\
        nam: x
        author: [a]
        mode: observ
        guardrails:
          rows:
          - {category: hate, stages: [prompt], block: medium}
          - {category: hate, stages: [], block: critical}
        mode: observe
        """
    found = problems_of(dedent(text))
    assert [(problem.line, problem.field) for problem in found] == [
        (1, "nam"),
        (1, "name"),
        (2, "author"),
        (7, "guardrails.rows[1].stages"),
        (7, "guardrails.rows[1].block"),
        (8, "mode"),
    ]


def test_the_error_reads_like_a_compiler_message() -> None:
    with pytest.raises(PolicyError) as caught:
        parse_policy("name: n\nauthro: a\n", "team/p.yaml")
    assert str(caught.value).splitlines() == [
        "team/p.yaml:1:1: author: this field is required",
        "team/p.yaml:2:1: authro: unknown field; did you mean author?",
    ]


def test_an_error_never_repeats_a_value() -> None:
    secret = "hunter2-hunter2"
    text = f"{HEAD}receivers:\n- {{name: r, url: '{secret}', secret_file: 1, on: [{secret}]}}\nmode: {secret}\n"
    assert secret not in "".join(map(str, problems_of(text)))


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [
        ("name: [a\nmode: x", 2, 5),
        ("a: b: c", 1, 5),
        ("a: *nobody", 1, 4),
        ("a: 1\n\tb: 2", 2, 1),
        ("a: 1\n---\nb: 2", 2, 1),
    ],
)
def test_broken_yaml_is_named_with_its_place(text: str, line: int, column: int) -> None:
    (problem,) = problems_of(text)
    assert (problem.line, problem.column) == (line, column)
    assert problem.reason.startswith("not readable as YAML: ")


@pytest.mark.parametrize("text", ["a: \x00", 'a: "\\UFFFFFFFF"', 'a: "\\U00110000"', "a: \ud800"])
def test_characters_that_no_text_may_hold_are_refused(text: str) -> None:
    (problem,) = problems_of(text)
    assert "not readable" in problem.reason or "not UTF-8" in problem.reason


@pytest.mark.parametrize("text", ["", "# only a comment\n"])
def test_an_empty_document_is_refused(text: str) -> None:
    assert problems_of(text)[0].line == 1


@pytest.mark.parametrize("text", ["just words", "- a\n- b", "7", "--- ~"])
def test_a_document_must_be_a_mapping(text: str) -> None:
    assert only_problem(text)[2:] == ("", "fields are expected here")


def test_bytes_that_are_not_utf_8_are_refused_where_they_stand() -> None:
    assert only_problem("näme: x\nb: ".encode() + b"\xff") == (2, 4, "", "this byte is not UTF-8")


def test_a_document_over_one_mebibyte_is_refused_unread() -> None:
    assert only_problem("#" * (MAX_BYTES + 1)) == (1, 1, "", "the document is larger than 1 MiB")


def test_deep_nesting_is_refused() -> None:
    assert only_problem("a: " + "[" * 100_000)[3] == f"not readable as YAML: nested deeper than {MAX_DEPTH} levels"


def test_many_aliases_are_refused() -> None:
    text = "a: &x 1\nb: [" + "*x, " * (MAX_ALIASES + 1) + "]"
    assert only_problem(text)[3] == f"not readable as YAML: more than {MAX_ALIASES} aliases"


def test_many_values_are_refused_before_all_are_read() -> None:
    assert (
        only_problem("a: [" + "1, " * (2 * MAX_VALUES) + "]")[3]
        == f"not readable as YAML: more than {MAX_VALUES} values"
    )


def test_a_few_aliases_cannot_blow_the_document_up() -> None:
    lines = [f"l{i}: &l{i} [{', '.join([f'*l{i - 1}'] * 4)}]" for i in range(1, 12)]
    text = "\n".join(["l0: &l0 [1, 1, 1, 1, 1, 1, 1, 1]", *lines])
    assert problems_of(text)[-1].reason == f"the document holds over {MAX_VALUES} values"


def test_a_value_that_holds_itself_is_refused() -> None:
    assert problems_of("a: &x [*x]")[-1].reason == f"the document holds over {MAX_VALUES} values"


def test_an_alias_stands_for_its_value() -> None:
    loaded = parse_policy(f"{HEAD}lateness: {{allowed: &t 7m, future: *t}}", "p.yaml")
    assert loaded.policy.lateness.allowed == loaded.policy.lateness.future


def test_a_field_may_be_named_like_a_yaml_1_1_boolean() -> None:
    loaded = parse_policy(
        f"{HEAD}receivers:\n- {{name: r, url: https://x.test/, secret_file: /s, on: [opened]}}", "p.yaml"
    )
    assert loaded.policy.receivers[0].on == ("opened",)


@given(
    st.one_of(st.text(max_size=200), st.binary(max_size=200), st.text("name:auth-[]{}&*!\n \"'x1#|>?%", max_size=80))
)
def test_any_text_is_a_policy_or_a_policy_error(text: str | bytes) -> None:
    problems: tuple[Problem, ...] = ()
    try:
        parse_policy(text, "fuzz")
    except PolicyError as error:
        problems = error.problems
    assert all(problem.line > 0 and problem.column > 0 and problem.reason for problem in problems)


def test_a_file_that_is_not_there_is_a_policy_error(tmp_path: Path) -> None:
    with pytest.raises(PolicyError) as caught:
        load_policy(tmp_path / "none.yaml")
    assert caught.value.problems[0].reason == "the file cannot be read: No such file or directory"


def test_a_policy_lays_its_fields_over_the_pack_that_it_extends(tmp_path: Path) -> None:
    path = write(
        tmp_path / "mine.yaml",
        """\
        extends: azure-default
        name: mine
        author: me
        detectors: {repeat_offender: {permitted_rate: 0.05}}
        """,
    )
    pack, mine = load_policy("azure-default"), load_policy(path)
    assert mine.policy.detectors.repeat_offender.permitted_rate == 0.05
    assert mine.policy.detectors.repeat_offender.half_life == pack.policy.detectors.repeat_offender.half_life
    assert mine.policy.guardrails == pack.policy.guardrails
    assert (mine.source, mine.bases) == (str(path), ("pack:azure-default",))


def test_a_list_replaces_the_list_below_it() -> None:
    text = f"{HEAD}extends: azure-default\nguardrails: {{rows: [{{category: hate, stages: [prompt], block: low}}]}}"
    loaded = parse_policy(text, "p.yaml")
    assert [row.block for row in loaded.policy.guardrails.rows] == ["low"]
    assert loaded.policy.guardrails.exempt_models == ("whisper*",)


def test_name_and_author_are_not_inherited() -> None:
    fields = {problem.field: problem.reason for problem in problems_of("extends: azure-default\nmode: review\n")}
    assert fields == {"name": "this field is required", "author": "this field is required"}


def test_a_chain_of_files_ends_in_a_pack_and_the_nearest_wins(tmp_path: Path) -> None:
    write(tmp_path / "base.yml", "extends: demo\nname: b\nauthor: b\nmode: review\nfail_mode: closed\n")
    (tmp_path / "teams").mkdir()
    top = write(tmp_path / "teams/top.yaml", "extends: ../base.yml\nname: t\nauthor: t\nmode: observe\n")
    loaded = load_policy(top)
    assert (loaded.policy.mode, loaded.policy.fail_mode) == ("observe", "closed")
    assert loaded.bases == (str(tmp_path / "teams/../base.yml"), "pack:demo", "pack:azure-default")


def test_a_mistake_in_the_extended_file_names_that_file(tmp_path: Path) -> None:
    base = write(tmp_path / "base.yaml", "name: b\nauthor: b\nlateness:\n  allowd: 5m\n  future: soon\n")
    top = write(tmp_path / "top.yaml", "extends: base.yaml\nname: t\nauthor: t\nlateness:\n  idle: 3\n")
    with pytest.raises(PolicyError) as caught:
        load_policy(top)
    assert [(problem.file, problem.line, problem.field) for problem in caught.value.problems] == [
        (str(base), 4, "lateness.allowd"),
        (str(base), 5, "lateness.future"),
        (str(top), 5, "lateness.idle"),
    ]


def test_an_override_that_breaks_a_rule_of_the_base_is_reported_in_the_overriding_file() -> None:
    body = "extends: azure-default\ndetectors:\n  repeat_offender: {restrict_at: 0.9}\n"
    assert only_problem(HEAD + body)[:3] == (5, 3, "detectors.repeat_offender")


@pytest.mark.parametrize(
    ("extends", "reason"),
    [
        (
            "azure-defalt",
            "must be a pack (azure-default, demo, llm-abuse) or the path of a .yaml file; did you mean azure-default?",
        ),
        ("7", "must be a pack (azure-default, demo, llm-abuse) or the path of a .yaml file"),
        ("../../etc/passwd", "must be a pack (azure-default, demo, llm-abuse) or the path of a .yaml file"),
        ("other.yaml", "a policy that is not a file can extend packs only"),
    ],
)
def test_what_a_text_cannot_extend_is_refused(extends: str, reason: str) -> None:
    assert only_problem(f"name: n\nextends: {extends}\n") == (2, 10, "extends", reason)


def test_extending_a_file_that_is_not_there_is_reported_at_the_reference(tmp_path: Path) -> None:
    path = write(tmp_path / "p.yaml", "name: n\nextends: ./gone.yaml\n")
    with pytest.raises(PolicyError) as caught:
        load_policy(path)
    assert caught.value.problems == (Problem(str(path), 2, 10, "extends", "there is no such file"),)


def test_policies_that_extend_each_other_are_refused(tmp_path: Path) -> None:
    write(tmp_path / "a.yaml", "name: a\nauthor: a\nextends: b.yaml\n")
    write(tmp_path / "b.yaml", "name: b\nauthor: b\nextends: a.yaml\n")
    with pytest.raises(PolicyError) as caught:
        load_policy(tmp_path / "a.yaml")
    (problem,) = caught.value.problems
    assert (problem.file, problem.line, problem.field) == (str(tmp_path / "b.yaml"), 3, "extends")


def test_mistakes_of_both_files_are_reported_when_the_extended_one_is_unreadable(tmp_path: Path) -> None:
    write(tmp_path / "base.yaml", "name: [")
    top = write(tmp_path / "top.yaml", "name: t\nname: t\nextends: base.yaml\n")
    with pytest.raises(PolicyError) as caught:
        load_policy(top)
    assert [Path(problem.file).name for problem in caught.value.problems] == ["top.yaml", "base.yaml"]
