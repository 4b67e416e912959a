"""Entities, aliases, groups, merging."""
from checks import check, same


def entities(server):
    identity = server.admin.secrets.identity
    made = identity.create_or_update_entity("hvac-one", metadata={"team": "red"}, policies=["hvac-read"])["data"]
    same("by id", identity.read_entity(made["id"])["data"]["name"], "hvac-one")
    same("by name", identity.read_entity_by_name("hvac-one")["data"]["metadata"], {"team": "red"})
    identity.update_entity(made["id"], name="hvac-one", metadata={"team": "blue"})
    same("updated", identity.read_entity(made["id"])["data"]["metadata"], {"team": "blue"})
    identity.create_or_update_entity_by_name("hvac-two")
    check("list", made["id"] in identity.list_entities()["data"]["keys"])
    check("list by name", {"hvac-one", "hvac-two"} <= set(identity.list_entities_by_name()["data"]["keys"]))
    same("lookup", identity.lookup_entity(name="hvac-one")["data"]["id"], made["id"])
    identity.delete_entity_by_name("hvac-two")
    server.absent("deleted", lambda: identity.read_entity_by_name("hvac-two"))
    server.denied("without a token", lambda: server.client().secrets.identity.list_entities())


def accessor(server, method):
    return server.admin.sys.list_auth_methods()["data"][method]["accessor"]


def aliases(server):
    identity, mount = server.admin.secrets.identity, accessor(server, "userpass/")
    server.admin.auth.userpass.create_or_update_user("eve", "eve-password-1")
    one = identity.read_entity_by_name("hvac-one")["data"]["id"]
    made = identity.create_or_update_entity_alias("eve", canonical_id=one, mount_accessor=mount)["data"]
    same("alias", identity.read_entity_alias(made["id"])["data"]["canonical_id"], one)
    check("list", made["id"] in identity.list_entity_aliases()["data"]["keys"])
    same("lookup by alias", identity.lookup_entity(alias_name="eve", alias_mount_accessor=mount)["data"]["id"], one)
    client = server.client()
    auth = client.auth.userpass.login("eve", "eve-password-1")["auth"]
    same("a login is that entity", (auth["entity_id"], auth["identity_policies"]), (one, ["hvac-read"]))
    same("its policies count", client.secrets.kv.v2.read_secret_version("hvac/read-me", raise_on_deleted_version=True)["data"]["data"], {"a": "b"})


def groups(server):
    identity, one = server.admin.secrets.identity, server.admin.secrets.identity.read_entity_by_name("hvac-one")["data"]["id"]
    server.admin.sys.create_or_update_policy("hvac-group", 'path "old/group" { capabilities = ["create", "update"] }')
    client = server.client()
    client.auth.userpass.login("eve", "eve-password-1")
    write = lambda: client.secrets.kv.v1.create_or_update_secret("group", {"a": "b"}, mount_point="old", method="POST")
    server.denied("not before the group", write)
    made = identity.create_or_update_group("hvac-group", policies=["hvac-group"], member_entity_ids=[one])["data"]
    write()
    same("with the group", server.admin.secrets.kv.v1.read_secret("group", mount_point="old")["data"], {"a": "b"})
    same("by name", identity.read_group_by_name("hvac-group")["data"]["member_entity_ids"], [one])
    same("lookup", identity.lookup_group(name="hvac-group")["data"]["id"], made["id"])
    check("list", made["id"] in identity.list_groups()["data"]["keys"])
    check("list by name", "hvac-group" in identity.list_groups_by_name()["data"]["keys"])
    identity.delete_group(made["id"])
    server.denied("nor after it", write)
    server.absent("deleted", lambda: identity.read_group(made["id"]))
    outside = identity.create_or_update_group("hvac-outside", group_type="external")["data"]["id"]
    identity.create_or_update_group_alias("team", mount_accessor=accessor(server, "userpass/"), canonical_id=outside)
    same("alias of a group", identity.read_group(outside)["data"]["alias"]["name"], "team")


def merge(server):
    identity = server.admin.secrets.identity
    into = identity.read_entity_by_name("hvac-one")["data"]["id"]
    other = identity.create_or_update_entity("hvac-three")["data"]["id"]
    identity.create_or_update_entity_alias("eve-robot", canonical_id=other, mount_accessor=accessor(server, "approle/"))
    identity.merge_entities(from_entity_ids=[other], to_entity_id=into)
    merged = identity.read_entity(into)["data"]
    same("merged", (merged["merged_entity_ids"], sorted(a["name"] for a in merged["aliases"])), ([other], ["eve", "eve-robot"]))
    server.absent("the other is gone", lambda: identity.read_entity_by_name("hvac-three"))
    same("nothing is found by its name", identity.lookup_entity(name="hvac-three").status_code, 204)
    server.refused("not into oneself", lambda: identity.merge_entities(from_entity_ids=[into], to_entity_id=into))
