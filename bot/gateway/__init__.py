"""Humanloop's v5 API, embedded: the same requests and answers as a Humanloop server, in this process.

The hosted service closed in September 2025. Its SDK lives on, and this package is what it talks to
where no other server is named.
"""

from bot.gateway.errors import ErrorCode
from bot.gateway.gateway import Gateway
from bot.gateway.prompt_file import parse as parse_prompt
from bot.gateway.providers.pool import Credentials
from bot.gateway.providers.retry import RetryPolicy

__all__ = ["Credentials", "ErrorCode", "Gateway", "RetryPolicy", "parse_prompt"]
