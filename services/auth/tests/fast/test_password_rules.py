import pytest

from auth.password_rules import _common_passwords, is_common, is_of_email


def test_ten_thousand_passwords_are_common() -> None:
    assert len(_common_passwords()) == 10_000
    assert min(map(len, _common_passwords())) == 8


@pytest.mark.parametrize("password", ["password", "12345678", "PassWord", "iloveyou1", " password"])
def test_common_password_is_found_in_any_case(password: str) -> None:
    assert is_common(password)


@pytest.mark.parametrize(
    "password", ["correct horse battery staple", "long enough", "a new password"]
)
def test_other_password_is_not_common(password: str) -> None:
    assert not is_common(password)


@pytest.mark.parametrize(
    "password",
    [
        "ann.smith@example.com",
        "ann.smith",
        "AnnSmith",
        "annsmith2024!",
        "smith.ann",
        "example1",
        "Example.Com",
        "ann@example",
    ],
)
def test_password_of_the_email_is_found(password: str) -> None:
    assert is_of_email(password, "ann.smith@example.com")


@pytest.mark.parametrize(
    ("password", "email"),
    [
        ("an annual smithsonian visit", "ann.smith@example.com"),
        ("12345678", "ann.smith@example.com"),
        ("correct horse battery staple", "horse@example.com"),
        ("ab12cd34", "ab@cd.example"),
        ("!!!!!!!!", "ann@example.com"),
    ],
)
def test_other_password_is_not_of_the_email(password: str, email: str) -> None:
    assert not is_of_email(password, email)
