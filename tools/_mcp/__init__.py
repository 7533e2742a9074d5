"""The tools of MCP servers, over stdio and HTTP: https://modelcontextprotocol.io/specification/2025-11-25"""

from tools._mcp.config import BadMcpConfig, McpConfig
from tools._mcp.server import Timing
from tools._mcp.servers import McpServers
from tools._mcp.status import ServerStatus

__all__ = ["BadMcpConfig", "McpConfig", "McpServers", "ServerStatus", "Timing"]
