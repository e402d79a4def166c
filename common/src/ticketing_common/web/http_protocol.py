"""uvicorn's HTTP protocol with limits on how a request arrives, and the API's error body."""

import asyncio
from secrets import token_hex

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from ticketing_common.errors import BadRequest, ServiceError
from ticketing_common.web.error_handlers import error_response
from ticketing_common.web.middleware.request_logging import REQUEST_ID_HEADER
from ticketing_common.web.middleware.security_headers import RAW_SECURITY_HEADERS

RECEIVE_TIMEOUT_SECONDS = 20
"""Longer than a body may take, for which the application has a limit and an error of its own."""
MAX_HEADER_BYTES = 32 * 1024


class InvalidHttpRequest(BadRequest):
    """The request is not valid HTTP, for example because its URL is not encoded."""

    code = "invalid_http_request"
    message = "The request is not valid HTTP"


class RequestTimeout(ServiceError):
    """The request line and the headers did not arrive within 20 seconds."""

    status = 408
    code = "request_timeout"
    message = "The request did not arrive in time"


class HeadersTooLarge(ServiceError):
    """The request line and the headers have more than 32 KiB."""

    status = 431
    code = "headers_too_large"
    message = "The headers are too large"


class HttpProtocol(HttpToolsProtocol):
    """Serve HTTP/1.1, and close connections whose requests arrive too slowly.

    uvicorn limits only the time between requests. It loads this class by the name in
    `UVICORN_HTTP`.
    """

    _timer: asyncio.TimerHandle | None = None
    _in_headers = False
    _header_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start to wait for the first request."""
        super().connection_made(transport)
        self._start_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop to wait."""
        self._stop_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Refuse headers that become too large."""
        super().data_received(data)
        if self._in_headers:
            self._header_bytes += len(data)
            if self._header_bytes > MAX_HEADER_BYTES:
                self._refuse(HeadersTooLarge())

    def on_message_begin(self) -> None:
        """Start to wait for the rest of the request."""
        super().on_message_begin()
        self._in_headers, self._header_bytes = True, 0
        self._start_timer()

    def on_headers_complete(self) -> None:
        """Pass the request on."""
        self._in_headers = False
        if sum(len(name) + len(value) for name, value in self.headers) > MAX_HEADER_BYTES:
            self._refuse(HeadersTooLarge())
            raise ValueError("The headers are too large")  # ends the parser's work
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Stop to wait: the request is complete."""
        self._stop_timer()
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """Refuse bytes that are not HTTP."""
        self._refuse(InvalidHttpRequest())

    def _start_timer(self) -> None:
        self._stop_timer()
        self._timer = self.loop.call_later(RECEIVE_TIMEOUT_SECONDS, self._on_timeout)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _on_timeout(self) -> None:
        if self._in_headers:
            self._refuse(RequestTimeout())
        else:  # nothing has arrived, or the application has the headers and responds itself
            self.transport.close()

    def _refuse(self, error: ServiceError) -> None:
        """Send an error, which no application sees, and close the connection."""
        if self.transport.is_closing():
            return
        if self.cycle is not None and not self.cycle.response_complete:
            self.transport.close()  # an earlier request on this connection has no response yet
            return
        response = error_response(error)
        headers = [
            *response.raw_headers,
            *RAW_SECURITY_HEADERS,
            (REQUEST_ID_HEADER, token_hex(16).encode()),
            (b"connection", b"close"),
        ]
        lines = [b"%s: %s\r\n" % header for header in headers]
        body = bytes(response.body)
        self.transport.write(b"".join([STATUS_LINE[error.status], *lines, b"\r\n", body]))
        self.transport.close()
