from ticketing_testing.plugin import _as_text


def test_report_escapes_invalid_unicode() -> None:
    report = {"longrepr": ("title \ud800", 3, None), "sections": [["out", "\udcff"]]}
    assert _as_text(report) == {
        "longrepr": ("title \\ud800", 3, None),
        "sections": [["out", "\\udcff"]],
    }
