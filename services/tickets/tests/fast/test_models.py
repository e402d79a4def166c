from tickets.models import search_terms, tokens


def test_tokens_are_distinct_and_in_lower_case() -> None:
    assert tokens("The  Who: the Who!") == ["the", "who"]


def test_search_terms_are_the_beginnings_of_words() -> None:
    assert search_terms("The Thing") == ["t", "th", "the", "thi", "thin", "thing"]
    assert max(search_terms("x" * 200), key=len) == "x" * 20
