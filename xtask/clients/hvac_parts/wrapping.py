"""Answers behind a token that opens once."""
from hvac.exceptions import Forbidden, InvalidRequest

from checks import raises, same

USED = (InvalidRequest, Forbidden)


def responses(server):
    client = server.admin
    info = client.auth.token.create(policies=["default"], ttl="1h", wrap_ttl="60s")["wrap_info"]
    same("what is told", (info["ttl"], info["creation_path"]), (60, "auth/token/create"))
    looked = client.write_data("sys/wrapping/lookup", data={"token": info["token"]})["data"]
    same("lookup", (looked["creation_ttl"], looked["creation_path"]), (60, "auth/token/create"))
    again = client.write_data("sys/wrapping/rewrap", data={"token": info["token"]})["wrap_info"]
    raises("a rewrapped token is used up", USED, server.client(info["token"]).sys.unwrap)
    same("it keeps its life and origin", (again["ttl"], again["creation_path"]), (60, "auth/token/create"))
    inner = server.client(again["token"]).sys.unwrap()["auth"]
    same("what was wrapped", inner["client_token"], server.client(inner["client_token"]).auth.token.lookup_self()["data"]["id"])
    raises("a used-up token", USED, lambda: client.sys.unwrap(token=again["token"]))
    raises("its lookup", USED, lambda: client.write_data("sys/wrapping/lookup", data={"token": again["token"]}))
    raises("a token that is none", USED, lambda: client.sys.unwrap(token="s.nothing"))


def own_data(server):
    client = server.admin
    token = client.sys.wrap({"a": "b", "n": [1]}, ttl=60)["wrap_info"]["token"]
    same("unwrapped", client.sys.unwrap(token=token)["data"], {"a": "b", "n": [1]})
    raises("once", USED, server.client(token).sys.unwrap)
    secret = client.read("secret/data/hvac/read-me", wrap_ttl="60s")["wrap_info"]
    same("a wrapped secret", server.client(secret["token"]).sys.unwrap()["data"]["data"], {"a": "b"})
    token = client.sys.wrap({"a": "b"}, ttl=60)["wrap_info"]["token"]
    server.denied("a wrapping token serves nothing else", server.client(token).auth.token.lookup_self)
    raises("and is spent by trying", USED, server.client(token).sys.unwrap)
