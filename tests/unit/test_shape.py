"""The shape of the code: short functions and modules, few parameters, one opening sentence, few comments."""

import ast
import io
import re
import statistics
import subprocess
import tokenize
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("events", "policy", "alerts", "broker", "streams", "sql", "api", "traffic", "watchfloor", "bench")
MODULES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
SOURCES = {path: path.read_text("utf-8") for path in MODULES}
TREES = {path: ast.parse(source) for path, source in SOURCES.items()}
Function = ast.FunctionDef | ast.AsyncFunctionDef
FUNCTIONS = [(path, node) for path in MODULES for node in ast.walk(TREES[path]) if isinstance(node, Function)]

MOST_LINES_OF_A_FUNCTION = 60
MOST_LINES_OF_A_MODULE = 300
MOST_LINES_OF_A_HANDLER = 15
MOST_LINES_OF_THE_MAKEFILE = 40
MOST_PARAMETERS = 5
MOST_SUPPRESSED_TYPE_ERRORS = 10
LARGEST_SHARE_OF_COMMENTS = 0.06
MEDIAN_FUNCTION, NINETIETH_FUNCTION, MEDIAN_MODULE = 8, 30, 120
EMPTY_WORDS = {"core", "common", "utils", "util", "helpers", "helper", "services", "managers", "misc", "shared", "base"}
INDEX_ADDRESS = re.compile(
    r"pypi\.org|pythonhosted\.org|npmjs\.(?:org|com)|repo1?\.maven\.(?:apache\.)?org|--(?:extra-)?index-url"
)
PATCHING = re.compile(r"mock\.patch|Magic[M]ock|monkeypatch\.setattr")


def lines(function: Function) -> int:
    return (function.end_lineno or 0) - function.lineno + 1


def body_lines(function: Function) -> int:
    documented = ast.get_docstring(function) is not None
    body = function.body[1:] if documented else function.body
    return (function.end_lineno or 0) - body[0].lineno + 1 if body else 0


def parameters(function: Function) -> list[str]:
    given = function.args
    names = [one.arg for one in (*given.posonlyargs, *given.args, *given.kwonlyargs)]
    return [name for name in names if name not in ("self", "cls")]


def is_handler(path: Path, function: Function) -> bool:
    return path.is_relative_to(ROOT / "api" / "routes") and any(
        isinstance(one, ast.Call) and ast.unparse(one.func).startswith("router.") for one in function.decorator_list
    )


def comments(source: str) -> int:
    return sum(token.type == tokenize.COMMENT for token in tokenize.generate_tokens(io.StringIO(source).readline))


def tracked() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, check=False, text=True,
    )  # fmt: skip
    if listed.returncode:
        pytest.skip("not a git work tree: which files are the project's is not known")
    return [path for name in listed.stdout.split("\0") if name and (path := ROOT / name).is_file()]


def named(path: Path, function: Function) -> str:
    return f"{path.relative_to(ROOT)}:{function.lineno} {function.name}"


def test_functions_fit() -> None:
    long = [named(path, one) for path, one in FUNCTIONS if lines(one) > MOST_LINES_OF_A_FUNCTION]
    assert long == []


def test_modules_fit() -> None:
    assert [str(path) for path in MODULES if SOURCES[path].count("\n") > MOST_LINES_OF_A_MODULE] == []


def test_modules_open_with_one_sentence() -> None:
    """What the module is and what it is not, on one line."""
    openings = {path: (ast.get_docstring(TREES[path]) or "").split("\n\n")[0] for path in MODULES}
    assert [str(path) for path, words in openings.items() if not words.endswith(".") or "\n" in words] == []


def test_functions_take_few_parameters() -> None:
    """Commands are exempt: each of their parameters is an option of the command line."""
    many = [(path, one) for path, one in FUNCTIONS if len(parameters(one)) > MOST_PARAMETERS]
    assert [named(path, one) for path, one in many if not path.match("watchfloor/*_commands.py")] == []


def test_handlers_parse_call_and_answer() -> None:
    handlers = [(path, one) for path, one in FUNCTIONS if is_handler(path, one)]
    assert handlers
    assert [named(path, one) for path, one in handlers if body_lines(one) > MOST_LINES_OF_A_HANDLER] == []


def test_most_functions_and_modules_are_short() -> None:
    sizes = sorted(lines(one) for _, one in FUNCTIONS)
    assert statistics.median(sizes) <= MEDIAN_FUNCTION
    assert sizes[len(sizes) * 9 // 10] <= NINETIETH_FUNCTION
    assert statistics.median(source.count("\n") for source in SOURCES.values()) <= MEDIAN_MODULE


def test_code_carries_itself() -> None:
    total = sum(source.count("\n") for source in SOURCES.values())
    assert sum(comments(source) for source in SOURCES.values()) <= LARGEST_SHARE_OF_COMMENTS * total


def test_few_type_errors_are_suppressed_and_each_says_why() -> None:
    marks = re.findall(r"# type: ignore.*", "\n".join(SOURCES.values()))
    assert len(marks) <= MOST_SUPPRESSED_TYPE_ERRORS
    assert [mark for mark in marks if not re.fullmatch(r"# type: ignore\[[\w, -]+\]  # .+", mark)] == []


def test_names_are_concepts() -> None:
    names = {part for path in MODULES for part in path.relative_to(ROOT).with_suffix("").parts}
    assert names & EMPTY_WORDS == set()


def test_a_package_has_one_root_of_errors() -> None:
    for path in (one for one in MODULES if one.name == "errors.py"):
        kinds = [node for node in TREES[path].body if isinstance(node, ast.ClassDef)]
        roots = [kind for kind in kinds if [ast.unparse(base) for base in kind.bases] == ["Exception"]]
        assert len(roots) == 1, path
        drawn = f"{ast.get_docstring(TREES[path])}{ast.get_docstring(roots[0])}"
        assert roots[0].name in drawn, f"{path}: the tree of errors is drawn in a docstring"


def test_the_makefile_is_short() -> None:
    assert (ROOT / "Makefile").read_text("utf-8").count("\n") <= MOST_LINES_OF_THE_MAKEFILE


def test_no_file_names_a_package_index() -> None:
    texts = ((path, path.read_bytes().decode("utf-8", "ignore")) for path in tracked())
    assert [str(path) for path, text in texts if INDEX_ADDRESS.search(text)] == []


def test_tests_replace_parts_and_patch_nothing() -> None:
    tests = (ROOT / "tests").rglob("*.py")
    assert [str(path) for path in tests if PATCHING.search(path.read_text("utf-8"))] == []
