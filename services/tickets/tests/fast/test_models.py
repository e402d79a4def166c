from tickets.models import search_terms


def test_search_terms_are_distinct_and_in_lower_case() -> None:
    assert search_terms("The  Who: the Who!") == ["the", "who"]
