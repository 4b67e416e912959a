"""Entities, aliases, groups, merging."""
from checks import check, same


def entity(cli, name):
    return cli.json("read", f"identity/entity/name/{name}")["data"]


def accessor(cli, method):
    return f"mount_accessor={cli.json('auth', 'list')[method]['accessor']}"


def entities(cli):
    made = cli.json("write", "identity/entity", "name=cli-one", "policies=cli-read", "metadata=team=red")["data"]["id"]
    same("by id", cli.json("read", f"identity/entity/id/{made}")["data"]["name"], "cli-one")
    cli.good("write", f"identity/entity/id/{made}", "metadata=team=blue")
    same("updated", entity(cli, "cli-one")["metadata"], {"team": "blue"})
    check("list", made in cli.json("list", "identity/entity/id"))
    same("lookup", cli.field("id", "write", "identity/lookup/entity", "name=cli-one"), made)
    cli.good("write", "identity/entity", "name=cli-two")
    cli.good("delete", "identity/entity/name/cli-two")
    cli.bad("read", "identity/entity/name/cli-two")


def aliases(cli):
    one, mount = entity(cli, "cli-one")["id"], accessor(cli, "userpass/")
    cli.good("write", "auth/userpass/users/eve", "password=eve-password-1")
    made = cli.field("id", "write", "identity/entity-alias", "name=eve", f"canonical_id={one}", mount)
    same("alias", cli.json("read", f"identity/entity-alias/id/{made}")["data"]["canonical_id"], one)
    same("lookup by alias", cli.field("id", "write", "identity/lookup/entity", "alias_name=eve", f"alias_{mount}"), one)
    auth = eve(cli)
    same("a login is that entity", (auth["entity_id"], auth["identity_policies"]), (one, ["cli-read"]))
    same("its policies count", cli.good("kv", "get", "-mount=secret", "-field=a", "cli/read-me", token=auth["client_token"]).strip(), "b")


def eve(cli):
    return cli.json("login", "-method=userpass", "-no-store", "username=eve", "password=eve-password-1", token="")["auth"]


def groups(cli):
    cli.good("policy", "write", "cli-group", "-", stdin='path "old/group" { capabilities = ["create", "update"] }')
    token, one = eve(cli)["client_token"], entity(cli, "cli-one")["id"]
    cli.bad("write", "old/group", "a=b", token=token, says="permission denied")
    made = cli.field("id", "write", "identity/group", "name=cli-group", "policies=cli-group", f"member_entity_ids={one}")
    cli.good("write", "old/group", "a=b", token=token)
    same("with the group", cli.field("a", "read", "old/group"), "b")
    same("by name", cli.json("read", "identity/group/name/cli-group")["data"]["member_entity_ids"], [one])
    same("lookup", cli.field("id", "write", "identity/lookup/group", "name=cli-group"), made)
    cli.good("delete", f"identity/group/id/{made}")
    cli.bad("write", "old/group", "a=c", token=token, says="permission denied")


def merge(cli):
    into = entity(cli, "cli-one")["id"]
    other = cli.field("id", "write", "identity/entity", "name=cli-three")
    cli.good("write", "identity/entity-alias", "name=robot", f"canonical_id={other}", accessor(cli, "approle/"))
    cli.good("write", "identity/entity/merge", f"from_entity_ids={other}", f"to_entity_id={into}")
    merged = entity(cli, "cli-one")
    same("merged", (merged["merged_entity_ids"], sorted(a["name"] for a in merged["aliases"])), ([other], ["eve", "robot"]))
    cli.bad("read", "identity/entity/name/cli-three")
