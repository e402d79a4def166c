"""Settings of HTTP clients that talk to local servers."""

import ssl

import httpx

NO_KEEPALIVE = httpx.Limits(max_keepalive_connections=0)
"""For servers that may close an idle connection in the moment of its next use."""

NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""For plain HTTP: the default context of each client reads all certificates, which takes 40 ms."""
