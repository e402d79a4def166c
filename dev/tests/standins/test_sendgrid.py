"""The SendGrid stand-in, called with SendGrid's SDK."""

import json
from typing import Any

import anyio
import httpx
import pytest
from markupsafe import escape
from python_http_client.exceptions import (
    BadRequestsError,
    HTTPError,
    TooManyRequestsError,
    UnauthorizedError,
)
from sendgrid import SendGridAPIClient
from sendgrid.helpers.mail import CustomArg, Mail

GOOD: dict[str, Any] = {
    "personalizations": [{"to": [{"email": "ann@example.com"}]}],
    "from": {"email": "tickets@example.com", "name": "Tickets"},
    "subject": "Your ticket",
    "content": [
        {"type": "text/plain", "value": "Yours."},
        {"type": "text/html", "value": "<p>Yours.</p>"},
    ],
}


def mail(to: str = "ann@example.com", **fields: Any) -> Mail:
    message = Mail(
        from_email="tickets@example.com",
        to_emails=to,
        subject=fields.get("subject", "Your ticket"),
        plain_text_content=fields.get("text", "Yours: https://tickets.example/1"),
        html_content=fields.get("html", "<p>Yours.</p>"),
    )
    message.add_custom_arg(CustomArg("delivery", "665"))
    return message


async def send(url: str, message: Any, key: str = "SG.one") -> Any:
    """Send with the SDK in a thread, as it is synchronous."""
    return await anyio.to_thread.run_sync(SendGridAPIClient(key, host=url).send, message)


async def test_mail_sent_with_the_sdk_is_in_the_mailbox(
    sendgrid_url: str, sendgrid_http: httpx.AsyncClient
) -> None:
    response = await send(sendgrid_url, mail())
    assert response.status_code == 202
    assert response.body == b""
    (found,) = (await sendgrid_http.get("/api/mails")).json()
    assert found.pop("receivedAt").endswith("Z")
    assert len(found.pop("id")) == 24
    assert found == {
        "messageId": response.headers["X-Message-Id"],
        "from": "tickets@example.com",
        "to": ["ann@example.com"],
        "copies": [],
        "subject": "Your ticket",
        "text": "Yours: https://tickets.example/1",
        "html": "<p>Yours.</p>",
        "customArgs": {"delivery": "665"},
    }


async def test_mails_are_filtered_by_recipient_newest_first(
    sendgrid_url: str, sendgrid_http: httpx.AsyncClient
) -> None:
    for subject in ("one", "two"):
        await send(sendgrid_url, mail("ann@example.com", subject=subject))
    await send(sendgrid_url, mail("bob@example.com", subject="three"))
    found = (await sendgrid_http.get("/api/mails", params={"to": "ANN@example.com"})).json()
    assert [one["subject"] for one in found] == ["two", "one"]
    everything = (await sendgrid_http.get("/api/mails")).json()
    assert [one["subject"] for one in everything] == ["three", "two", "one"]


async def test_each_personalization_is_a_separate_mail(
    sendgrid_http: httpx.AsyncClient,
) -> None:
    both = {
        **GOOD,
        "custom_args": {"batch": "1", "audience": "all"},
        "personalizations": [
            {"to": [{"email": "ann@example.com"}], "cc": [{"email": "cy@example.com"}]},
            {
                "to": [{"email": "bob@example.com"}],
                "subject": "For Bob",
                "custom_args": {"audience": "bob"},
            },
        ],
    }
    assert (await sendgrid_http.post("/v3/mail/send", json=both)).status_code == 202
    bobs, anns = (await sendgrid_http.get("/api/mails")).json()
    assert (bobs["subject"], bobs["customArgs"]) == ("For Bob", {"batch": "1", "audience": "bob"})
    assert (anns["to"], anns["copies"]) == (["ann@example.com"], ["cy@example.com"])
    copies = (await sendgrid_http.get("/api/mails", params={"to": "cy@example.com"})).json()
    assert copies == [anns]


@pytest.mark.parametrize("key", ["", "rubbish", "SG."])
async def test_invalid_api_key_is_a_401(sendgrid_url: str, key: str) -> None:
    with pytest.raises(UnauthorizedError) as raised:
        await send(sendgrid_url, mail(), key)
    (error,) = json.loads(raised.value.body)["errors"]
    assert set(error) == {"message", "field", "help"}


WITHOUT: dict[str, Any] = {name: {k: v for k, v in GOOD.items() if k != name} for name in GOOD}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (WITHOUT["personalizations"], "personalizations"),
        (WITHOUT["from"], "from.email"),
        (WITHOUT["subject"], "subject"),
        (WITHOUT["content"], "content"),
        ({**GOOD, "personalizations": [{}]}, "personalizations.0.to"),
        ({**GOOD, "personalizations": ["x"]}, "personalizations.0"),
        (
            {**GOOD, "personalizations": [{"to": [{"email": "nobody"}]}]},
            "personalizations.0.to.0.email",
        ),
        ({**GOOD, "personalizations": [{"to": {}, "cc": "x"}]}, "personalizations.0.to"),
        (
            {
                **GOOD,
                "personalizations": [
                    {"to": [{"email": "a@example.com"}], "cc": [{"email": "A@example.com"}]}
                ],
            },
            "personalizations.0",
        ),
        ({**GOOD, "from": {"email": "nobody"}}, "from.email"),
        ({**GOOD, "subject": 5}, "subject"),
        ({**GOOD, "content": "x"}, "content"),
        ({**GOOD, "content": "x", "template_id": "d-1"}, "content"),
        ({**GOOD, "content": [{"type": "text/plain", "value": ""}]}, "content.0.value"),
        ({**GOOD, "content": GOOD["content"][::-1]}, "content"),
        ({**GOOD, "content": GOOD["content"][:1] * 2}, "content"),
        ({**GOOD, "custom_args": {"a": 1}}, "custom_args"),
        ([], None),
    ],
)
async def test_invalid_mail_is_a_400_that_names_the_field(
    sendgrid_http: httpx.AsyncClient, body: Any, field: str | None
) -> None:
    response = await sendgrid_http.post("/v3/mail/send", json=body)
    assert response.status_code == 400
    errors = response.json()["errors"]
    assert errors[0]["field"] == field
    assert all(set(error) == {"message", "field", "help"} for error in errors)
    assert (await sendgrid_http.get("/api/mails")).json() == []


async def test_sdk_reads_the_errors(sendgrid_url: str) -> None:
    with pytest.raises(BadRequestsError) as raised:
        await send(sendgrid_url, {**GOOD, "subject": ""})
    assert raised.value.to_dict["errors"][0]["field"] == "subject"


async def test_malformed_json_and_other_content_types_are_rejected(
    sendgrid_http: httpx.AsyncClient,
) -> None:
    json_type = {"Content-Type": "application/json"}
    bodies = (b"{", b"", b"null", b"\xff", b"[" * 100_000)
    for body in bodies:
        response = await sendgrid_http.post("/v3/mail/send", content=body, headers=json_type)
        assert (response.status_code, "errors" in response.json()) == (400, True)
    assert (await sendgrid_http.post("/v3/mail/send", data={"a": "b"})).status_code == 415
    assert (await sendgrid_http.get("/v3/mail/send")).status_code == 405
    assert (await sendgrid_http.get("/v3/nonesuch")).json()["errors"]


async def test_sandbox_mode_validates_without_delivery(sendgrid_http: httpx.AsyncClient) -> None:
    settings = {"mail_settings": {"sandbox_mode": {"enable": True}}}
    response = await sendgrid_http.post("/v3/mail/send", json={**GOOD, **settings})
    assert response.status_code == 200
    assert (await sendgrid_http.get("/api/mails")).json() == []


async def test_pages_show_a_mail_without_running_scripts(
    sendgrid_url: str, sendgrid_http: httpx.AsyncClient
) -> None:
    evil = '<script>alert(1)</script><a href="https://tickets.example/reset">Reset</a>"'
    await send(sendgrid_url, mail(html=evil, subject="<b>Reset</b>"))
    (found,) = (await sendgrid_http.get("/api/mails")).json()
    listed = (await sendgrid_http.get("/")).text
    assert f'href="mails/{found["id"]}"' in listed
    assert "&lt;b&gt;Reset" in listed
    shown = await sendgrid_http.get(f"/mails/{found['id']}")
    assert "<script" not in shown.text
    assert str(escape(evil)) in shown.text
    assert 'sandbox="allow-popups allow-popups-to-escape-sandbox"' in shown.text
    assert '<a href="https://tickets.example/1"' in shown.text
    assert 'href="../"' in shown.text
    assert "script-src 'none'" in shown.headers["Content-Security-Policy"]
    assert (await sendgrid_http.get("/mails/nonesuch")).status_code == 404


async def test_faults_apply_to_mails(sendgrid_url: str, sendgrid_http: httpx.AsyncClient) -> None:
    await sendgrid_http.post("/_control/faults", json={"kind": "error", "status": 429})
    with pytest.raises(TooManyRequestsError):
        await send(sendgrid_url, mail())
    await sendgrid_http.post("/_control/faults", json={"kind": "error", "status": 503})
    with pytest.raises(HTTPError) as failed:
        await send(sendgrid_url, mail())
    assert failed.value.status_code == 503
    assert (await sendgrid_http.get("/api/mails")).json() == []

    await sendgrid_http.post("/_control/faults", json={"kind": "drop", "when": "after"})
    with pytest.raises(ConnectionError):
        await send(sendgrid_url, mail())
    assert len((await sendgrid_http.get("/api/mails")).json()) == 1


async def test_healthz_returns_200(sendgrid_http: httpx.AsyncClient) -> None:
    assert (await sendgrid_http.get("/healthz")).status_code == 200
