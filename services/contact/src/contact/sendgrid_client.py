"""Client of SendGrid's API."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPException

from python_http_client.exceptions import HTTPError
from sendgrid import SendGridAPIClient
from sendgrid.helpers.mail import Content, CustomArg, Email, To
from sendgrid.helpers.mail import Mail as Message

from contact.rendering import RenderedMail
from ticketing_common.circuit_breaker import CircuitBreaker

TIMEOUT_SECONDS = 10
MAX_CONCURRENT_REQUESTS = 4
RETRYABLE_CLIENT_ERRORS = {401, 403, 429}
"""An operator can correct the key; a rate limit passes."""


class SendFailed(Exception):
    """SendGrid did not accept the mail. `permanent`: it would not accept it later either."""

    def __init__(self, cause: str, *, permanent: bool) -> None:
        super().__init__(cause)
        self.permanent = permanent


class SendGridClient:
    """Send mails through SendGrid, or through a stand-in at `api_base`."""

    def __init__(self, key: str, sender: str, api_base: str | None) -> None:
        host = {"host": api_base} if api_base is not None else {}
        self._client = SendGridAPIClient(key, **host)
        self._client.client.timeout = TIMEOUT_SECONDS
        self._sender = sender
        self.circuit_breaker = CircuitBreaker(
            "SendGrid", lambda error: isinstance(error, SendFailed) and not error.permanent
        )
        # SendGrid's client is blocking.
        self._pool = ThreadPoolExecutor(MAX_CONCURRENT_REQUESTS, thread_name_prefix="sendgrid")

    async def send(self, to: str, mail: RenderedMail, mail_id: str) -> str:
        """Send a mail and return SendGrid's id of it. Raises: SendFailed, CircuitOpen."""
        return await self.circuit_breaker.call(self._send, to, mail, mail_id)

    async def _send(self, to: str, mail: RenderedMail, mail_id: str) -> str:
        message = Message(Email(self._sender), To(to), mail.subject)
        message.add_content(Content("text/plain", mail.text))
        message.add_content(Content("text/html", mail.html))
        message.add_custom_arg(CustomArg("mail_id", mail_id))
        loop = asyncio.get_running_loop()
        try:
            response = await loop.run_in_executor(self._pool, self._client.send, message)
        except HTTPError as error:
            status = error.status_code
            permanent = 400 <= status < 500 and status not in RETRYABLE_CLIENT_ERRORS
            raise SendFailed(f"SendGrid returned {status}", permanent=permanent) from error
        except (OSError, HTTPException) as error:
            raise SendFailed(type(error).__name__, permanent=False) from error
        return str(response.headers.get("X-Message-Id", ""))

    def close(self) -> None:
        """Wait for the requests in progress."""
        self._pool.shutdown(wait=True)
