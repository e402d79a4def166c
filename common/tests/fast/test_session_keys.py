import base64
import json

import pytest

from ticketing_common.sessions.keys import SigningKey, parse_public_keys, public_key_set

# RFC 8037, appendix A.
JWK = {
    "kty": "OKP",
    "crv": "Ed25519",
    "d": "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",
    "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
}
THUMBPRINT = "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"
KEY = SigningKey.generate()


def changed(jwk: str, **changes: object) -> str:
    return json.dumps(json.loads(jwk) | changes)


def test_kid_is_the_thumbprint() -> None:
    key = SigningKey.parse(json.dumps(JWK))

    assert key.kid == THUMBPRINT
    assert list(parse_public_keys(public_key_set(key))) == [THUMBPRINT]


def test_key_is_read_as_it_was_written() -> None:
    again = SigningKey.parse(KEY.to_json())

    assert again.to_json() == KEY.to_json()
    assert again.kid == KEY.kid == json.loads(KEY.to_json())["kid"]


def test_key_without_a_kid_gets_its_thumbprint() -> None:
    public = json.loads(public_key_set(KEY))["keys"][0]
    del public["kid"]

    assert list(parse_public_keys(json.dumps({"keys": [public]}))) == [KEY.kid]


def test_set_has_no_private_part() -> None:
    assert "d" not in json.loads(public_key_set(KEY))["keys"][0]


@pytest.mark.parametrize(
    "invalid",
    [
        "",
        "{",
        "a secret",
        "[]",
        "{}",
        changed(KEY.to_json(), kty="RSA"),
        changed(KEY.to_json(), crv="X25519"),
        changed(KEY.to_json(), d="short"),
        changed(KEY.to_json(), d=base64.b64encode(b"x" * 31).decode()),
        changed(KEY.to_json(), x=json.loads(SigningKey.generate().to_json())["x"]),
        changed(KEY.to_json(), kid="another"),
    ],
    ids=range(11),
)
def test_invalid_private_key_is_refused(invalid: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        SigningKey.parse(invalid)


@pytest.mark.parametrize(
    "invalid",
    [
        "",
        "{}",
        '{"keys":[]}',
        '{"keys":[{}]}',
        json.dumps({"keys": [json.loads(public_key_set(KEY))["keys"][0] | {"x": "AAAA"}]}),
        json.dumps({"keys": [json.loads(public_key_set(KEY))["keys"][0] | {"kid": "another"}]}),
    ],
    ids=range(6),
)
def test_invalid_key_set_is_refused(invalid: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        parse_public_keys(invalid)
