"""Each peer's tables live in a schema that is there only while the peer is measured."""

import contextlib
import urllib.parse

import psycopg
from psycopg.conninfo import conninfo_to_dict


class Unusable(Exception):
    """The database cannot be measured on; says what to do about it."""


def url_in(url: str, schema: str) -> str:
    """`url` as a URL that both psycopg and asyncpg take, with `schema` alone in the search path."""
    parts = conninfo_to_dict(url)
    # Not even public, so a peer cannot pick up tables that somebody uses for real.
    parts["options"] = f"{parts.get('options') or ''} -csearch_path={schema}".strip()
    # In the path because asyncpg overlooks a dbname among the parameters as soon as there is any path, even an empty one.
    path = "/" + urllib.parse.quote(parts.pop("dbname"), safe="") if "dbname" in parts else ""
    return f"postgresql://{path}?" + urllib.parse.urlencode(parts, quote_via=urllib.parse.quote)


def check(url: str) -> dict[str, str]:
    """The settings that decide what a figure means; raises `Unusable` when the database does not answer."""
    if not url:
        raise Unusable("DATABASE_URL is not set; bench/README.md shows how to start a private Postgres for it")
    try:
        with psycopg.connect(url, connect_timeout=10) as connection:
            names = ("server_version", "fsync", "synchronous_commit", "full_page_writes", "shared_buffers")
            return {name: connection.execute("SELECT current_setting(%s)", [name]).fetchone()[0] for name in names}
    except psycopg.Error as error:
        raise Unusable(f"the database that DATABASE_URL names does not answer: {str(error).strip()}") from error


@contextlib.contextmanager
def schema(url: str, name: str):
    """An empty schema, dropped afterwards whatever happens. One that a killed run left behind goes first."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"DROP SCHEMA IF EXISTS {name} CASCADE")
        connection.execute(f"CREATE SCHEMA {name}")
        try:
            yield url_in(url, name)
        finally:
            connection.execute(f"DROP SCHEMA {name} CASCADE")


def arguments(number: int) -> dict:
    """What every job carries: 100 bytes as JSON, whatever its number (up to eight digits)."""
    memo = "a line of text for an invoice of one month"
    return {"number": f"{number:08}", "customer": f"{number % 5000:08}", "memo": memo}

