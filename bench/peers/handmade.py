"""What people write by hand: FastAPI, the `openai` SDK and a StreamingResponse, on uvicorn with uvloop and httptools.

Nothing is stored; a client that loses its connection loses the answer. One process.
Run it as `python -m bench.peers.handmade --port 9002 --upstream 9000`.
"""

import argparse
import json
from collections.abc import AsyncIterator

import uvicorn
from fastapi import FastAPI
from fastapi.responses import StreamingResponse
from openai import AsyncOpenAI
from pydantic import BaseModel


class Question(BaseModel):
    """What the browser posts."""

    content: str
    model: str


def build_app(client: AsyncOpenAI) -> FastAPI:
    """Return the whole application: one route."""
    app = FastAPI()

    @app.post("/chat")
    async def chat(question: Question) -> StreamingResponse:
        return StreamingResponse(answer(question), media_type="text/event-stream")

    async def answer(question: Question) -> AsyncIterator[str]:
        stream = await client.chat.completions.create(
            model=question.model,
            messages=[{"role": "user", "content": question.content}],
            stream=True,
        )
        async for chunk in stream:
            if chunk.choices and chunk.choices[0].delta.content:
                yield f"data: {json.dumps({'type': 'delta', 'text': chunk.choices[0].delta.content})}\n\n"
        yield "data: [DONE]\n\n"

    return app


def main() -> None:
    """Read the ports from the command line and serve."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--upstream", type=int, required=True)
    options = parser.parse_args()
    client = AsyncOpenAI(base_url=f"http://127.0.0.1:{options.upstream}/v1", api_key="x")
    uvicorn.run(
        build_app(client),
        host="127.0.0.1",
        port=options.port,
        loop="uvloop",
        http="httptools",
        log_level="warning",
        backlog=2048,
    )


if __name__ == "__main__":
    main()
