"""What POST /v3/mail/send takes, checked as SendGrid checks it, and the mails that it means."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ticketing_dev.standins.sendgrid.errors import HELP, SendGridError, plain

ADDRESS = re.compile(r"[^@\s<>\"(),:;\[\]\\]+@[^@\s<>\"(),:;\[\]\\]+\.[^@\s<>\"(),:;\[\]\\]+")
MOST = 1000


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


def mails(body: Any) -> list[Mail]:
    """The mails of a request, one a personalization. SendGridError tells all that is amiss."""
    if not isinstance(body, dict):
        raise plain(400)
    errors = [
        {"message": message, "field": field, "help": HELP + topic}
        for message, field, topic in faults(body)
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


Complaint = tuple[str, str, str]
"""What is wrong, with which field, and under which heading of SendGrid's page it is explained."""


def faults(body: dict[str, Any]) -> Iterator[Complaint]:
    yield from faults_in_personalizations(body.get("personalizations"))
    yield from faults_in_sender(body.get("from"))
    yield from faults_in_subject(body)
    yield from faults_in_content(body)
    for field in ("custom_args", "headers"):
        if not is_texts(body.get(field) or {}):
            yield f"The {field} must be an object of strings.", field, f"message.{field}"


def faults_in_personalizations(personalizations: Any) -> Iterator[Complaint]:
    topic = "-Personalizations-Errors"
    if not isinstance(personalizations, list) or not personalizations:
        yield (
            "The personalizations field is required and must have at least one personalization.",
            "personalizations",
            topic,
        )
        return
    if len(personalizations) > MOST:
        yield (
            f"The personalization block is limited to {MOST} personalizations per API request. You "
            f"have provided {len(personalizations)} personalizations. Please consider splitting "
            "this into multiple requests and resending your request.",
            "personalizations",
            topic,
        )
        return
    for index, personalization in enumerate(personalizations):
        where = f"personalizations.{index}"
        if not isinstance(personalization, dict):
            yield "The personalization must be an object.", where, topic
            continue
        yield from faults_in_recipients(personalization, where)
        if not is_texts(personalization.get("custom_args") or {}):
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


def faults_in_recipients(personalization: dict[str, Any], where: str) -> Iterator[Complaint]:
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
            if not is_person(person):
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
    if len(seen) > MOST:
        yield (
            f"There is a limit of {MOST} total recipients (to + cc + bcc) per request.",
            where,
            "message.recipient-errors",
        )


def faults_in_sender(sender: Any) -> Iterator[Complaint]:
    if not isinstance(sender, dict) or not sender.get("email"):
        yield (
            "The from object must be provided for every email send. It is an object that requires "
            'the email parameter, but may also contain a name parameter.  e.g. {"email" : '
            '"example@example.com"}  or {"email" : "example@example.com", "name" : "Example '
            'Recipient"}.',
            "from.email",
            "message.from",
        )
    elif not is_person(sender):
        yield "The from email does not contain a valid address.", "from.email", "message.from"


def faults_in_subject(body: dict[str, Any]) -> Iterator[Complaint]:
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


def faults_in_content(body: dict[str, Any]) -> Iterator[Complaint]:
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
    if types != sorted(types, key=order):
        yield (
            "If present, text/plain must be first, followed by text/html, followed by any other "
            "content.",
            "content",
            "message.content",
        )


def order(content_type: str) -> int:
    return {"text/plain": 0, "text/html": 1}.get(content_type, 2)


def is_person(person: Any) -> bool:
    email = person.get("email") if isinstance(person, dict) else None
    return isinstance(email, str) and ADDRESS.fullmatch(email) is not None


def is_texts(value: Any) -> bool:
    return isinstance(value, dict) and all(isinstance(one, str) for one in value.values())
