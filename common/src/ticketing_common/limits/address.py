"""The address of a client, by which requests are limited."""

from contextvars import ContextVar
from functools import lru_cache
from ipaddress import IPv6Address, ip_address, ip_network

from starlette.types import Scope

UNKNOWN = "unknown"
"""Of a client whose address is not known, or not an address. All of these share their limits."""

current_address: ContextVar[str] = ContextVar("current_address", default=UNKNOWN)
"""The address of the client whose request this task serves."""


def client_address(scope: Scope) -> str:
    """Return the client's address: IPv4, or the /64 of IPv6 that one customer gets.

    The server's proxy headers have replaced the address of a trusted proxy before.
    """
    client = scope.get("client")
    return UNKNOWN if client is None else _normalize(client[0])


@lru_cache(maxsize=4096)
def _normalize(host: str) -> str:
    try:
        address = ip_address(host)
    except ValueError:
        return UNKNOWN
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
        return str(ip_network((int(address), 64), strict=False))
    return str(address)
