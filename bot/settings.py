"""The configuration: environment variables, or a `.env` file beside the program. Nothing else reads them.

The environment wins over `.env`; an empty value counts as unset. `.env.example` lists every variable.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, Literal

from dotenv import dotenv_values
from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from bot.errors import SettingsError

_FOR_TOOLS = (
    "brave_api_key",
    "brave_url",
    "frankfurter_url",
    "met_norway_url",
    "open_meteo_api_key",
    "open_meteo_geocoding_url",
    "open_meteo_url",
    "searxng_url",
    "tavily_api_key",
    "tavily_url",
    "tools_contact",
    "wikipedia_url",
)

Mode = Literal["embedded", "socket", "http"]

_WHERE = {
    "SLACK_BOT_TOKEN": "api.slack.com/apps → your app → OAuth & Permissions → Bot User OAuth Token (xoxb-…)",
    "SLACK_APP_TOKEN": (
        "api.slack.com/apps → your app → Basic Information → App-Level Tokens "
        "(xapp-…, with the scope connections:write)"
    ),
    "SLACK_SIGNING_SECRET": "api.slack.com/apps → your app → Basic Information → Signing Secret",
}


class Settings(BaseSettings):
    """Every setting. Field names are the variables' names in lower case; `_s` means seconds."""

    model_config = SettingsConfigDict(
        env_file=".env", env_ignore_empty=True, extra="ignore", frozen=True, hide_input_in_errors=True
    )

    slack_bot_token: SecretStr | None = None
    slack_app_token: SecretStr | None = None
    slack_signing_secret: SecretStr | None = None
    slack_api_url: str = "https://slack.com/api/"
    slack_paced: bool = True
    """Whether calls keep to Slack's rate limits; a stand-in of Slack may have none."""

    humanloop_base_url: str | None = None
    humanloop_api_key: SecretStr | None = None
    openai_api_key: SecretStr | None = None
    openai_base_url: str | None = None
    anthropic_api_key: SecretStr | None = None
    anthropic_base_url: str | None = None
    model: str | None = None
    """`provider/name`. Overrides the prompt file."""
    model_sees_images: bool = True
    """Whether images in a thread are given to the model."""

    database_url: str = "sqlite:///var/threadloop.db"
    port: int = Field(3000, ge=0, le=65535)
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    otel_exporter_otlp_endpoint: str | None = None
    """The base URL of an OpenTelemetry collector (OTLP over HTTP), for traces."""

    answer_facts: bool = True
    """Whether the line under an answer names the model, the tools, the time and the cost."""
    answer_cost: bool = True
    """Whether that line names the cost, where it is known."""

    approval_hours: float = Field(24.0, gt=0)
    """How long a tool call waits for a person's approval."""
    elicitation_minutes: float = Field(15.0, gt=0)
    """How long a running tool waits for what it asks a person."""

    shutdown_grace_s: float = Field(20.0, ge=0)
    """How long running questions may go on when the bot is stopped. The rest resumes at the next start."""
    max_concurrent_runs: int = Field(200, ge=1)
    max_waiting_runs: int = Field(10_000, ge=1)
    """Questions that wait for their turn in this process; more are refused with a sentence."""
    keep_runs_days: float = Field(14.0, gt=0)
    """How long finished runs are kept; a post delivered again within this time is recognised."""
    catch_up_minutes: float = Field(60.0, ge=0)
    """How far back to look for unanswered questions after a time without a connection."""

    tool_turns: int = Field(8, ge=1)
    """How often the model may ask for tools in one question."""
    tool_timeout_s: float = Field(20.0, gt=0)
    question_timeout_s: float = Field(300.0, gt=0)
    max_tool_result_chars: int = Field(12_000, ge=200)
    history_tokens: int = Field(24_000, ge=500)
    """How much of a thread the model reads, in tokens, estimated at four characters each."""
    max_file_bytes: int = Field(100_000, ge=0)
    """The most of one text file that the model reads."""
    max_image_bytes: int = Field(4_000_000, ge=0)

    mcp_config: Path | None = None
    """A JSON file of MCP servers (`mcpServers`)."""
    tools_dir: Path | None = None
    """A folder with further tools: each of its Python files without a leading underscore is one."""
    policy_file: Path | None = None
    """A YAML file that says who may use which tool where. See policy.example.yaml."""

    searxng_url: str | None = None
    """A SearXNG server with JSON results on: lets the bot search the web."""
    tavily_api_key: SecretStr | None = None
    tavily_url: str | None = None
    brave_api_key: SecretStr | None = None
    brave_url: str | None = None
    wikipedia_url: str | None = None
    """Another Wikipedia; `{language}` in it is filled in."""
    frankfurter_url: str | None = None
    """Another server of Frankfurter's exchange rates."""
    open_meteo_url: str | None = None
    open_meteo_geocoding_url: str | None = None
    open_meteo_api_key: SecretStr | None = None
    met_norway_url: str | None = None
    tools_contact: str | None = None
    """A mail or web address by which web services can reach whoever runs the bot."""

    @field_validator("slack_api_url")
    @classmethod
    def _end_with_slash(cls, value: str) -> str:
        return value if value.endswith("/") else value + "/"

    @field_validator("model")
    @classmethod
    def _name_a_provider(cls, value: str | None) -> str | None:
        if value is not None and not all(value.partition("/")):
            raise ValueError("write it as provider/name, for example openai/gpt-5.4-mini")
        return value

    @property
    def mode(self) -> Mode:
        """How the bot meets Slack: the embedded workspace, Socket Mode, or HTTP."""
        if self.slack_bot_token is None:
            return "embedded"
        return "socket" if self.slack_app_token is not None else "http"

    def provider_and_model(self) -> tuple[str, str] | None:
        """The model to use instead of the prompt file's, if one was chosen.

        `MODEL` decides. Without it, Anthropic's settings alone take Claude, and no provider at all the offline
        stand-in, since the prompt file's own model could not be called.
        """
        if self.model is not None:
            provider, _, name = self.model.partition("/")
            return provider, name
        if self.humanloop_base_url or self.openai_api_key or self.openai_base_url:
            return None
        if self.anthropic_api_key or self.anthropic_base_url:
            return "anthropic", "claude-sonnet-5-5"
        return "mock", "offline"

    def secrets(self) -> list[str]:
        """Every secret value, for blacking it out of logs."""
        values = (getattr(self, name) for name in type(self).model_fields)
        return [value.get_secret_value() for value in values if isinstance(value, SecretStr)]

    def tool_config(self, asked_for: Collection[str] = ()) -> Mapping[str, str]:
        """What tools may know of the configuration, by variable name.

        Args:
            asked_for: the variables that tools name, besides those of the bundled tools.
        """
        around = environment()
        given = {name: around[name] for name in asked_for if around.get(name)}
        for name in _FOR_TOOLS:
            if value := getattr(self, name):
                given[name.upper()] = value.get_secret_value() if isinstance(value, SecretStr) else value
        return given


def secret(value: SecretStr | None) -> str:
    """The value of a secret; empty where there is none."""
    return value.get_secret_value() if value is not None else ""


def environment() -> Mapping[str, str]:
    """Every variable that is set, also those in `.env`: what a file may refer to as `${NAME}`."""
    in_file = {name: value for name, value in dotenv_values(".env").items() if value is not None}
    return {**in_file, **os.environ}


def load(**overrides: Any) -> Settings:
    """Read the settings and check that they fit together.

    Raises:
        SettingsError: a variable is wrong, or one of a pair is missing; the message says where to find it.
    """
    try:
        settings = Settings(**overrides)
    except ValidationError as error:
        raise SettingsError(_explain(error)) from error
    _check_slack(settings)
    _check_model(settings)
    _check_times(settings)
    return settings


def _explain(error: ValidationError) -> str:
    lines = [
        f"{str(problem['loc'][0]).upper()}: {problem['msg'].removeprefix('Value error, ')}"
        for problem in error.errors(include_input=False)
    ]
    return "The configuration is wrong (see .env.example):\n  " + "\n  ".join(lines)


def _check_slack(settings: Settings) -> None:
    bot, app, secret = (
        settings.slack_bot_token,
        settings.slack_app_token,
        settings.slack_signing_secret,
    )
    if bot is None and (app is not None or secret is not None):
        given = "SLACK_APP_TOKEN" if app is not None else "SLACK_SIGNING_SECRET"
        raise _missing("SLACK_BOT_TOKEN", given)
    if bot is not None and app is None and secret is None:
        raise _missing("SLACK_APP_TOKEN", "SLACK_BOT_TOKEN")
    _check_prefix("SLACK_BOT_TOKEN", bot, "xoxb-")
    _check_prefix("SLACK_APP_TOKEN", app, "xapp-")


def _check_model(settings: Settings) -> None:
    if settings.humanloop_base_url is not None:
        return  # whatever providers that server has
    provider = (settings.provider_and_model() or ("openai", ""))[0]
    configured = {
        "openai": settings.openai_api_key or settings.openai_base_url,
        "anthropic": settings.anthropic_api_key or settings.anthropic_base_url,
        "mock": True,
    }
    if provider not in configured:
        raise SettingsError(f"MODEL names the provider {provider}. There are: {', '.join(configured)}.")
    if not configured[provider]:
        key = f"{provider.upper()}_API_KEY"
        raise SettingsError(f"MODEL={settings.model} needs {key}: put it in .env, or choose another model.")


def _check_times(settings: Settings) -> None:
    days, hours = settings.keep_runs_days, settings.approval_hours
    if days * 24 <= hours:
        raise SettingsError(
            f"KEEP_RUNS_DAYS={days:g} is not longer than APPROVAL_HOURS={hours:g}: what waits for approval "
            "would be deleted. Raise the one, or lower the other."
        )


def _missing(name: str, given: str) -> SettingsError:
    return SettingsError(
        f"{given} is set but {name} is not. Find it at {_WHERE[name]}, and put it in .env. "
        "To try Threadloop without Slack, unset every SLACK_ variable."
    )


def _check_prefix(name: str, value: SecretStr | None, prefix: str) -> None:
    if value is not None and not value.get_secret_value().startswith(prefix):
        raise SettingsError(f"{name} should begin with {prefix}. Find the right one at {_WHERE[name]}.")
