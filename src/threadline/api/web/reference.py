"""The API as a page: what `/openapi.json` says, for people.

That document comes in, HTML without a script goes out. Nothing of it is from elsewhere: the page is of one
origin with people's sessions, and it is there without a network.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from html import escape
from itertools import groupby
from typing import Any

from fastapi import APIRouter, Request, Response

from threadline.api.web.html import document
from threadline.api.web.policy import page

Schema = Mapping[str, Any]

router = APIRouter(include_in_schema=False)


@router.get("/docs")
async def reference(request: Request) -> Response:
    """Show what there is to ask for."""
    state = request.app.state
    # It says the same until the next release, and takes a while to say.
    if getattr(state, "reference", None) is None:
        state.reference = reference_html(request.app.openapi())
    return page(state.reference, cache="no-cache")


def reference_html(spec: Schema) -> str:
    """Return the page of an OpenAPI document."""
    routes = [
        (operation["tags"][0], method.upper(), path, operation)
        for path, methods in spec["paths"].items()
        for method, operation in methods.items()
    ]
    routes.sort(key=lambda route: route[0])
    rooms = [(room, [_operation(*route[1:]) for route in found]) for room, found in groupby(routes, lambda it: it[0])]
    records = "\n".join(_record(name, schema) for name, schema in sorted(spec["components"]["schemas"].items()))
    links = " · ".join(f'<a href="#{_anchor(room)}">{escape(room)}</a>' for room, _ in rooms)
    sections = "\n".join(
        f'<h2 id="{_anchor(room)}">{escape(room.capitalize())}</h2>\n' + "\n".join(found) for room, found in rooms
    )
    info = spec["info"]
    return document(
        f"The API of {info['title']}",
        f'<main class="reference">\n<h1>The API of {escape(info["title"])} {escape(info["version"])}</h1>\n'
        f'<p>For programs: <a href="/openapi.json">/openapi.json</a>.</p>\n<p class="soft">{links} · '
        f'<a href="#records">records</a></p>\n{sections}\n<h2 id="records">Records</h2>\n{records}\n</main>',
    )


def _operation(method: str, path: str, operation: Schema) -> str:
    description = operation.get("description", "")
    body = operation.get("requestBody", {}).get("content", {})
    takes = "".join(f"<p>Takes {escape(kind)}{_of(content)}.</p>\n" for kind, content in body.items())
    params = (
        (one["name"], f"{one['in']}: {_kind(one['schema'])}", one.get("required", False), one.get("description", ""))
        for one in operation.get("parameters", ())
    )
    answers = "".join(
        f"<tr><td><code>{escape(status)}</code></td><td>{_words(answer['description'])}"
        f"{''.join(_of(content) for content in answer.get('content', {}).values())}</td></tr>\n"
        for status, answer in sorted(operation["responses"].items())
    )
    return (
        f"<details>\n<summary><code><b>{method}</b> {escape(path)}</code> "
        f'<span class="soft">{_words(description.split(". ")[0].rstrip("."))}</span></summary>\n'
        f"<p>{_words(description)}</p>\n{_fields(params)}{takes}<table>\n{answers}</table>\n</details>"
    )


def _record(name: str, schema: Schema) -> str:
    required = schema.get("required", ())
    properties = schema.get("properties", {})
    rows = (
        (field, _kind(kind) + _default(kind), field in required, kind.get("description", ""))
        for field, kind in properties.items()
    )
    words = _fields(rows) if properties else f"<p>{_kind(schema)}</p>\n"
    return f'<h3 id="{escape(name)}">{escape(name)}</h3>\n<p>{_words(schema.get("description", ""))}</p>\n{words}'


def _fields(rows: Iterable[tuple[str, str, bool, str]]) -> str:
    """Return a table of names: with the kind of each as HTML, whether it has to be there, and what it means."""
    lines = "".join(
        f"<tr><td><code>{escape(name)}</code>{'' if is_required else ' <i>optional</i>'}</td>"
        f"<td>{kind}</td><td>{_words(meaning)}</td></tr>\n"
        for name, kind, is_required, meaning in rows
    )
    return f"<table>\n{lines}</table>\n" if lines else ""


def _words(text: str) -> str:
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text))


def _of(content: Schema) -> str:
    return f" {_kind(content['schema'])}" if content.get("schema") else ""


def _default(schema: Schema) -> str:
    return f", {escape(json.dumps(schema['default']))} unless said" if schema.get("default") is not None else ""


def _kind(schema: Schema) -> str:
    """Return what a value is, as HTML."""
    return " or ".join(dict.fromkeys(_kinds(schema)))


def _kinds(schema: Schema) -> Iterator[str]:
    if "$ref" in schema:
        name = escape(schema["$ref"].rpartition("/")[2])
        yield f'<a href="#{name}">{name}</a>'
    elif "anyOf" in schema:
        for one in schema["anyOf"]:
            yield from _kinds(one)
    elif "enum" in schema:
        yield from (f"<code>{escape(json.dumps(value))}</code>" for value in schema["enum"])
    elif schema.get("type") == "array":
        yield f"list of {_kind(schema.get('items', {}))}"
    else:
        yield escape(str(schema.get("type", "anything")))


def _anchor(room: str) -> str:
    return "of-" + escape(room.replace(" ", "-"))
