"""A small service with which the shared package is tested."""

from collections.abc import Awaitable, Callable
from typing import Annotated, ClassVar

from beanie import PydanticObjectId
from fastapi import APIRouter, FastAPI, Path

from ticketing_common.errors import NotFound
from ticketing_common.events import (
    Id,
    OrderCancelled,
    OrderCreated,
    TicketCreated,
    TicketUpdated,
    UserForgotPassword,
)
from ticketing_common.messaging.feed import Feed, FeedEvent, FeedItem
from ticketing_common.messaging.listeners import Listeners
from ticketing_common.persistence import outbox
from ticketing_common.persistence.documents import VersionedDocument
from ticketing_common.persistence.transaction import transactional
from ticketing_common.service import create_service
from ticketing_common.settings import SessionSettings
from ticketing_common.web.idempotency import Idempotency
from ticketing_common.web.schemas import ApiModel
from ticketing_common.web.server_sent_events import EventStream, FeedSubscriber, Position, sse_event
from ticketing_common.web.sessions import CurrentUser

CRASH = "crash"
"""An item with this title crashes its request."""


class Item(VersionedDocument):
    class Settings:
        name: ClassVar[str] = "items"

    title: str
    price: int = 1
    user_id: str
    order_id: str | None = None


class Copy(VersionedDocument):
    class Settings:
        name: ClassVar[str] = "copies"

    title: str


class ItemRequest(ApiModel):
    title: str


class ItemResponse(ApiModel):
    id: Id
    title: str
    version: int


class StreamedEvent(ApiModel):
    subject: str | None = None
    title: str | None = None
    padding: str = ""


ItemId = Annotated[Id, Path(alias="itemId")]
CreateApp = Callable[[], FastAPI]
Hook = Callable[[object], Awaitable[None]]


def _copy_title(event: TicketCreated | TicketUpdated) -> dict[str, str]:
    return {"title": event.title}


class SampleListeners:
    """The service's listeners, with a hook that runs inside each handler."""

    def __init__(self, *, follow: bool = False) -> None:
        self.listeners = Listeners("sample")
        self.calls: list[object] = []
        self.hook: Hook | None = None
        self.follows = follow
        if follow:
            self.listeners.follow(TicketCreated, TicketUpdated, copy=Copy)(_copy_title)
        else:
            self.listeners.on(TicketCreated, copy=Copy)(self.insert_copy)
            self.listeners.on(TicketUpdated, copy=Copy)(self.update_copy)
        self.listeners.on(OrderCreated)(self.insert_item)
        self.listeners.on(OrderCancelled)(self.insert_item)
        self.listeners.on(UserForgotPassword)(self._record)

    async def insert_copy(self, event: TicketCreated) -> None:
        await self._record(event)
        await Copy(id=PydanticObjectId(event.id), title=event.title).insert()

    async def update_copy(self, event: TicketUpdated, copy: Copy) -> None:
        await self._record(event)
        copy.title = event.title
        await copy.save()

    async def insert_item(self, event: OrderCreated | OrderCancelled) -> None:
        await self._record(event)
        await Item(title=event.id, user_id=event.user_id).insert()

    async def _record(self, event: object) -> None:
        self.calls.append(event)
        if self.hook is not None:
            await self.hook(event)


router = APIRouter()


@router.post("", status_code=201)
@transactional
async def create_item(
    payload: ItemRequest, user: CurrentUser, idempotency: Idempotency
) -> ItemResponse:
    item = await Item(title=payload.title, user_id=user.id).insert()
    if payload.title == CRASH:
        raise RuntimeError("a secret detail")
    await outbox.add(TicketCreated.of(item))
    response = ItemResponse.of(item)
    await idempotency.store(response)
    return response


@router.put("/{itemId}")
@transactional
async def update_item(
    item_id: ItemId, payload: ItemRequest, user: CurrentUser, idempotency: Idempotency
) -> ItemResponse:
    item = await Item.get(PydanticObjectId(item_id))
    if item is None:
        raise NotFound
    item.title = payload.title
    await item.save()
    await outbox.add(TicketUpdated.of(item))
    response = ItemResponse.of(item)
    await idempotency.store(response)
    return response


@router.get("/stream", response_class=EventStream)
async def stream_items(
    subscriber: FeedSubscriber, after: Position, padding: int = 0
) -> EventStream:
    """Send every item of the feed, each padded by that many bytes."""

    def encode(item: FeedItem) -> bytes:
        body = StreamedEvent(padding="x" * padding)
        if isinstance(item, FeedEvent):
            body.subject, body.title = item.event.subject, getattr(item.event, "title", None)
        return sse_event("event" if isinstance(item, FeedEvent) else "reset", body, item.position)

    return EventStream(subscriber, (encode(item) async for item in subscriber.items(after)))


def create_sample_service(
    settings: SessionSettings, listeners: Listeners, feed: Feed | None = None
) -> FastAPI:
    """Create one more application of the service on the same stores."""
    return create_service(
        "sample",
        settings,
        description="A service to test with.",
        listeners=listeners,
        documents=[Item, Copy],
        router=router,
        prefix="/api/items",
        idempotent=True,
        feed=feed or Feed(TicketCreated, TicketUpdated),
    )
