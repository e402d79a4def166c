import pytest
from starlette.requests import Request

from ticketing_common.web.conditional import JsonBody, json_response, wants_fresh

BODY = JsonBody.of('{"title":"Zoë"}')


def request(**headers: str) -> Request:
    raw = [
        (name.replace("_", "-").encode(), value.encode("latin-1"))
        for name, value in headers.items()
    ]
    return Request({"type": "http", "method": "GET", "headers": raw})


def test_json_response_has_body_and_etag() -> None:
    response = json_response(request(), BODY, {"Cache-Control": "no-cache"})

    assert (response.status_code, response.body) == (200, BODY.content)
    assert response.headers["etag"] == BODY.etag
    assert response.headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    "named", [BODY.etag, f"W/{BODY.etag}", "*", f'"a", {BODY.etag}', f'W/"a" , W/{BODY.etag}']
)
def test_json_response_is_304_if_the_client_has_it(named: str) -> None:
    body = JsonBody.of("[]", link='<?cursor=a>; rel="next"')
    response = json_response(
        request(if_none_match=named.replace(BODY.etag, body.etag)), body, {"Last-Event-ID": "7"}
    )

    assert (response.status_code, response.body) == (304, b"")
    assert response.headers["etag"] == body.etag
    assert response.headers["last-event-id"] == "7"
    assert response.headers["link"] == body.link
    assert "content-type" not in response.headers


@pytest.mark.parametrize("named", ["", '"a"', BODY.etag[1:-1], f"{BODY.etag[:-1]}x", "W/"])
def test_json_response_is_200_if_the_client_has_another(named: str) -> None:
    assert json_response(request(if_none_match=named), BODY).status_code == 200


def test_etag_covers_body_and_link() -> None:
    bodies = [JsonBody.of("[]"), JsonBody.of("[1]"), JsonBody.of("[]", "a"), JsonBody.of("[]", "b")]

    assert len({body.etag for body in bodies}) == 4
    assert JsonBody.of("[]").etag == bodies[0].etag


def test_wants_fresh() -> None:
    assert wants_fresh(request(cache_control="no-cache"))
    assert not wants_fresh(request(cache_control="max-age=0"))
    assert not wants_fresh(request())
