"""Schemathesis against the OpenAPI document: whatever it makes up, the server answers as the document says."""

import re
from unittest import SkipTest

import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from support import asking
from support.waiting import PATIENCE_SECONDS

from .conftest import Scene

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    negative_data_rejection,
    unsupported_method,
]


def test_the_server_does_as_its_document_says(scene: Scene) -> None:
    """No server error, no undocumented status, type, header or form; what the document forbids is refused."""
    document = schemathesis.openapi.from_url(scene.url + "/openapi.json")
    tried = 0
    for result in document.get_all_operations():
        operation = result.ok()
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
            tried += try_operation(operation, mode, scene)
    assert tried > 300


def try_operation(operation: schemathesis.APIOperation, mode: GenerationMode, scene: Scene) -> int:
    """Send made-up requests to one operation and hold every answer against the document. Returns how many."""
    count = 0
    headers = {"authorization": f"Bearer {scene.admin}"}
    strategy = operation.as_strategy(generation_mode=mode)

    @given(case=strategy)
    @settings(max_examples=10, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    def run(case: schemathesis.Case) -> None:
        nonlocal count
        # A thread's event stream does not end by itself, so made-up ids stay there; elsewhere a real one goes deeper.
        if (
            mode is GenerationMode.POSITIVE
            and "thread_id" in case.path_parameters
            and not case.path.endswith("/events")
            and operation.method.upper() != "DELETE"
        ):
            case.path_parameters["thread_id"] = scene.thread_id
        if case.path == "/v1/stream":
            # Nor does a sidebar's stream; it is refused where it names a thread that is not there.
            case.query = {**(case.query or {}), "threads": "thr_nowhere"}
        response = case.call(headers=headers, timeout=PATIENCE_SECONDS)
        # Schemathesis does not count 413 as a refusal.
        checks = [check for check in CHECKS if response.status_code != 413 or check is not negative_data_rejection]
        case.validate_response(response, headers=headers, checks=checks)
        count += 1

    try:
        run()
    except (Unsatisfiable, SkipTest):
        # There is nothing to get wrong in a route without parameters.
        assert mode is GenerationMode.NEGATIVE
    return count


def test_the_document_is_served_and_names_everything(scene: Scene) -> None:
    """The document has every route with its errors; each stands on the page for people, which is all from here."""
    document = asking.get(scene.url + "/openapi.json").json()
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            assert operation["summary"], (method, path)
            if path.startswith("/v1/"):
                assert {"401", "503"} <= operation["responses"].keys(), (method, path)
    page = asking.get(scene.url + "/docs")
    assert page.status_code == 200
    for path, methods in document["paths"].items():
        for method in methods:
            assert f"<b>{method.upper()}</b> {path}</code>" in page.text
    for name in document["components"]["schemas"]:
        assert f'id="{name}"' in page.text
    assert set(re.findall(r'href="#([^"]+)"', page.text)) <= set(re.findall(r'id="([^"]+)"', page.text))
    assert "<script" not in page.text
    assert re.findall(r'(?:src|href)="(?:https?:)?//[^"]*"', page.text) == []
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert asking.get(scene.url + "/redoc").status_code == 404
