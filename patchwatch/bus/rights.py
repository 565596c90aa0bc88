"""The commands that Patchwatch sends to Redis, and the rights that a user of its own needs for them."""

from __future__ import annotations

# In their order in Redis' documentation; a test holds the code to it. CLIENT, HELLO and SELECT are sent by the client
# library; XSETID is called by our scripts alone.
COMMANDS = (
    "AUTH", "BLPOP", "CLIENT", "DEL", "EVAL", "EXEC", "EXISTS", "EXPIRE", "GET", "HDEL", "HELLO", "HEXISTS", "HGET",
    "HGETALL", "HINCRBY", "HKEYS", "HLEN", "HMGET", "HSET", "HSETNX", "INCR", "INFO", "LLEN", "LPOP", "LREM", "MGET",
    "MULTI", "PEXPIRE", "PING", "PTTL", "RPUSH", "SADD", "SCAN", "SELECT", "SET", "SMEMBERS", "SREM", "TIME", "UNWATCH",
    "WATCH", "XADD", "XDEL", "XINFO", "XLEN", "XRANGE", "XREAD", "XREVRANGE", "XSETID", "XTRIM", "ZADD", "ZCARD",
    "ZRANGE", "ZRANGEBYSCORE", "ZREM", "ZREMRANGEBYSCORE", "ZREVRANGE", "ZREVRANGEBYSCORE",
)  # fmt: skip
RULES = "~pw:* +@all -@admin -@dangerous +info"
ADVICE = (
    f"its user lacks a right that we need: `ACL SETUSER NAME {RULES}` gives them, or, command by command, "
    f"`ACL SETUSER NAME ~pw:* {' '.join('+' + name.lower() for name in COMMANDS)}`"
)
