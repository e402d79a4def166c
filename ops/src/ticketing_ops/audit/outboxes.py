"""What was committed has been published: no outbox holds a row for long."""

from collections.abc import AsyncGenerator

from ticketing_ops.audit import kinds
from ticketing_ops.audit.findings import Finding
from ticketing_ops.audit.looking import Look


async def find(look: Look) -> AsyncGenerator[Finding, None]:
    """Look for rows older than the grace. Their bodies, which may hold secrets, are not read."""
    for service in look.stores.databases:
        late = {"at": {"$lt": look.overdue}}
        async for row_id, row in look.rows(service, "outbox", "subject", "key", "at", where=late):
            yield Finding(
                kinds.EVENT_NOT_PUBLISHED,
                {"service": service, "event": row_id, "document": row["key"]},
                f"{service} has not published {row['subject']} of {row['key']}, "
                f"committed at {row['at']:%Y-%m-%d %H:%M:%S}",
                about=row_id,
            )
