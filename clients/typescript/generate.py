"""Writes `src/types.ts` from the OpenAPI document and the catalogue of events: `make types`.

`--check` writes nothing and says by its exit status whether the file is what it would write.
"""

import asyncio
import re
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import httpx
import msgspec

from threadline.api.app import create_app
from threadline.api.house import House
from threadline.events import KnownEvent

TARGET = Path(__file__).parent / "src" / "types.ts"
REF = "#/components/schemas/"
HEAD = """\
// Made by `make types` from the OpenAPI document and the catalogue of events. Never edited.

/** Any JSON value. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [name: string]: Json };
"""
CHANGED_FIELDS = {("ThreadUpdated", "thread"), ("ThreadDeleted", "thread")}
"""Objects that carry the changed fields of a thread only: an event's schema cannot say so."""

SPARSE = {"Problem"}
"""Answers that leave out what does not apply; all other answers have every field, null where there is nothing."""

Schema = Mapping[str, Any]


def document() -> dict[str, Any]:
    """Return the OpenAPI document as the server gives it."""
    house = cast(House, SimpleNamespace(metrics=SimpleNamespace(requests=Counter())))

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(create_app(house))
        async with httpx.AsyncClient(transport=transport, base_url="http://threadline") as client:
            return await client.get("/openapi.json")

    found: dict[str, Any] = asyncio.run(ask()).raise_for_status().json()
    return found


def typescript() -> str:
    """Return the whole file."""
    spec = document()
    kinds = sorted(KnownEvent.__args__, key=lambda kind: kind.__name__)
    _, events = msgspec.json.schema_components(kinds, ref_template=REF + "{name}")
    names = [kind.__name__ for kind in kinds]
    schemas = {**spec["components"]["schemas"], **{name: events[name] for name in events}}
    parts = [HEAD]
    parts += [interface(name, schema, name in names) for name, schema in sorted(schemas.items())]
    parts.append(union(names))
    parts.append(operations(spec["paths"]))
    return "\n".join(parts)


def interface(name: str, schema: Schema, is_event: bool) -> str:
    """Return one interface. Requests and blocks may leave out what has a default; answers only what has none."""
    required = set(schema.get("required", ()))
    is_whole = "additionalProperties" not in schema and name not in SPARSE
    lines = [f"export interface {name} {{"]
    for field, inner in schema.get("properties", {}).items():
        kind = "Partial<Thread>" if (name, field) in CHANGED_FIELDS else type_of(inner)
        is_there = field in required or (is_whole and "default" in inner)
        lines.append(f"  readonly {field}{'' if is_there else '?'}: {kind};")
    if is_event:
        lines += ["  readonly seq: number;", "  readonly thread_id: string;"]
    return "\n".join([comment(schema.get("description", name)), *lines, "}", ""])


def comment(words: str) -> str:
    """Return words as a comment of TypeScript."""
    lines = [line.strip() for line in words.replace("*/", "* /").strip().splitlines()]
    return (
        f"/** {lines[0]} */"
        if len(lines) == 1
        else "\n".join(["/**", *(f" * {line}".rstrip() for line in lines), " */"])
    )


def type_of(schema: Schema) -> str:
    """Return the TypeScript type of a schema."""
    if "$ref" in schema:
        return str(schema["$ref"]).removeprefix(REF)
    if "enum" in schema:
        return " | ".join(literal(value) for value in schema["enum"])
    if "const" in schema:
        return literal(schema["const"])
    if "anyOf" in schema:
        return " | ".join(dict.fromkeys(type_of(inner) for inner in schema["anyOf"]))
    match schema.get("type"):
        case "string":
            return "string"
        case "integer" | "number":
            return "number"
        case "boolean":
            return "boolean"
        case "null":
            return "null"
        case "array":
            inner = type_of(schema.get("items", {}))
            return f"readonly ({inner})[]" if " " in inner else f"readonly {inner}[]"
        case "object":
            extra = schema.get("additionalProperties")
            return f"Readonly<Record<string, {type_of(extra) if isinstance(extra, dict) else 'Json'}>>"
        case _:
            return "Json"


def literal(value: object) -> str:
    """Return a JSON value as a literal type."""
    return msgspec.json.encode(value).decode()


def union(names: list[str]) -> str:
    """Return the closed union of events."""
    members = "".join(f"\n  | {name}" for name in names)
    return f"/** Everything that can happen in a thread. */\nexport type ThreadlineEvent ={members};\n"


def operations(paths: Mapping[str, Mapping[str, Schema]]) -> str:
    """Return the map of operations: what each takes in its query and body, and what it answers."""
    lines = ["/** What may be asked of a server: `METHOD /path`. */", "export interface Operations {"]
    for path, methods in sorted(paths.items()):
        if path.startswith("/v1/"):
            for method, operation in methods.items():
                lines += operation_of(f"{method.upper()} {path}", operation)
    return "\n".join([*lines, "}", ""])


def operation_of(name: str, operation: Schema) -> Iterator[str]:
    """Yield the lines of one operation."""
    body = next(json_types(operation.get("requestBody", {})), "undefined")
    answers = {
        kind for status, answer in operation["responses"].items() if status[0] == "2" for kind in json_types(answer)
    }
    query = [parameter for parameter in operation.get("parameters", ()) if parameter["in"] == "query"]
    asked = "; ".join(f"readonly {key(one['name'])}?: {type_of(one['schema'])}" for one in query)
    yield f'  "{name}": {{'
    yield f"    readonly query: {{ {asked} }};" if asked else "    readonly query: Readonly<Record<string, never>>;"
    yield f"    readonly body: {body};"
    yield f"    readonly answer: {' | '.join(sorted(answers)) or 'undefined'};"
    yield "  };"


def json_types(holder: Schema) -> Iterator[str]:
    """Yield the type of a body or an answer that is JSON."""
    for media, content in holder.get("content", {}).items():
        if media == "application/json" and "schema" in content:
            yield type_of(content["schema"])


def key(name: str) -> str:
    """Return a property's name, quoted where it has to be."""
    return name if re.fullmatch(r"\w+", name) else f'"{name}"'


def main() -> int:
    """Write, or compare."""
    made = typescript()
    if "--check" in sys.argv[1:]:
        return 0 if TARGET.exists() and TARGET.read_text() == made else 1
    TARGET.parent.mkdir(exist_ok=True)
    TARGET.write_text(made)
    return 0


if __name__ == "__main__":
    sys.exit(main())
