"""Users, logins, API tokens and the audit log in Redis.

Whatever cannot be read here keeps people out: a damaged record is no user, no login and no token, and a damaged key
lets nobody in.
"""

from __future__ import annotations

from dataclasses import dataclass

from redis.asyncio import Redis

from service.store.access.audit import AuditStore
from service.store.access.login_attempts import LoginAttemptStore
from service.store.access.sessions import SessionStore
from service.store.access.setup_codes import SetupCodeStore
from service.store.access.tokens import TokenStore
from service.store.access.users import UserStore


@dataclass(frozen=True)
class AccessStore:
    """One store per noun, all with one Redis client."""

    users: UserStore
    sessions: SessionStore
    tokens: TokenStore
    attempts: LoginAttemptStore
    setup_codes: SetupCodeStore
    audit: AuditStore

    @classmethod
    def from_redis(cls, bus: Redis, session_hours: float) -> AccessStore:
        return cls(
            UserStore(bus),
            SessionStore(bus, session_hours),
            TokenStore(bus),
            LoginAttemptStore(bus),
            SetupCodeStore(bus),
            AuditStore(bus),
        )
