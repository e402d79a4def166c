"""The limit: bare Starlette handlers that make the same reads and writes with PyMongo.

They check, validate, log and count nothing. MONGO_URI names the tickets of the measured stack;
writes go to a database of their own on the same server, with the same indexes.
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from bson import ObjectId
from pymongo import AsyncMongoClient
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from auth.passwords import hash_password, verify_password
from orders.models import Order
from ticketing_common.persistence import outbox
from tickets.models import Ticket, search_terms

PASSWORD = "correct horse battery staple"
FIELDS = ["title", "price", "user_id", "order_id", "version"]
PAGE = 50


def render(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": str(row["_id"]),
        "title": row["title"],
        "price": row["price"] / 100,
        "userId": row["user_id"],
        "orderId": row["order_id"],
        "version": row["version"],
    }


async def get_ticket(request: Request) -> JSONResponse:
    ticket_id = ObjectId(request.path_params["id"])
    row = await request.app.state.tickets.find_one({"_id": ticket_id}, FIELDS)
    return JSONResponse(render(row))


async def list_tickets(request: Request) -> JSONResponse:
    conditions: dict[str, Any] = {"order_id": None}
    if before := request.query_params.get("before"):
        conditions["_id"] = {"$lt": ObjectId(before)}
    if word := request.query_params.get("q"):
        conditions["search_terms"] = word
    found = request.app.state.tickets.find(conditions, FIELDS).sort("_id", -1).limit(PAGE + 1)
    return JSONResponse([render(row) for row in (await found.to_list())[:PAGE]])


async def create_ticket(request: Request) -> JSONResponse:
    body = await request.json()
    ticket = {
        "_id": ObjectId(),
        "title": body["title"],
        "price": int(body["price"] * 100),
        "user_id": "6" * 24,
        "order_id": None,
        "version": 0,
        "search_terms": search_terms(body["title"]),
    }

    async def work(session: Any) -> None:
        await request.app.state.own["tickets"].insert_one(ticket, session=session)
        await add_event(request, ticket["_id"], session)

    await commit(request, work)
    return JSONResponse(render(ticket), 201)


async def update_ticket(request: Request) -> JSONResponse:
    body, ticket_id = await request.json(), ObjectId(request.path_params["id"])
    changes = {"title": body["title"], "price": int(body["price"] * 100)}
    tickets = request.app.state.own["tickets"]
    result: dict[str, Any] = {}

    async def work(session: Any) -> None:
        row = await tickets.find_one({"_id": ticket_id}, session=session)
        version = {"_id": ticket_id, "version": row["version"]}
        change = {"$set": {**changes, "version": row["version"] + 1}}
        await tickets.update_one(version, change, session=session)
        await add_event(request, ticket_id, session)
        result.update(render(row | changes))

    await commit(request, work)
    return JSONResponse(result)


async def create_order(request: Request) -> JSONResponse:
    ticket_id = ObjectId((await request.json())["ticketId"])
    own, order_id = request.app.state.own, ObjectId()

    async def work(session: Any) -> None:
        ticket = await own["tickets"].find_one({"_id": ticket_id}, session=session)
        assert await own["reservations"].find_one({"_id": ticket_id}, session=session) is None
        reservation = {"_id": ticket_id, "order_id": order_id}
        await own["reservations"].insert_one(reservation, session=session)
        order = {"_id": order_id, "status": "created", "version": 0, "title": ticket["title"]}
        await own["orders"].insert_one(order, session=session)
        await add_event(request, order_id, session)

    await commit(request, work)
    return JSONResponse({"id": str(order_id), "status": "created"}, 201)


async def verify(request: Request) -> JSONResponse:
    """Check one password: the least that a sign-in costs."""
    await verify_password(PASSWORD, request.app.state.hash)
    return JSONResponse({})


async def add_event(request: Request, aggregate_id: ObjectId, session: Any) -> None:
    row = {"_id": ObjectId(), "aggregate_id": str(aggregate_id), "body": b"x" * 300}
    await request.app.state.own["outbox"].insert_one(row, session=session)


async def commit(request: Request, work: Any) -> None:
    async with request.app.state.client.start_session() as session:
        await session.with_transaction(
            work,
            read_concern=ReadConcern("snapshot"),
            write_concern=WriteConcern("majority", j=True),
        )


@asynccontextmanager
async def lifespan(app: Starlette) -> AsyncIterator[None]:
    client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(os.environ["MONGO_URI"])
    app.state.client = client
    app.state.tickets = client.get_default_database()["tickets"]
    app.state.own = client["bench"]
    app.state.hash = await hash_password(PASSWORD)
    await app.state.own.create_collection("reservations")
    for collection, indexes in {
        "tickets": Ticket.Settings.indexes,
        "orders": Order.Settings.indexes,
        "outbox": outbox.INDEXES,
    }.items():
        await app.state.own[collection].create_indexes(indexes)
    yield
    await client.close()


app = Starlette(
    routes=[
        Route("/tickets/{id}", get_ticket),
        Route("/tickets", list_tickets),
        Route("/tickets", create_ticket, methods=["POST"]),
        Route("/tickets/{id}", update_ticket, methods=["PUT"]),
        Route("/orders", create_order, methods=["POST"]),
        Route("/verify", verify, methods=["POST"]),
    ],
    lifespan=lifespan,
)
