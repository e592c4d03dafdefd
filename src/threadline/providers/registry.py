"""Which providers there are, and whose model `provider/model` is.

Comes in: the configured providers, and the environment. Goes out: a `Provider` and the vendor's own name of the model.
`demo` is always there. Nothing is opened before a model is first asked.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from random import Random
from typing import Annotated, Any, Final, Literal

from msgspec import Meta, Struct
from yarl import URL

from threadline.clock import Clock
from threadline.content import storable
from threadline.errors import ModelUnknown, SettingsRefused
from threadline.limits import PROVIDER_POOL_IDLE_SECONDS
from threadline.providers import anthropic, openai, scripted
from threadline.providers.contract import Provider
from threadline.providers.failures import Failures
from threadline.providers.files import FileOptions, TakesFiles, account_of
from threadline.providers.http import Pool
from threadline.providers.names import readable_name
from threadline.providers.remote import Adapter, RemoteProvider
from threadline.providers.retries import RetryPolicy
from threadline.providers.scripted import ScriptedProvider

DEMO: Final = "demo"

_NAMES_SHOWN_MAX: Final = 20
_USER_AGENT: Final = "threadline"

ProviderType = Literal["openai", "anthropic", "scripted"]


class ProviderConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One provider, as `[providers.NAME]` in the config file has it.

    `models` lists what may be asked for, the first being the default; without it any name goes. The key comes from
    `api_key`, or from the environment variable that `api_key_env` names; servers of one's own may need none.
    """

    name: Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")]
    type: ProviderType
    base_url: str | None = None
    api_key: str | None = None
    api_key_env: str | None = None
    models: tuple[Annotated[str, Meta(min_length=1)], ...] | None = None
    names: dict[str, Annotated[str, Meta(min_length=1, max_length=100)]] = {}
    """What listed models are called among people, where their own names do not say it well."""
    headers: dict[str, str] = {}
    """Sent with every request, over our own."""
    extra_body: dict[str, Any] = {}
    """Put into every request body, over our own fields: `{reasoning_effort = "low"}`."""
    max_output_tokens: Annotated[int, Meta(ge=1)] | None = None
    """For sends that name no limit."""
    max_tokens_field: openai.MaxTokensField | None = None
    """`openai`: what the server calls that limit."""
    include_usage: bool | None = None
    """`openai`: whether to ask for the usage; off for servers that refuse the question."""
    replay_reasoning: bool | None = None
    """`openai`: whether tool calls go back with the reasoning that led to them; some servers insist."""
    thinking_budget_tokens: Annotated[int, Meta(ge=anthropic.THINKING_TOKENS_MIN)] | None = None
    """`anthropic`: switches thinking on for models that take a budget. Newer ones: `extra_body.thinking`."""
    cache_prompt: bool = True
    """`anthropic`: whether to mark the conversation for the vendor's prompt cache."""
    upload_files: bool | None = None
    """Whether files that are too large to go inline are uploaded to the vendor's own store; None: known by address."""
    inline_bytes_max: Annotated[int, Meta(ge=0)] | None = None
    """The largest file that goes inline, below what the vendor takes."""
    image_urls: bool | None = None
    """Whether addresses of pictures and files are passed on; off for servers that fetch nothing."""

    def __repr__(self) -> str:
        return f"ProviderConfig(name={self.name!r}, type={self.type!r})"  # Never the key.


class ListedModel(Struct, frozen=True):
    """A model that can be offered for choice. `id` is its full name, `name` what people call it.

    `hidden` ones are there for tests and demonstrations: nobody wants to find them in a menu.
    """

    id: str
    provider: str
    name: str
    description: str = ""
    hidden: bool = False


def from_environment(env: Mapping[str, str]) -> list[ProviderConfig]:
    """Return the providers that are there by themselves, because the usual variables of their vendors are set."""
    found: list[ProviderConfig] = []
    kinds: list[tuple[str, ProviderType]] = [("OPENAI", "openai"), ("ANTHROPIC", "anthropic")]
    for prefix, kind in kinds:
        key, base_url = env.get(f"{prefix}_API_KEY") or None, env.get(f"{prefix}_BASE_URL") or None
        if key or base_url:
            found.append(ProviderConfig(name=kind, type=kind, api_key=key, base_url=base_url))
    return found


class _Entry(Struct, frozen=True):
    config: ProviderConfig
    provider: Provider
    listed: Sequence[str]
    accepts: Callable[[str], bool]


class Registry:
    """All providers of this process. An explicit configuration wins over the environment's of the same name."""

    def __init__(
        self,
        configs: Iterable[ProviderConfig],
        env: Mapping[str, str],
        *,
        clock: Clock,
        source: Random,
        retries: RetryPolicy | None = None,
        pool_idle_seconds: float = PROVIDER_POOL_IDLE_SECONDS,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """Build every provider; opens nothing.

        Raises:
            SettingsRefused: two of one name, an address that is none, or a key that is not where it should be.
        """
        self._clock = clock
        self._source = source
        self._retries = retries or RetryPolicy()
        self._idle_seconds = pool_idle_seconds
        self._sleep = sleep
        self._entries: dict[str, _Entry] = {}
        explicit = list(configs)
        for config in explicit:
            if config.name in self._entries:
                raise SettingsRefused(f"There are two providers of the name {config.name!r}.")
            self._entries[config.name] = self._entry(config, env)
            _check_names(config, self._entries[config.name].listed)
        for config in [*from_environment(env), ProviderConfig(name=DEMO, type="scripted")]:
            if config.name not in self._entries:
                self._entries[config.name] = self._entry(config, env)

    def resolve(self, model: str) -> tuple[Provider, str]:
        """Return who has this model, and what it is called there.

        Raises:
            ModelUnknown: no such provider, or not in its list.
        """
        name, _, vendor_model = model.partition("/")
        entry = self._entries.get(name)
        if entry is None or not vendor_model:
            raise ModelUnknown(
                f"There is no model {_shown(model)}. A model is named provider/model; the providers here are: "
                f"{', '.join(self._entries)}."
            )
        if not entry.accepts(vendor_model):
            names = list(entry.listed)
            more = f" and {len(names) - _NAMES_SHOWN_MAX} more" if len(names) > _NAMES_SHOWN_MAX else ""
            raise ModelUnknown(
                f"The provider {name} has no model {_shown(vendor_model)}. It has: "
                f"{', '.join(names[:_NAMES_SHOWN_MAX])}{more}."
            )
        return entry.provider, vendor_model

    def models(self) -> list[ListedModel]:
        """Return what can be offered for choice: what is listed, or what a provider without a list surely has."""
        return [_listed(entry, model) for entry in self._entries.values() for model in entry.listed]

    def default_model(self) -> str:
        """Return the first configured provider's first model; the demo's, where nothing is configured."""
        name, entry = next(iter(self._entries.items()))
        return f"{name}/{entry.listed[0]}"

    def of_account(self, account: str) -> TakesFiles | None:
        """Return a provider that has this account at its vendor; None where none is configured any more."""
        found = (entry.provider for entry in self._entries.values())
        return next((each for each in found if isinstance(each, TakesFiles) and each.account == account), None)

    async def close(self) -> None:
        """Close all warm connections."""
        for entry in self._entries.values():
            await entry.provider.close()

    def _entry(self, config: ProviderConfig, env: Mapping[str, str]) -> _Entry:
        match config.type:
            case "scripted":
                demo = ScriptedProvider(config.name)
                known = demo.has_model if config.models is None else frozenset(config.models).__contains__
                return _Entry(config, demo, config.models or tuple(scripted.CATALOGUE), known)
            case "openai":
                listed = config.models or (openai.DEFAULT_MODEL,)
            case "anthropic":
                listed = config.models or (anthropic.DEFAULT_MODEL,)
        accepts = bool if config.models is None else frozenset(config.models).__contains__
        return _Entry(config, self._remote(config, env), listed, accepts)

    def _remote(self, config: ProviderConfig, env: Mapping[str, str]) -> RemoteProvider:
        key = _key(config, env)
        _check_headers(config)
        failures = Failures(config.name, key)
        adapter, headers = _spoken(config, failures, key)
        pool = Pool(failures, {**headers, **config.headers}, idle_seconds=self._idle_seconds)
        return RemoteProvider(
            config.name,
            adapter,
            pool,
            failures,
            clock=self._clock,
            source=self._source,
            retries=self._retries,
            sleep=self._sleep,
            account=account_of(config.type, config.base_url or "", key, config.headers),
        )


def _listed(entry: _Entry, model: str) -> ListedModel:
    config = entry.config
    is_demo = config.type == "scripted"
    name = f"{config.name}/{model}"
    return ListedModel(
        id=name,
        provider=config.name,
        name=config.names.get(model) or readable_name(name),
        description=scripted.CATALOGUE.get(model, "") if is_demo else "",
        # Who lists a model in the settings wants it to be found.
        hidden=is_demo and config.models is None and model in scripted.FOR_TESTS,
    )


def _check_names(config: ProviderConfig, listed: Sequence[str]) -> None:
    unknown = sorted(config.names.keys() - set(listed))
    if unknown:
        raise SettingsRefused(f"The provider {config.name} names a model that it does not list: {unknown[0]!r}.")


def _spoken(config: ProviderConfig, failures: Failures, key: str | None) -> tuple[Adapter, dict[str, str]]:
    """Return the language of this provider, and the headers that all its requests have."""
    files = FileOptions(config.upload_files, config.inline_bytes_max, config.image_urls)
    headers = {
        "accept": "text/event-stream",
        # Compressed, a stream of single words waits in the compressor until there is enough of it.
        "accept-encoding": "identity",
        "content-type": "application/json",
        "user-agent": _USER_AGENT,
    }
    if config.type == "anthropic":
        if key:
            headers["x-api-key"] = key
        headers["anthropic-version"] = anthropic.API_VERSION
        return anthropic.AnthropicAdapter(
            config.name,
            _base_url(config, anthropic.BASE_URL),
            failures,
            max_output_tokens=config.max_output_tokens,
            thinking_budget_tokens=config.thinking_budget_tokens,
            cache_prompt=config.cache_prompt,
            extra_body=config.extra_body,
            files=files,
            betas=_header(config, "anthropic-beta"),
        ), headers
    if key:
        headers["authorization"] = f"Bearer {key}"
    base_url = _base_url(config, openai.BASE_URL)
    return openai.OpenAIAdapter(
        config.name,
        base_url,
        failures,
        traits=_traits(config, base_url),
        max_output_tokens=config.max_output_tokens,
        extra_body=config.extra_body,
        files=files,
    ), headers


def _traits(config: ProviderConfig, base_url: str) -> openai.Traits:
    known = openai.traits_of(base_url)
    return openai.Traits(
        max_tokens_field=config.max_tokens_field or known.max_tokens_field,
        include_usage=known.include_usage if config.include_usage is None else config.include_usage,
        replay_reasoning=known.replay_reasoning if config.replay_reasoning is None else config.replay_reasoning,
        call_id=known.call_id,
    )


def _base_url(config: ProviderConfig, usual: str) -> str:
    base_url = config.base_url or usual
    try:
        url = URL(base_url)
        usable = url.scheme in ("http", "https") and bool(url.host)
    except ValueError:
        usable = False
    if not usable:
        raise SettingsRefused(f"The base_url of the provider {config.name} is no http address: {base_url!r}.")
    return base_url


def _key(config: ProviderConfig, env: Mapping[str, str]) -> str | None:
    key = config.api_key
    if key is None and config.api_key_env is not None:
        key = env.get(config.api_key_env)
        if not key:
            raise SettingsRefused(
                f"The provider {config.name} wants its key in {config.api_key_env}, which is not set."
            )
    if key is None:
        return None
    key = key.strip()
    if not re.fullmatch(r"[\x21-\x7e]+", key):
        raise SettingsRefused(f"The key of the provider {config.name} holds characters that no key has.")
    return key


def _header(config: ProviderConfig, name: str) -> str:
    return next((value for given, value in config.headers.items() if given.lower() == name), "")


def _check_headers(config: ProviderConfig) -> None:
    for name, value in config.headers.items():
        if not re.fullmatch(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+", name) or re.search(r"[\x00-\x08\x0a-\x1f\x7f]", value):
            raise SettingsRefused(f"The header {name!r} of the provider {config.name} cannot be sent.")


def _shown(name: str) -> str:
    """Return somebody's words for an error message."""
    return repr(storable(name[:100]))
