"""SendGrid, as far as we need it."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPException

from python_http_client.exceptions import HTTPError
from sendgrid import SendGridAPIClient
from sendgrid.helpers.mail import Content, CustomArg, Email, To
from sendgrid.helpers.mail import Mail as Message

from contact.rendering import Letter
from ticketing_common.circuit_breaker import CircuitBreaker

SECONDS = 10
AT_ONCE = 4


class NotSent(Exception):
    """SendGrid did not take the mail. `final`: nor would it take it another time."""

    def __init__(self, why: str, *, final: bool) -> None:
        super().__init__(why)
        self.final = final


class SendGrid:
    """Sends through SendGrid, or through a stand-in at `api_base`, in the same way."""

    def __init__(self, key: str, sender: str, api_base: str | None) -> None:
        address = {"host": api_base} if api_base is not None else {}
        self._client = SendGridAPIClient(key, **address)
        self._client.client.timeout = SECONDS
        self._sender = sender
        self.breaker = CircuitBreaker(
            "SendGrid", lambda error: isinstance(error, NotSent) and not error.final
        )
        # Its client blocks, so it has a few threads to itself.
        self._pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="sendgrid")

    async def send(self, to: str, letter: Letter, mail_id: str) -> str:
        """Have a letter delivered; returns SendGrid's id of it. Raises NotSent, CircuitOpen."""
        return await self.breaker.call(self._send, to, letter, mail_id)

    async def _send(self, to: str, letter: Letter, mail_id: str) -> str:
        message = Message(Email(self._sender), To(to), letter.subject)
        message.add_content(Content("text/plain", letter.text))
        message.add_content(Content("text/html", letter.html))
        message.add_custom_arg(CustomArg("mail_id", mail_id))
        loop = asyncio.get_running_loop()
        try:
            response = await loop.run_in_executor(self._pool, self._client.send, message)
        except HTTPError as error:
            final = 400 <= error.status_code < 500 and error.status_code not in (401, 403, 429)
            raise NotSent(f"SendGrid said {error.status_code}", final=final) from error
        except (OSError, HTTPException) as error:
            raise NotSent(type(error).__name__, final=False) from error
        return str(response.headers.get("X-Message-Id", ""))

    def close(self) -> None:
        """Let what is being sent be sent."""
        self._pool.shutdown(wait=True)
