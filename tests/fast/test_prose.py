"""Unit tests of the prose check, and the check of the whole tree."""

import tomllib

import pytest

from ticketing_dev.tools.prose import ROOT, RULES, Checker, check_tree

PYTHON = "common/src/ticketing_common/sample.py"
TYPESCRIPT = "client/src/sample.ts"
MARKDOWN = "docs/sample.md"


@pytest.fixture(scope="module")
def checker() -> Checker:
    return Checker(tomllib.loads(RULES.read_text()))


def found(checker: Checker, path: str, source: str) -> list[str]:
    return [finding.found for finding in checker.check(path, source)]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("class NotYet(Exception): ...", ["NotYet"]),
        ("class LeftAlone(Exception): ...", ["LeftAlone"]),
        ("class Breaker: ...", ["Breaker"]),
        ("class TelephoneKeeper: ...", ["TelephoneKeeper"]),
        ("class OrderShown: ...", ["OrderShown"]),
        ("class _Seen(Exception): ...", ["_Seen"]),
        ("def tell_again(event): ...", ["tell_again"]),
        ("async def bury(message): ...", ["bury"]),
        ("def publish(letter): ...", ["letter"]),
        ("looks = 3", ["looks"]),
        ("payment.look_at = None", ["look_at"]),
        ("from enum import Enum as Thing", ["Thing"]),
    ],
)
def test_identifier_banned_is_found(checker: Checker, source: str, expected: list[str]) -> None:
    assert found(checker, PYTHON, source) == expected


@pytest.mark.parametrize(
    "source",
    [
        "class RetryLater(Exception): ...",
        "class CircuitBreaker: ...",
        "class Outcome: ...",
        "def list_dead_letters(): ...",
        "def parse(something, lookup, retries, keyword): ...",
        "def test_something_went_wrong(): ...",
        "WENT = 'went'",
        "import time as clock",
        "waiting_room = 1",
        "x = whoever.told",
    ],
)
def test_identifier_standard_or_only_used_is_accepted(checker: Checker, source: str) -> None:
    assert found(checker, PYTHON, source) == []


def test_module_name_banned_is_found(checker: Checker) -> None:
    assert found(checker, "common/src/ticketing_common/breaker.py", "") == ["module breaker"]
    assert found(checker, "dev/src/ticketing_dev/tether.py", "") == ["module tether"]
    assert found(checker, "client/src/left-out/process.ts", "") == ["module left-out"]
    assert found(checker, "services/orders/src/orders/listeners.py", "") == ["module listeners"]


def test_module_name_standard_is_accepted(checker: Checker) -> None:
    assert found(checker, "common/src/ticketing_common/circuit_breaker.py", "") == []
    assert found(checker, "ops/src/ticketing_ops/events/dead_letters.py", "") == []


def test_module_name_exception_is_accepted(checker: Checker) -> None:
    assert found(checker, "common/src/ticketing_common/messaging/listeners.py", "") == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Repeat it for whoever asks.", ["whoever"]),
        ("Publish whatever is committed.", ["whatever"]),
        ("Delete what is published.", ["what"]),
        ("Who asks gets a token.", ["Who"]),
        ("The event is told again.", ["told"]),
        ("The service hears the event.", ["hears"]),
        ("Bury the message.", ["Bury"]),
        ("Mend the copy.", ["Mend"]),
        ("Start afresh.", ["afresh"]),
        ("Retry when told\n    to come\n    again.", ["told", "come again"]),
        ("Give back the money.", ["Give back"]),
        ("Redis is away.", ["is away"]),
        ("Write one file a service.", ["one file a service"]),
        ("Raise `NotYet` for a gap.", ["`NotYet`"]),
    ],
)
def test_docstring_phrase_is_found(checker: Checker, text: str, expected: list[str]) -> None:
    source = f'def sample():\n    """{text}"""'
    assert found(checker, PYTHON, source) == expected


@pytest.mark.parametrize(
    "text",
    [
        "Repeat the call for any caller.",
        "Publish every committed event.",
        "Return the users who are signed in.",
        "Tell an old event and a gap apart.",
        "Write one file per service.",
        "Send `told` and `what` as they are.",
        "Describe what to do and what happened.",
        "A dead letter, and a dead\n    letter again.",
        "Ask for a waiting room.",
        "Read https://example.com/what/is/told first.",
    ],
)
def test_docstring_plain_is_accepted(checker: Checker, text: str) -> None:
    assert found(checker, PYTHON, f'def sample():\n    """{text}"""') == []


def test_docstring_opening_is_checked(checker: Checker) -> None:
    assert found(checker, PYTHON, '"""Have the caller wait."""') == ['opens with "Have"']
    assert found(checker, PYTHON, '"""How an order ends."""') == ['opens with "How"']
    assert found(checker, PYTHON, 'LIMIT = 3\n"""How long it takes."""') == []
    assert found(checker, PYTHON, '"""Wait for the caller."""') == []


def test_function_docstring_opening_is_checked(checker: Checker) -> None:
    function = 'def is_open():\n    """Whether it is open."""'
    assert found(checker, PYTHON, function) == ['opens with "Whether"']
    assert found(checker, PYTHON, f"@property\n{function}") == []
    assert found(checker, PYTHON, 'is_open: bool\n"""Whether it is open."""') == []


def test_comment_is_checked_across_lines(checker: Checker) -> None:
    source = "ready = True  # fine\n\n# The relay is told when to come\n# again.\ndone = '# told'\n"
    findings = checker.check(PYTHON, source)
    assert [(finding.line, finding.found) for finding in findings] == [
        (3, "come again"),
        (3, "told"),
    ]
    assert found(checker, PYTHON, "# The relay is notified.\n") == []


def test_typescript_comments_and_names_are_checked(checker: Checker) -> None:
    source = (
        'const telling = "told";\n// Nobody is told.\n/** Have it wait. */\nconst url = "//told";\n'
    )
    assert [(finding.line, finding.found) for finding in checker.check(TYPESCRIPT, source)] == [
        (1, "telling"),
        (2, "told"),
        (3, 'opens with "Have"'),
    ]
    assert found(checker, TYPESCRIPT, 'const status = "told"; // The status.\n') == []


def test_markdown_code_is_not_prose(checker: Checker) -> None:
    text = "Run the `tell` command:\n\n```sh\n# whoever is told\n```\n\n[a page](told.md)\n"
    assert found(checker, MARKDOWN, text) == []


def test_markdown_cell_with_a_clause_is_found(checker: Checker) -> None:
    assert found(checker, MARKDOWN, "| command | what it does |\n| --- | --- |\n") == ["what"]
    assert found(checker, MARKDOWN, "| command | effect |\n| --- | --- |\n") == []


@pytest.mark.parametrize(
    ("heading", "expected"),
    [
        ("## Event flow", []),
        ("## NATS and Stripe on Kubernetes", []),
        ("## `ticketing up`", []),
        ("# 0001: Event flow", []),
        ("# 0001: Event Flow", ["heading has Flow"]),
        ("## Event flow.", ['heading has "."']),
        ("## Event Flow", ["heading has Flow"]),
        ("## event flow", ["heading begins with event"]),
        ("## How events flow", ['opens with "How"']),
        ("## Is it up?", ['heading has "?"', 'opens with "Is"']),
    ],
)
def test_heading_is_checked(checker: Checker, heading: str, expected: list[str]) -> None:
    assert found(checker, MARKDOWN, heading + "\n") == expected


def test_sentence_length_is_limited(checker: Checker) -> None:
    text = "word " * 34
    assert found(checker, MARKDOWN, f"A {text.strip()}.\n") == []
    assert found(checker, MARKDOWN, f"A short one. A {text}more.\n") == ["sentence of 36 words"]
    assert found(checker, MARKDOWN, f"A `{text}` is one word.\n") == []


def test_sentence_length_of_lists_and_tables_is_free(checker: Checker) -> None:
    text = "word " * 50
    assert found(checker, MARKDOWN, f"- A {text}.\n\n| {text} |\n\n1. {text}.\n") == []


def test_syntax_error_is_a_finding(checker: Checker) -> None:
    assert found(checker, PYTHON, "def") == ["a syntax error"]


def test_scope_excludes_generated_types(checker: Checker) -> None:
    assert checker.is_in_scope("client/src/app/page.tsx")
    assert checker.is_in_scope("docs/adr/0001-outbox-and-inbox.md")
    assert not checker.is_in_scope("client/src/api/generated/orders.ts")
    assert not checker.is_in_scope("CHANGELOG.md")


def test_exception_has_a_reason() -> None:
    exceptions = tomllib.loads(RULES.read_text())["exceptions"]
    assert all(exception["reason"] for exception in exceptions)


def test_tree_is_clean() -> None:
    findings = check_tree([ROOT])
    assert not findings, "\n".join(map(str, findings))
