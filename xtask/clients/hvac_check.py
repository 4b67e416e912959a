#!/usr/bin/env python3
"""hvac against a running dev server: what a Python application does with secrets, policies, tokens, mounts, wrapping.

    hvac_check.py ADDR ROOT_TOKEN
"""
import sys

import hvac
from hvac.exceptions import Forbidden, InvalidPath, InvalidRequest

from checks import check, close, raises, same, section

addr, root = sys.argv[1:3]
client = hvac.Client(url=addr, token=root)
kv = client.secrets.kv.v2


def login_and_state():
    check("is_authenticated", client.is_authenticated())
    check("a made-up token is not authenticated", not hvac.Client(url=addr, token="s.nobody").is_authenticated())
    check("is_initialized", client.sys.is_initialized())
    check("is_sealed", not client.sys.is_sealed())
    status = client.sys.read_seal_status()
    same("seal status", (status["sealed"], status["initialized"]), (False, True))
    check("health", client.sys.read_health_status(method="GET")["initialized"])


def kv_versions():
    path = "hvac/app"
    first = kv.create_or_update_secret(path, {"user": "app", "password": "one"})
    same("first version", first["data"]["version"], 1)
    same("second version", kv.create_or_update_secret(path, {"user": "app", "password": "two"})["data"]["version"], 2)
    read = kv.read_secret_version(path, raise_on_deleted_version=True)
    same("read", read["data"]["data"], {"user": "app", "password": "two"})
    same("read of an old version", kv.read_secret_version(path, version=1, raise_on_deleted_version=True)["data"]["data"]["password"], "one")
    kv.patch(path, {"password": "three"})
    read = kv.read_secret_version(path, raise_on_deleted_version=True)["data"]
    same("patch keeps the rest", (read["data"], read["metadata"]["version"]), ({"user": "app", "password": "three"}, 3))
    raises("a wrong cas is refused", InvalidRequest, lambda: kv.create_or_update_secret(path, {"a": 1}, cas=1))
    same("a right cas is taken", kv.create_or_update_secret(path, {"a": 1}, cas=3)["data"]["version"], 4)
    same("list", kv.list_secrets("hvac")["data"]["keys"], ["app"])
    raises("a missing secret", InvalidPath, lambda: kv.read_secret_version("hvac/none", raise_on_deleted_version=True))


def kv_deletion():
    path = "hvac/gone"
    kv.create_or_update_secret(path, {"n": 1})
    kv.create_or_update_secret(path, {"n": 2})
    kv.delete_latest_version_of_secret(path)
    raises("a deleted version", InvalidPath, lambda: kv.read_secret_version(path, raise_on_deleted_version=True))
    kv.undelete_secret_versions(path, [2])
    same("undeleted", kv.read_secret_version(path, raise_on_deleted_version=True)["data"]["data"], {"n": 2})
    kv.delete_secret_versions(path, [1])
    kv.destroy_secret_versions(path, [1])
    versions = kv.read_secret_metadata(path)["data"]["versions"]
    same("destroyed", (versions["1"]["destroyed"], versions["2"]["destroyed"]), (True, False))
    kv.delete_metadata_and_all_versions(path)
    raises("all gone", InvalidPath, lambda: kv.read_secret_metadata(path))


def kv_metadata():
    path = "hvac/described"
    kv.create_or_update_secret(path, {"n": 1})
    kv.update_metadata(path, max_versions=5, cas_required=False, custom_metadata={"owner": "team"})
    data = kv.read_secret_metadata(path)["data"]
    same("metadata", (data["max_versions"], data["custom_metadata"]), (5, {"owner": "team"}))
    kv.configure(max_versions=20)
    same("configuration", kv.read_configuration()["data"]["max_versions"], 20)


def policies_and_tokens():
    client.sys.create_or_update_policy("hvac-read", 'path "secret/data/hvac/*" { capabilities = ["read"] }')
    check("policy is listed", "hvac-read" in client.sys.list_policies()["data"]["policies"])
    check("policy is read", "capabilities" in client.sys.read_policy("hvac-read")["data"]["rules"])
    made = client.auth.token.create(policies=["hvac-read"], ttl="1h")["auth"]
    check("policies of the token", set(made["policies"]) == {"default", "hvac-read"}, made["policies"])
    app = hvac.Client(url=addr, token=made["client_token"])
    kv.create_or_update_secret("hvac/read-me", {"a": "b"})
    same("the token reads", app.secrets.kv.v2.read_secret_version("hvac/read-me", raise_on_deleted_version=True)["data"]["data"], {"a": "b"})
    raises("the token may not write", Forbidden, lambda: app.secrets.kv.v2.create_or_update_secret("hvac/read-me", {"a": 1}))
    raises("the token may not list", Forbidden, lambda: app.secrets.kv.v2.list_secrets("hvac"))
    same("lookup by accessor", client.auth.token.lookup_accessor(made["accessor"])["data"]["accessor"], made["accessor"])
    check("renew-self", app.auth.token.renew_self(increment="2h")["auth"]["lease_duration"] > 3600)
    client.auth.token.revoke(made["client_token"])
    raises("a revoked token", Forbidden, app.auth.token.lookup_self)
    once = client.auth.token.create(policies=["hvac-read"], num_uses=1, ttl="1h")["auth"]["client_token"]
    last = hvac.Client(url=addr, token=once)
    last.secrets.kv.v2.read_secret_version("hvac/read-me", raise_on_deleted_version=True)
    raises("uses run out", Forbidden, last.auth.token.lookup_self)
    client.sys.delete_policy("hvac-read")
    check("policy is deleted", "hvac-read" not in client.sys.list_policies()["data"]["policies"])


def mounts():
    client.sys.enable_secrets_engine("kv", path="hvac-kv", options={"version": "2"}, description="for hvac")
    table = client.sys.list_mounted_secrets_engines()["data"]
    same("mount", (table["hvac-kv/"]["type"], table["hvac-kv/"]["description"]), ("kv", "for hvac"))
    client.sys.tune_mount_configuration("hvac-kv", default_lease_ttl="1h", max_lease_ttl="2h")
    same("tune", client.sys.read_mount_configuration("hvac-kv")["data"]["max_lease_ttl"], 7200)
    kv.create_or_update_secret("a", {"b": "c"}, mount_point="hvac-kv")
    client.sys.disable_secrets_engine("hvac-kv")
    check("unmounted", "hvac-kv/" not in client.sys.list_mounted_secrets_engines()["data"])
    raises("nothing is left", InvalidPath, lambda: client.read("hvac-kv/data/a") or kv.read_secret_metadata("a", mount_point="hvac-kv"))


def wrapping():
    wrapped = client.auth.token.create(policies=["default"], ttl="1h", wrap_ttl="60s")["wrap_info"]
    inner = hvac.Client(url=addr).sys.unwrap(token=wrapped["token"])
    check("unwrapped", inner["auth"]["client_token"] not in ("", wrapped["token"]), inner)
    raises("only once", (InvalidRequest, Forbidden), lambda: hvac.Client(url=addr).sys.unwrap(token=wrapped["token"]))
    wrapped = client.sys.wrap({"a": "b"}, ttl=60)["wrap_info"]["token"]
    same("wrap of one's own data", client.sys.unwrap(token=wrapped)["data"], {"a": "b"})


def plain_paths():
    client.write_data("cubbyhole/hvac", data={"a": "b"})
    same("cubbyhole", client.read("cubbyhole/hvac")["data"], {"a": "b"})
    client.delete("cubbyhole/hvac")
    check("deleted", client.read("cubbyhole/hvac") is None)
    caps = client.sys.get_capabilities(paths=["secret/data/hvac/x"])
    same("capabilities of the root", caps["secret/data/hvac/x"], ["root"])


for part in (login_and_state, kv_versions, kv_deletion, kv_metadata, policies_and_tokens, mounts, wrapping, plain_paths):
    section(part)
close()
