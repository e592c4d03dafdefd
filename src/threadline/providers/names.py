"""What a model is called among people: `anthropic/claude-3-5-sonnet-20241022` is Claude 3.5 Sonnet. Pure.

Vendors name models for programs. Where the operator has given no name, it is made from the vendor's, by what these
have in common; a name that follows no custom is shown nearly as it is. The app does the same
(`web/src/ui/model-name.ts`), so that no name changes when it takes a page over: `tests/cases/model_names.json`.
"""

import re
from typing import Final

_SNAPSHOT: Final = re.compile(r"-(?:[0-9]{8}|[0-9]{4}-[0-9]{2}-[0-9]{2})$|[-:]latest$")
_APART: Final = re.compile(r"(?<![0-9A-Za-z.])([0-9]{1,2})-([0-9]{1,2})(?![0-9A-Za-z.])")
"""A version whose point has become a hyphen."""
_SIZE: Final = re.compile(r"[0-9.]+(?:x[0-9.]+)?[bkm]")
_JOINED: Final = re.compile(r"(GPT) ")

_SPELT: Final = {
    "gpt": "GPT",
    "chatgpt": "ChatGPT",
    "oss": "OSS",
    "deepseek": "DeepSeek",
    "glm": "GLM",
    "vl": "VL",
    "o1": "o1",
    "o3": "o3",
    "o4": "o4",
    "openai": "OpenAI",
    "openrouter": "OpenRouter",
}


def readable_name(model: str) -> str:
    """Return what a model `provider/model` is called among people, or a provider; itself where nothing is left."""
    vendor_model = model[model.find("/") + 1 :]
    base = vendor_model[vendor_model.rfind("/") + 1 :].partition("@")[0]
    base = _APART.sub(r"\1.\2", _SNAPSHOT.sub("", base))
    words = " ".join(_word(word) for word in re.split(r"[-_: ]+", base) if word)
    return _JOINED.sub(r"\1-", words) or model


def _word(word: str) -> str:
    if word in _SPELT:
        return _SPELT[word]
    if _SIZE.fullmatch(word):
        return word[:-1] + word[-1].upper()
    # Whoever writes capitals has said where they go.
    return word[0].upper() + word[1:] if "a" <= word[0] <= "z" and word == word.lower() else word
