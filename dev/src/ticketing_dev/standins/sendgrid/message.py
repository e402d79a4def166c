"""Validate the body of POST /v3/mail/send as SendGrid does, and parse its mails."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ticketing_dev.standins.sendgrid.errors import DOCUMENTATION, SendGridError, status_error

ADDRESS = re.compile(r"[^@\s<>\"(),:;\[\]\\]+@[^@\s<>\"(),:;\[\]\\]+\.[^@\s<>\"(),:;\[\]\\]+")
MAX_RECIPIENTS = 1000


@dataclass(frozen=True)
class Mail:
    """One mail, to the recipients of one personalization."""

    sender: str
    to: list[str]
    copies: list[str]
    subject: str
    text: str
    html: str
    custom_args: dict[str, str]


def parse_mails(body: Any) -> list[Mail]:
    """Return the mails of a request, one per personalization.

    Raises:
        SendGridError: the body is invalid; it has all validation errors.
    """
    if not isinstance(body, dict):
        raise status_error(400)
    errors = [
        {"message": message, "field": field, "help": DOCUMENTATION + topic}
        for message, field, topic in validation_errors(body)
    ]
    if errors:
        raise SendGridError(400, errors)
    content = {part["type"]: part["value"] for part in body.get("content") or []}
    return [
        Mail(
            sender=body["from"]["email"],
            to=[person["email"] for person in personalization["to"]],
            copies=[
                person["email"]
                for field in ("cc", "bcc")
                for person in personalization.get(field) or []
            ],
            subject=personalization.get("subject") or body.get("subject") or "",
            text=content.get("text/plain", ""),
            html=content.get("text/html", ""),
            custom_args={
                **(body.get("custom_args") or {}),
                **(personalization.get("custom_args") or {}),
            },
        )
        for personalization in body["personalizations"]
    ]


ValidationError = tuple[str, str, str]
"""The message, the field, and the anchor on SendGrid's page of errors."""


def validation_errors(body: dict[str, Any]) -> Iterator[ValidationError]:
    yield from personalization_errors(body.get("personalizations"))
    yield from sender_errors(body.get("from"))
    yield from subject_errors(body)
    yield from content_errors(body)
    for field in ("custom_args", "headers"):
        if not is_string_map(body.get(field) or {}):
            yield f"The {field} must be an object of strings.", field, f"message.{field}"


def personalization_errors(personalizations: Any) -> Iterator[ValidationError]:
    topic = "-Personalizations-Errors"
    if not isinstance(personalizations, list) or not personalizations:
        yield (
            "The personalizations field is required and must have at least one personalization.",
            "personalizations",
            topic,
        )
        return
    if len(personalizations) > MAX_RECIPIENTS:
        yield (
            f"The personalization block is limited to {MAX_RECIPIENTS} personalizations per API "
            f"request. You have provided {len(personalizations)} personalizations. Please consider "
            "splitting this into multiple requests and resending your request.",
            "personalizations",
            topic,
        )
        return
    for index, personalization in enumerate(personalizations):
        where = f"personalizations.{index}"
        if not isinstance(personalization, dict):
            yield "The personalization must be an object.", where, topic
            continue
        yield from recipient_errors(personalization, where)
        if not is_string_map(personalization.get("custom_args") or {}):
            yield (
                "The custom_args must be an object of strings.",
                f"{where}.custom_args",
                "message.personalizations.custom_args",
            )
        subject = personalization.get("subject")
        if subject is not None and (not isinstance(subject, str) or not subject):
            yield (
                "The personalized subject of the email must be a string at least one character in "
                "length.",
                f"{where}.subject",
                "message.personalizations.subject",
            )


def recipient_errors(personalization: dict[str, Any], where: str) -> Iterator[ValidationError]:
    if not isinstance(personalization.get("to"), list) or not personalization["to"]:
        yield (
            "The to array is required for all personalization objects, and must have at least one "
            "email object with a valid email address.",
            f"{where}.to",
            "message.personalizations.to",
        )
    seen: set[str] = set()
    for field in ("to", "cc", "bcc"):
        people = personalization.get(field) or []
        for index, person in enumerate(people if isinstance(people, list) else [None]):
            if not has_valid_address(person):
                yield (
                    "Does not contain a valid address.",
                    f"{where}.{field}.{index}.email",
                    f"message.personalizations.{field}",
                )
                continue
            email = person["email"].lower()
            if email in seen:
                yield (
                    "Each email address in the personalization block should be unique between to, "
                    f"cc, and bcc. We found the first duplicate instance of [{person['email']}] in "
                    f"the {where}.{field} field.",
                    where,
                    "message.recipient-errors",
                )
            seen.add(email)
    if len(seen) > MAX_RECIPIENTS:
        yield (
            f"There is a limit of {MAX_RECIPIENTS} total recipients (to + cc + bcc) per request.",
            where,
            "message.recipient-errors",
        )


def sender_errors(sender: Any) -> Iterator[ValidationError]:
    if not isinstance(sender, dict) or not sender.get("email"):
        yield (
            "The from object must be provided for every email send. It is an object that requires "
            'the email parameter, but may also contain a name parameter.  e.g. {"email" : '
            '"example@example.com"}  or {"email" : "example@example.com", "name" : "Example '
            'Recipient"}.',
            "from.email",
            "message.from",
        )
    elif not has_valid_address(sender):
        yield "The from email does not contain a valid address.", "from.email", "message.from"


def subject_errors(body: dict[str, Any]) -> Iterator[ValidationError]:
    personalizations = body.get("personalizations")
    everywhere = isinstance(personalizations, list) and all(
        isinstance(one, dict) and one.get("subject") for one in personalizations
    )
    subject = body.get("subject")
    if not body.get("template_id") and not everywhere and not subject:
        yield (
            "The subject is required. You can get around this requirement if you use a template "
            "with a subject defined or if every personalization has a subject defined.",
            "subject",
            "message.subject",
        )
    elif subject is not None and not isinstance(subject, str):
        yield (
            "The subject of your email must be a string at least one character in length.",
            "subject",
            "message.subject",
        )


def content_errors(body: dict[str, Any]) -> Iterator[ValidationError]:
    content = body.get("content")
    if not content and body.get("template_id"):
        return
    if not isinstance(content, list) or not content:
        yield (
            "Unless a valid template_id is provided, the content parameter is required. There "
            "must be at least one defined content block. We typically suggest both text/plain "
            "and text/html blocks are included, but only one block is required.",
            "content",
            "message.content",
        )
        return
    types: list[str] = []
    for index, part in enumerate(content):
        for name in ("type", "value"):
            value = part.get(name) if isinstance(part, dict) else None
            if not isinstance(value, str) or not value:
                yield (
                    f"The content {name} must be a string at least one character in length.",
                    f"content.{index}.{name}",
                    f"message.content.{name}",
                )
            elif name == "type":
                types.append(value)
    if len(types) != len(set(types)):
        yield (
            "If present, text/plain and text/html may only be provided once.",
            "content",
            "message.content",
        )
    if types != sorted(types, key=content_rank):
        yield (
            "If present, text/plain must be first, followed by text/html, followed by any other "
            "content.",
            "content",
            "message.content",
        )


def content_rank(content_type: str) -> int:
    return {"text/plain": 0, "text/html": 1}.get(content_type, 2)


def has_valid_address(person: Any) -> bool:
    email = person.get("email") if isinstance(person, dict) else None
    return isinstance(email, str) and ADDRESS.fullmatch(email) is not None


def is_string_map(value: Any) -> bool:
    return isinstance(value, dict) and all(isinstance(one, str) for one in value.values())
