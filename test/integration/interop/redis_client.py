"""Uses redis-py, as it is, against a node, and prints what it answered as one array in JSON.

Arguments: the port of an open node; the port of one where `app` with the password `p@ss` may use keys `app:*` alone.
"""

import json
import sys

import redis

OPEN_PORT, GUARDED_PORT = (int(word) for word in sys.argv[1:3])
results = {}


def plain(value):
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace")
    if isinstance(value, Exception):
        return [type(value).__name__, str(value)]
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, (set, frozenset)):
        return sorted(plain(item) for item in value)
    if isinstance(value, dict):
        return {str(plain(name)): plain(item) for name, item in value.items()}
    return value


def tell(name, call):
    """Notes what a call returns; of what it throws the class and the text."""
    try:
        results[name] = plain(call())
    except redis.RedisError as error:
        results[name] = plain(error)


client = redis.Redis(port=OPEN_PORT)
texts = redis.Redis(port=OPEN_PORT, decode_responses=True)
binary = bytes(range(256))

tell("ping", client.ping)
tell("set", lambda: client.set("py:a", "grün", px=100_000))
tell("get", lambda: client.get("py:a") == "grün".encode())
tell("get as text", lambda: texts.get("py:a"))
tell("set nx", lambda: client.set("py:a", "x", nx=True))
tell("set get", lambda: texts.set("py:a", "y", keepttl=True, get=True))
tell("ttl", lambda: 90 < client.ttl("py:a") <= 100)
tell("persist", lambda: [client.persist("py:a"), client.ttl("py:a"), client.ttl("py:none")])
tell("expire", lambda: [client.expire("py:a", 50), client.expire("py:a", 60, nx=True), client.ttl("py:a") <= 50])
tell("binary", lambda: [client.set(binary, binary), client.get(binary) == binary, client.delete(binary)])
tell("mset", lambda: client.mset({"py:b": 2, "py:c": 2.5}))
tell("mget", lambda: texts.mget("py:b", "py:none", "py:c"))
tell("msetnx", lambda: client.msetnx({"{py}d": 1, "{py}e": 2}))
tell("incr", lambda: [client.incr("py:n"), client.incrby("py:n", 9), client.decr("py:n"), client.incrbyfloat("py:n", 0.5)])
tell("append", lambda: [client.append("py:a", "es"), client.getrange("py:a", 1, 2), client.setrange("py:a", 3, "!"), client.strlen("py:a")])
tell("keys", lambda: [client.exists("py:a", "py:b", "py:none"), client.type("py:a"), client.rename("{py}d", "{py}f"), client.copy("{py}f", "{py}g")])
tell("removals", lambda: [client.getdel("{py}f"), client.delete("{py}e", "{py}g"), client.unlink("py:none")])
client.mset({f"py:scan:{index}": index for index in range(300)})
tell("scan_iter", lambda: sorted(texts.scan_iter("py:scan:*", count=30)) == sorted(f"py:scan:{index}" for index in range(300)))
tell("object", lambda: [client.object("encoding", "py:n"), client.memory_usage("py:a") > 0])


def pipelined(transaction):
    pipeline = client.pipeline(transaction=transaction)
    pipeline.set("py:p", 1).incr("py:p").mget("py:p", "py:none").expire("py:p", 10)
    return pipeline.execute()


tell("pipeline", lambda: pipelined(False))
tell("transaction", lambda: pipelined(True))
tell("errors within", lambda: client.pipeline().set("py:p", "x").incr("py:p").get("py:p").execute(raise_on_error=False))
tell("errors thrown", lambda: client.pipeline().set("py:p", "x").incr("py:p").execute())
tell("aborted", lambda: client.pipeline().set("py:p", "z").execute_command("nosuch").execute())
tell("not run", lambda: client.get("py:p"))


def watched(other):
    with client.pipeline() as pipeline:
        pipeline.watch("py:w")
        before = pipeline.get("py:w")
        if other:
            client.set("py:w", "other")
        pipeline.multi()
        pipeline.set("py:w", b"%s+" % (before or b""))
        return pipeline.execute()


tell("watch", lambda: watched(False))
tell("watch error", lambda: watched(True))
tell("transaction()", lambda: client.transaction(lambda pipeline: (pipeline.multi(), pipeline.incr("py:n2")), "py:n2"))

channels = texts.pubsub()
channels.subscribe("py:one")
channels.psubscribe("py:o*")
tell("subscribe", lambda: [channels.get_message(timeout=10)["data"] for _ in range(2)])
tell("publish", lambda: texts.publish("py:one", "hällo"))
tell("messages", lambda: [[message["type"], message["pattern"], message["data"]] for message in (channels.get_message(timeout=10) for _ in range(2))])
tell("pubsub", lambda: [texts.pubsub_channels("py:*"), texts.pubsub_numsub("py:one"), texts.pubsub_numpat()])
channels.close()

document = client.json()
tell("json.set", lambda: document.set("py:json", "$", {"a": [1, None], "s": "x", "n": 1}))
tell("json.get", lambda: [document.get("py:json"), document.get("py:json", "$..n"), document.get("py:json", ".s"), document.get("py:none")])
tell("json.mget", lambda: document.mget(["py:json", "py:none"], "$.s"))
tell("json numbers", lambda: [document.numincrby("py:json", "$.n", 1.5), document.type("py:json", "$.n"), document.type("py:json")])
tell("json arrays", lambda: [document.arrappend("py:json", "$.a", {"b": True}), document.arrlen("py:json", "$.a")])
tell("json rest", lambda: [document.objkeys("py:json"), document.strappend("py:json", "yz", "$.s"), document.toggle("py:json", "$.a[2].b"), document.clear("py:json", "$.a"), document.delete("py:json", "$.a")])
tell("json at last", lambda: document.get("py:json"))

tell("info", lambda: {name: client.info()[name] for name in ("redis_mode", "role", "loading")})
tell("info keyspace", lambda: list(client.info("keyspace")["db0"]))
tell("client", lambda: [client.client_setname("py"), client.client_getname()])
tell("client_list", lambda: [entry["cmd"] for entry in client.client_list() if entry["name"] == "py"])
tell("client_id", lambda: client.client_id() == client.client_info()["id"])
tell("config_get", lambda: client.config_get("maxmemory"))
tell("config_set", lambda: [client.config_set("notify-keyspace-events", "Kx"), client.config_get("notify-keyspace-events"), client.config_set("notify-keyspace-events", "")])
tell("command", lambda: client.command_count() == len(client.command()))
tell("command_getkeys", lambda: client.command_getkeys("MSET", "a", 1, "b", 2))
tell("time", lambda: len(client.time()))
tell("slowlog", lambda: type(client.slowlog_get()).__name__)

tell("ResponseError", lambda: client.incr("py:a"))
tell("unknown command", lambda: client.lpush("l", 1))
tell("wrong type", lambda: client.append("py:json", "x"))
tell("DB index", lambda: redis.Redis(port=OPEN_PORT, db=1).ping())
tell("AuthenticationError", lambda: redis.Redis(port=GUARDED_PORT).get("app:a"))
tell("wrong password", lambda: redis.Redis(port=GUARDED_PORT, username="app", password="guess").get("app:a"))
guarded = redis.Redis(port=GUARDED_PORT, username="app", password="p@ss")
tell("logged in", lambda: [guarded.set("app:a", 1), guarded.acl_whoami()])
tell("NoPermissionError", lambda: guarded.set("other", 1))

json.dump(results, sys.stdout)
