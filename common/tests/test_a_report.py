from ticketing_testing.plugin import _as_text


def test_what_is_no_text_is_written_out_so_that_a_worker_can_tell_what_failed() -> None:
    report = {"longrepr": ("title \ud800", 3, None), "sections": [["out", "\udcff"]]}
    assert _as_text(report) == {
        "longrepr": ("title \\ud800", 3, None),
        "sections": [["out", "\\udcff"]],
    }
