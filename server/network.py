"""Where a request comes from and where it was sent to."""

import ipaddress

from aiohttp import web


def source_of(request: web.BaseRequest, trust_proxy: bool) -> str:
    """The member's IP address; the last hop a trusted proxy saw, never what a member claims further left."""
    if trust_proxy:
        forwarded = request.headers.get("X-Forwarded-For", "").rpartition(",")[2].strip()
        if _is_address(forwarded):
            return forwarded
    return request.remote or "unknown"


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
