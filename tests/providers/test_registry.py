"""Which providers there are, and who has which model."""

import random
from typing import Any

import msgspec
import pytest

from threadline.clock import ManualClock
from threadline.errors import ModelUnknown, SettingsRefused
from threadline.providers.registry import ProviderConfig, Registry, from_environment

KEYS = {"OPENAI_API_KEY": "sk-1", "ANTHROPIC_API_KEY": "sk-2"}


def registry(*configs: ProviderConfig, env: dict[str, str] | None = None) -> Registry:
    """Make a registry; nothing is opened by it."""
    return Registry(configs, env or {}, clock=ManualClock(), source=random.Random(1))


def config(name: str, kind: Any = "openai", **more: Any) -> ProviderConfig:
    """Configure a provider."""
    return ProviderConfig(name=name, type=kind, **more)


def test_the_demo_is_always_there() -> None:
    """Without any configuration there is a model, and it is the default."""
    bare = registry()
    assert bare.default_model() == "demo/threadline"
    provider, model = bare.resolve("demo/count-500@200")
    assert (provider.name, model) == ("demo", "count-500@200")
    assert {listed.provider for listed in bare.models()} == {"demo"}
    assert all(listed.description for listed in bare.models())


def test_the_environment_configures_by_itself() -> None:
    """The usual variables of the two vendors make two providers, the demo stays behind them."""
    found = registry(env=KEYS)
    assert found.resolve("openai/gpt-5.2")[1] == "gpt-5.2"
    assert found.resolve("anthropic/claude-x")[0].name == "anthropic"
    assert found.default_model() == "openai/gpt-5.2"
    assert registry(env={"ANTHROPIC_API_KEY": "k"}).default_model() == "anthropic/claude-sonnet-4-5"
    assert found.models()[-1].provider == "demo"


def test_an_address_alone_is_enough() -> None:
    """A model server of one's own needs no key."""
    (found,) = from_environment({"OPENAI_BASE_URL": "http://localhost:11434/v1", "OPENAI_API_KEY": ""})
    assert (found.name, found.base_url, found.api_key) == ("openai", "http://localhost:11434/v1", None)
    assert from_environment({"OPENAI_API_KEY": "", "HOME": "/root"}) == []


def test_explicit_configuration_wins() -> None:
    """A configured provider of the same name replaces the environment's, and the configured ones come first."""
    mine = registry(config("local", models=("llama",)), config("openai", models=("only-this",)), env=KEYS)
    assert mine.default_model() == "local/llama"
    with pytest.raises(ModelUnknown):
        mine.resolve("openai/gpt-5.2")
    assert mine.resolve("anthropic/any")[1] == "any"


def test_a_list_is_a_list() -> None:
    """With a list only its names go, and the error says which; without one any name goes, slashes and all."""
    both = registry(config("open"), config("shut", models=("a", "b")))
    assert both.resolve("open/meta/llama-4:free")[1] == "meta/llama-4:free"
    with pytest.raises(ModelUnknown, match="It has: a, b"):
        both.resolve("shut/c")


@pytest.mark.parametrize("model", ["", "gpt-5.2", "nobody/gpt", "openai/", "/gpt", "demo/no-such-demo"])
def test_unknown_models(model: str) -> None:
    """A name without a provider, an unknown provider and an unknown model are all told with what there is."""
    with pytest.raises(ModelUnknown, match=r"demo|threadline") as caught:
        registry(env=KEYS).resolve(model)
    assert caught.value.status == 404


def test_somebodys_name_for_a_model_is_not_repeated_without_end() -> None:
    """The error stays short and storable, whatever was asked for."""
    with pytest.raises(ModelUnknown) as caught:
        registry().resolve("x\x00" * 5000)
    assert len(caught.value.detail) < 400
    assert "\x00" not in caught.value.detail


def test_a_long_list_is_shown_in_part() -> None:
    """A provider with hundreds of models does not fill the page."""
    many = registry(config("many", models=tuple(f"model-{number}" for number in range(300))))
    with pytest.raises(ModelUnknown, match="and 280 more"):
        many.resolve("many/x")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"api_key_env": "MISSING"}, "MISSING"),
        ({"base_url": "localhost:8000"}, "base_url"),
        ({"base_url": "ftp://x"}, "base_url"),
        ({"api_key": "with\nnewline"}, "characters"),
        ({"api_key": "ключ"}, "characters"),
        ({"headers": {"x-a": "1\r\nx-b: 2"}}, "header"),
        ({"headers": {"x a": "1"}}, "header"),
    ],
)
def test_what_cannot_work_is_refused_at_the_start(options: dict[str, Any], words: str) -> None:
    """A slip in the configuration is told when the server starts, not by every run."""
    with pytest.raises(SettingsRefused, match=words) as caught:
        registry(config("p", **options))
    assert "newline" not in caught.value.detail


def test_the_demo_can_be_held_to_a_list() -> None:
    """An operator may keep people from scripting it."""
    held = registry(config("demo", "scripted", models=("threadline",)))
    assert held.resolve("demo/threadline")
    with pytest.raises(ModelUnknown, match=r"It has: threadline"):
        held.resolve("demo/script")


def test_two_of_one_name_are_refused() -> None:
    """It would be a matter of luck which of them answers."""
    with pytest.raises(SettingsRefused, match="two providers"):
        registry(config("p"), config("p"))


def test_the_key_comes_from_where_it_should() -> None:
    """A named variable is read, blanks around a key are not part of it, and no repr shows it."""
    secret = config("p", api_key_env="P_KEY")
    assert registry(secret, env={"P_KEY": " sk-9\n"}).resolve("p/x")
    assert "sk-9" not in repr(config("p", api_key="sk-9"))


def test_a_table_of_the_config_file_becomes_a_provider() -> None:
    """`[providers.NAME]` converts as it stands, and a misspelt field is refused."""
    table = {
        "type": "openai",
        "base_url": "http://x/v1",
        "api_key_env": "K",
        "models": ["a"],
        "extra_body": {"seed": 1},
    }
    made = msgspec.convert({**table, "name": "x"}, ProviderConfig)
    assert (made.models, made.extra_body) == (("a",), {"seed": 1})
    for wrong in ({"bse_url": "x"}, {"type": "cohere"}, {"name": "a/b"}, {"thinking_budget_tokens": 5}):
        with pytest.raises(msgspec.ValidationError):
            msgspec.convert({**table, "name": "x", **wrong}, ProviderConfig)


async def test_options_reach_the_request(vendor: Any, make_provider: Any) -> None:
    """What the config file says about a server's habits is what is sent to it."""
    from .reading import asking, read
    from .speech import anthropic_stream, openai_stream
    from .vendor import Answer

    vendor.play(Answer(openai_stream([{"say": "hi"}])), Answer(anthropic_stream([{"say": "hi"}])))
    options = {"include_usage": False, "max_tokens_field": "max_completion_tokens", "max_output_tokens": 5}
    await read(make_provider("openai", extra_body={"seed": 1}, **options), asking())
    body = vendor.requests[0].json
    assert "stream_options" not in body
    assert (body["max_completion_tokens"], body["seed"]) == (5, 1)
    await read(make_provider("anthropic", thinking_budget_tokens=1024, cache_prompt=False), asking())
    body = vendor.requests[1].json
    assert body["thinking"]["budget_tokens"] == 1024
    assert "cache_control" not in str(body)


def test_models_are_called_as_the_operator_calls_them() -> None:
    """Else by a name that is made from the vendor's; a name for what is not listed is a mistake."""
    mine = registry(config("shut", models=("gpt-5.2", "x"), names={"x": "Our best"}))
    names = {listed.id: listed.name for listed in mine.models()}
    assert (names["shut/gpt-5.2"], names["shut/x"]) == ("GPT-5.2", "Our best")
    with pytest.raises(SettingsRefused, match="names a model that it does not list: 'y'"):
        registry(config("shut", models=("x",), names={"y": "Nobody"}))


def test_models_for_tests_stand_in_no_menu_unless_somebody_lists_them() -> None:
    """The demo shows what one would talk to, a second demo what its settings say."""
    both = registry(config("second", "scripted", models=("role", "echo")))
    hidden = {listed.id for listed in both.models() if listed.hidden}
    assert "demo/role" in hidden
    assert {"demo/threadline", "demo/echo", "second/role", "second/echo"}.isdisjoint(hidden)
