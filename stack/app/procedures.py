"""What the product does. Every statement is bound to the asker's team."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

from pydantic import BaseModel, Field, ValidationError

from stack.app import api_metrics, jobs_queue
from stack.app.context import Context, Rows
from stack.app.passwords import check_password
from stack.app.protocol import Procedure, TrpcError, mutation, query

_TODO = "id, team_id AS teamId, user_id AS userId, title, body, done, created_at AS createdAt"


class Credentials(BaseModel):
    """What signs someone in."""

    email: str = Field(max_length=190)
    password: str = Field(max_length=200)


class Id(BaseModel):
    """A row's number."""

    id: int = Field(ge=1)


class TodoPage(BaseModel):
    """A page of todos."""

    done: bool = False
    after: int = Field(0, ge=0)
    limit: int = Field(20, ge=1, le=100)


class NewTodo(BaseModel):
    """A todo to be made."""

    title: str = Field(min_length=1, max_length=200)
    body: str = Field("", max_length=1000)


class TodoChange(Id):
    """A todo's new title."""

    title: str = Field(min_length=1, max_length=200)


class Words(BaseModel):
    """What to search for."""

    text: str = Field(min_length=1, max_length=100)


class TimeRange(BaseModel):
    """A stretch of the calendar."""

    start: datetime
    end: datetime


class NewEvent(TimeRange):
    """A calendar entry to be made."""

    title: str = Field(min_length=1, max_length=200)


def parse(model: type[Any], given: Any) -> Any:
    """An input as its model. Raises TrpcError BAD_REQUEST."""
    try:
        return model.model_validate({} if given is None else given)
    except ValidationError as problem:
        raise TrpcError("BAD_REQUEST", problem.json(include_url=False)) from problem


def utc(moment: datetime) -> datetime:
    """A moment as the database keeps it: UTC, without saying so."""
    return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment


async def sign_in(ctx: Context, given: Any) -> Any:
    who = parse(Credentials, given)
    rows = await ctx.read("SELECT id, team_id, name, password_hash FROM users WHERE email = %s", [who.email])
    if not rows or not check_password(who.password, rows[0]["password_hash"]):
        raise TrpcError("UNAUTHORIZED", "wrong e-mail address or password")
    session = await ctx.sign_in(rows[0]["id"], rows[0]["team_id"])
    return {
        "token": session.token,
        "userId": session.user_id,
        "teamId": session.team_id,
        "name": rows[0]["name"],
    }


async def me(ctx: Context, _: Any) -> Any:
    sql = "SELECT id, team_id AS teamId, email, name FROM users WHERE id = %s AND team_id = %s"
    who = ctx.user
    return await ctx.cached("auth.me", who.user_id, sql, [who.user_id, who.team_id], lambda rows: rows[0])


async def sign_out(ctx: Context, _: Any) -> Any:
    await ctx.sign_out()


async def dashboard(ctx: Context, _: Any) -> Any:
    team = ctx.user.team_id
    sql = (
        "SELECT (SELECT COUNT(*) FROM todos WHERE team_id = %s AND done = 0) AS openTodos,"
        " (SELECT COUNT(*) FROM users WHERE team_id = %s) AS members,"
        " (SELECT COUNT(*) FROM events WHERE team_id = %s) AS events,"
        " id AS teamId, name FROM teams WHERE id = %s"
    )
    return await ctx.cached("team.dashboard", None, sql, [team] * 4, lambda rows: rows[0])


def _todos(rows: Rows) -> Rows:
    for row in rows:
        row["done"] = bool(row["done"])
    return rows


async def todo_list(ctx: Context, given: Any) -> Any:
    page: TodoPage = parse(TodoPage, given)
    if ctx.services.slow_s:
        await asyncio.sleep(ctx.services.slow_s)
    team = ctx.user.team_id
    sql = f"SELECT {_TODO} FROM todos WHERE team_id = %s AND done = %s AND id > %s ORDER BY id LIMIT %s"
    args = [team, page.done, page.after, page.limit]
    return await ctx.cached("todo.list", args, sql, args, _todos)


async def todo_by_id(ctx: Context, given: Any) -> Any:
    wanted: Id = parse(Id, given)
    sql = f"SELECT {_TODO} FROM todos WHERE id = %s AND team_id = %s"
    rows = await ctx.read(sql, [wanted.id, ctx.user.team_id])
    if not rows:
        raise TrpcError("NOT_FOUND", f"no todo {wanted.id}")
    return _todos(rows)[0]


async def todo_search(ctx: Context, given: Any) -> Any:
    words: Words = parse(Words, given)
    sql = f"SELECT {_TODO} FROM todos WHERE team_id = %s AND MATCH (title, body) AGAINST (%s) LIMIT 20"
    args = [ctx.user.team_id, words.text]
    return await ctx.cached("todo.search", words.text, sql, args, _todos)


async def todo_create(ctx: Context, given: Any) -> Any:
    new: NewTodo = parse(NewTodo, given)
    who = ctx.user
    sql = (
        "INSERT INTO todos (team_id, user_id, title, body, created_at)"
        " VALUES (%s, %s, %s, %s, UTC_TIMESTAMP())"
    )
    async with ctx.transaction() as execute:
        number = await execute(sql, [who.team_id, who.user_id, new.title, new.body])
    job = {"team": who.team_id, "user": who.user_id, "text": f"New todo: {new.title}"[:300]}
    await ctx.cached_call(jobs_queue.enqueue(ctx.services.redis, "notify", job))
    api_metrics.JOBS_ENQUEUED.inc()
    return {"id": number, "teamId": who.team_id, "title": new.title}


async def _change_todo(ctx: Context, number: int, assignment: str, args: list[Any]) -> Any:
    async with ctx.transaction() as execute:
        # A row that already holds the new value reports no change: ask whether it exists instead.
        sql = f"UPDATE todos SET {assignment}, id = LAST_INSERT_ID(id) WHERE id = %s AND team_id = %s"
        if not await execute(sql, [*args, number, ctx.user.team_id]):
            raise TrpcError("NOT_FOUND", f"no todo {number}")
    return {"id": number, "teamId": ctx.user.team_id}


async def todo_update(ctx: Context, given: Any) -> Any:
    change: TodoChange = parse(TodoChange, given)
    return await _change_todo(ctx, change.id, "title = %s", [change.title])


async def todo_complete(ctx: Context, given: Any) -> Any:
    wanted: Id = parse(Id, given)
    return await _change_todo(ctx, wanted.id, "done = 1", [])


async def event_range(ctx: Context, given: Any) -> Any:
    span: TimeRange = parse(TimeRange, given)
    sql = (
        "SELECT id, team_id AS teamId, title, starts_at AS startsAt, ends_at AS endsAt FROM events"
        " WHERE team_id = %s AND starts_at >= %s AND starts_at < %s ORDER BY starts_at LIMIT 200"
    )
    args = [ctx.user.team_id, utc(span.start), utc(span.end)]
    return await ctx.cached("event.range", args, sql, args)


async def event_create(ctx: Context, given: Any) -> Any:
    new: NewEvent = parse(NewEvent, given)
    sql = "INSERT INTO events (team_id, title, starts_at, ends_at) VALUES (%s, %s, %s, %s)"
    args = [ctx.user.team_id, new.title, utc(new.start), utc(new.end)]
    async with ctx.transaction() as execute:
        number = await execute(sql, args)
    return {"id": number, "teamId": ctx.user.team_id}


async def notification_unread(ctx: Context, _: Any) -> Any:
    who = ctx.user
    sql = (
        "SELECT id, team_id AS teamId, text, created_at AS createdAt FROM notifications"
        " WHERE user_id = %s AND is_read = 0 AND team_id = %s ORDER BY id DESC LIMIT 20"
    )
    return await ctx.read(sql, [who.user_id, who.team_id])


async def notification_mark_read(ctx: Context, given: Any) -> Any:
    wanted: Id = parse(Id, given)
    who = ctx.user
    sql = (
        "UPDATE notifications SET is_read = 1, id = LAST_INSERT_ID(id)"
        " WHERE id = %s AND user_id = %s AND team_id = %s"
    )
    async with ctx.transaction() as execute:
        if not await execute(sql, [wanted.id, who.user_id, who.team_id]):
            raise TrpcError("NOT_FOUND", f"no notification {wanted.id}")


async def counter_hit(ctx: Context, _: Any) -> Any:
    """The team's one row that everybody wants to write."""
    sql = "UPDATE counters SET hits = LAST_INSERT_ID(hits + 1) WHERE team_id = %s"
    async with ctx.transaction() as execute:
        hits = await execute(sql, [ctx.user.team_id])
    return {"teamId": ctx.user.team_id, "hits": hits}


PROCEDURES: dict[str, Procedure] = {
    "auth.signIn": mutation(sign_in),
    "auth.me": query(me),
    "auth.signOut": mutation(sign_out),
    "team.dashboard": query(dashboard),
    "todo.list": query(todo_list),
    "todo.byId": query(todo_by_id),
    "todo.search": query(todo_search),
    "todo.create": mutation(todo_create),
    "todo.update": mutation(todo_update),
    "todo.complete": mutation(todo_complete),
    "event.range": query(event_range),
    "event.create": mutation(event_create),
    "notification.unread": query(notification_unread),
    "notification.markRead": mutation(notification_mark_read),
    "counter.hit": mutation(counter_hit),
}
