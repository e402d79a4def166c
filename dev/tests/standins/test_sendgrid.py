"""Mails, sent with SendGrid's own SDK, lie in the mailbox; what it would refuse is refused."""

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


def mail(to: str = "ann@example.com", **parts: Any) -> Mail:
    made = Mail(
        from_email="tickets@example.com",
        to_emails=to,
        subject=parts.get("subject", "Your ticket"),
        plain_text_content=parts.get("text", "Yours: https://tickets.example/1"),
        html_content=parts.get("html", "<p>Yours.</p>"),
    )
    made.add_custom_arg(CustomArg("delivery", "665"))
    return made


async def send(url: str, message: Any, key: str = "SG.one") -> Any:
    """The SDK is synchronous, so it sends from a thread."""
    return await anyio.to_thread.run_sync(SendGridAPIClient(key, host=url).send, message)


async def test_a_mail_sent_with_the_sdk_lies_in_the_mailbox(
    sendgrid_url: str, sendgrid_http: httpx.AsyncClient
) -> None:
    answer = await send(sendgrid_url, mail())
    assert answer.status_code == 202
    assert answer.body == b""
    (found,) = (await sendgrid_http.get("/api/mails")).json()
    assert found.pop("receivedAt").endswith("Z")
    assert len(found.pop("id")) == 24
    assert found == {
        "messageId": answer.headers["X-Message-Id"],
        "from": "tickets@example.com",
        "to": ["ann@example.com"],
        "copies": [],
        "subject": "Your ticket",
        "text": "Yours: https://tickets.example/1",
        "html": "<p>Yours.</p>",
        "customArgs": {"delivery": "665"},
    }


async def test_mails_are_found_by_recipient_newest_first(
    sendgrid_url: str, sendgrid_http: httpx.AsyncClient
) -> None:
    for subject in ("one", "two"):
        await send(sendgrid_url, mail("ann@example.com", subject=subject))
    await send(sendgrid_url, mail("bob@example.com", subject="three"))
    found = (await sendgrid_http.get("/api/mails", params={"to": "ANN@example.com"})).json()
    assert [one["subject"] for one in found] == ["two", "one"]
    everything = (await sendgrid_http.get("/api/mails")).json()
    assert [one["subject"] for one in everything] == ["three", "two", "one"]


async def test_each_personalization_is_a_mail_of_its_own(
    sendgrid_http: httpx.AsyncClient,
) -> None:
    both = {
        **GOOD,
        "custom_args": {"batch": "1", "who": "all"},
        "personalizations": [
            {"to": [{"email": "ann@example.com"}], "cc": [{"email": "cy@example.com"}]},
            {
                "to": [{"email": "bob@example.com"}],
                "subject": "For Bob",
                "custom_args": {"who": "bob"},
            },
        ],
    }
    assert (await sendgrid_http.post("/v3/mail/send", json=both)).status_code == 202
    bobs, anns = (await sendgrid_http.get("/api/mails")).json()
    assert (bobs["subject"], bobs["customArgs"]) == ("For Bob", {"batch": "1", "who": "bob"})
    assert (anns["to"], anns["copies"]) == (["ann@example.com"], ["cy@example.com"])
    copies = (await sendgrid_http.get("/api/mails", params={"to": "cy@example.com"})).json()
    assert copies == [anns]


@pytest.mark.parametrize("key", ["", "rubbish", "SG."])
async def test_a_key_that_is_none_is_a_401(sendgrid_url: str, key: str) -> None:
    with pytest.raises(UnauthorizedError) as refused:
        await send(sendgrid_url, mail(), key)
    (error,) = json.loads(refused.value.body)["errors"]
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
async def test_what_sendgrid_would_refuse_is_a_400_that_names_the_field(
    sendgrid_http: httpx.AsyncClient, body: Any, field: str | None
) -> None:
    answer = await sendgrid_http.post("/v3/mail/send", json=body)
    assert answer.status_code == 400
    errors = answer.json()["errors"]
    assert errors[0]["field"] == field
    assert all(set(error) == {"message", "field", "help"} for error in errors)
    assert (await sendgrid_http.get("/api/mails")).json() == []


async def test_the_sdk_reads_a_refusal(sendgrid_url: str) -> None:
    with pytest.raises(BadRequestsError) as refused:
        await send(sendgrid_url, {**GOOD, "subject": ""})
    assert refused.value.to_dict["errors"][0]["field"] == "subject"


async def test_malformed_json_and_other_types_are_refused(
    sendgrid_http: httpx.AsyncClient,
) -> None:
    json_type = {"Content-Type": "application/json"}
    bodies = (b"{", b"", b"null", b"\xff", b"[" * 100_000)
    for body in bodies:
        answer = await sendgrid_http.post("/v3/mail/send", content=body, headers=json_type)
        assert (answer.status_code, "errors" in answer.json()) == (400, True)
    assert (await sendgrid_http.post("/v3/mail/send", data={"a": "b"})).status_code == 415
    assert (await sendgrid_http.get("/v3/mail/send")).status_code == 405
    assert (await sendgrid_http.get("/v3/nonesuch")).json()["errors"]


async def test_sandbox_mode_checks_and_delivers_nothing(sendgrid_http: httpx.AsyncClient) -> None:
    settings = {"mail_settings": {"sandbox_mode": {"enable": True}}}
    answer = await sendgrid_http.post("/v3/mail/send", json={**GOOD, **settings})
    assert answer.status_code == 200
    assert (await sendgrid_http.get("/api/mails")).json() == []


async def test_the_pages_show_a_mail_without_running_it(
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


async def test_faults_strike_mails_too(sendgrid_url: str, sendgrid_http: httpx.AsyncClient) -> None:
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


async def test_it_says_that_it_lives(sendgrid_http: httpx.AsyncClient) -> None:
    assert (await sendgrid_http.get("/healthz")).status_code == 200
