"""The providers: which there are, whether their keys are there, and which model answers. Never says a key."""

from collections.abc import Mapping
from random import Random

from threadline.cli.examine.finding import Finding, error, ok
from threadline.clock import Clock
from threadline.errors import ModelUnknown, SettingsRefused
from threadline.providers.registry import DEMO, ProviderConfig, Registry, from_environment
from threadline.settings import Settings


def providers(settings: Settings, env: Mapping[str, str], clock: Clock) -> list[Finding]:
    """Check each provider by itself, so that all that are wrong are named, and then all together."""
    try:
        configs = settings.provider_configs()
    except SettingsRefused as refused:
        return [error(refused.detail, "docs/reference/settings.md says what a provider may have.")]
    findings = [finding for config in configs if (finding := _wrong(config, env, clock)) is not None]
    if findings:
        return findings
    try:
        return _together(settings, configs, env, clock)
    except SettingsRefused as refused:
        return [error(refused.detail, "Mend the environment or the config file.")]


def _wrong(config: ProviderConfig, env: Mapping[str, str], clock: Clock) -> Finding | None:
    try:
        _registry([config], env, clock)
    except SettingsRefused as refused:
        return error(refused.detail, f"Mend [providers.{config.name}] in the config file, or the environment.")
    return None


def _together(settings: Settings, configs: list[ProviderConfig], env: Mapping[str, str], clock: Clock) -> list[Finding]:
    registry = _registry(configs, env, clock)
    configured = {config.name: "config file" for config in configs}
    own = {config.name: "environment" for config in from_environment(env)}
    named = [f"{name} ({source})" for name, source in (own | configured).items() if name != DEMO]
    if named:
        findings = [ok(f"Providers: {', '.join(named)}.")]
    else:
        findings = [
            ok(
                "No provider is configured, so only the demo answers. OPENAI_API_KEY, ANTHROPIC_API_KEY or "
                "[providers.NAME] in threadline.toml brings a real one."
            )
        ]
    model = settings.default_model or registry.default_model()
    try:
        registry.resolve(model)
    except ModelUnknown as unknown:
        return [*findings, error(f"The default model is not there. {unknown.detail}", "Mend `default_model`.")]
    return [*findings, ok(f"Where nobody names a model, {model} answers.")]


def _registry(configs: list[ProviderConfig], env: Mapping[str, str], clock: Clock) -> Registry:
    return Registry(configs, env, clock=clock, source=Random(0))  # noqa: S311 - it opens nothing and asks nobody
