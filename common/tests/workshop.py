"""A small service of our own, to try what every service is built on."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Annotated, ClassVar

from beanie import PydanticObjectId
from fastapi import APIRouter, FastAPI, Path
from fastapi.sse import EventSourceResponse, ServerSentEvent

from ticketing_common.errors import NotFound
from ticketing_common.events import (
    Id,
    OrderCancelled,
    OrderCreated,
    TicketCreated,
    TicketUpdated,
    UserChangedPassword,
    UserForgotPassword,
)
from ticketing_common.messaging.feed import Feed, FeedEvent
from ticketing_common.messaging.listeners import Listeners
from ticketing_common.persistence import outbox
from ticketing_common.persistence.documents import VersionedDocument
from ticketing_common.persistence.transaction import transactional
from ticketing_common.service import create_service
from ticketing_common.settings import SessionSettings
from ticketing_common.web.schemas import ApiModel
from ticketing_common.web.server_sent_events import FeedSubscriber, Position, retry_hint, sse_event
from ticketing_common.web.sessions import CurrentUser, end_earlier_sessions


class Thing(VersionedDocument):
    class Settings:
        name: ClassVar[str] = "things"

    title: str
    price: int = 1
    user_id: str
    order_id: str | None = None


class Copy(VersionedDocument):
    class Settings:
        name: ClassVar[str] = "copies"

    title: str


class ThingIn(ApiModel):
    title: str


class ThingOut(ApiModel):
    id: Id
    title: str
    version: int


class FeedItem(ApiModel):
    said: str | None = None
    title: str | None = None
    padding: str = ""


ThingId = Annotated[Id, Path(alias="thingId")]
Replica = Callable[[], FastAPI]
Hook = Callable[[object], Awaitable[None]]


class Workshop:
    """The service's subscription list, with a place to break its handlers."""

    def __init__(self) -> None:
        self.listeners = Listeners("workshop")
        self.calls: list[object] = []
        self.hook: Hook | None = None
        self.listeners.on(TicketCreated, copy=Copy)(self.copy_new)
        self.listeners.on(TicketUpdated, copy=Copy)(self.copy)
        self.listeners.on(OrderCreated)(self.count)
        self.listeners.on(OrderCancelled)(self.count)
        self.listeners.on(UserForgotPassword)(self._note)
        self.listeners.on(UserChangedPassword)(end_earlier_sessions)

    async def copy_new(self, event: TicketCreated) -> None:
        await self._note(event)
        await Copy(id=PydanticObjectId(event.id), title=event.title).insert()

    async def copy(self, event: TicketUpdated, copy: Copy) -> None:
        await self._note(event)
        copy.title = event.title

    async def count(self, event: OrderCreated | OrderCancelled) -> None:
        await self._note(event)
        await Thing(title=event.id, user_id=event.user_id).insert()

    async def _note(self, event: object) -> None:
        self.calls.append(event)
        if self.hook is not None:
            await self.hook(event)


router = APIRouter()


@router.post("", status_code=201)
@transactional
async def make(wish: ThingIn, user: CurrentUser) -> ThingOut:
    thing = await Thing(title=wish.title, user_id=user.id).insert()
    if wish.title == "crash":
        raise RuntimeError("a secret detail")
    await outbox.add(TicketCreated.of(thing))
    return ThingOut.of(thing)


@router.put("/{thingId}")
@transactional
async def change(thing_id: ThingId, wish: ThingIn, user: CurrentUser) -> ThingOut:
    thing = await Thing.get(PydanticObjectId(thing_id))
    if thing is None:
        raise NotFound
    thing.title = wish.title
    await thing.save()
    await outbox.add(TicketUpdated.of(thing))
    return ThingOut.of(thing)


@router.get("/stream", response_class=EventSourceResponse)
async def watch(
    watcher: FeedSubscriber, after: Position, padding: int = 0
) -> AsyncIterator[ServerSentEvent]:
    """Tells everything, each time with that many bytes more than needed."""
    yield retry_hint()
    async for news in watcher.items(after):
        said = FeedItem(padding="x" * padding)
        if isinstance(news, FeedEvent):
            said.said, said.title = news.event.subject, getattr(news.event, "title", None)
        yield sse_event("news" if isinstance(news, FeedEvent) else "reset", said, news.position)


def make_app(settings: SessionSettings, listeners: Listeners, feed: Feed | None = None) -> FastAPI:
    """One more app of the service on the same stores."""
    return create_service(
        settings,
        listeners,
        description="A service to test with.",
        documents=[Thing, Copy],
        router=router,
        prefix="/api/things",
        idempotent=True,
        feed=feed or Feed(TicketCreated, TicketUpdated),
    )
