"""How the gateway connects to providers: waits in seconds, and what stands for a key where none is needed."""

from __future__ import annotations

import httpx2

TIMEOUT = httpx2.Timeout(connect=10.0, read=120.0, write=60.0, pool=10.0)
"""`read` is the longest silence: a reasoning model may think for a minute or two before its first word."""

NO_KEY = "no-key-needed"
"""The SDKs insist on a key; servers of one's own do not."""
