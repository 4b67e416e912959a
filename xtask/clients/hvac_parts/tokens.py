"""Tokens: create, look up, renew, revoke, by accessor, by role, with a limit of uses."""
from checks import check, same


def life(server):
    tokens = server.admin.auth.token
    made = tokens.create(policies=["hvac-read"], ttl="1h", meta={"for": "hvac"}, display_name="hvac", explicit_max_ttl="3h")["auth"]
    same("what is made", (set(made["policies"]), made["lease_duration"], made["renewable"], made["metadata"]),
         ({"default", "hvac-read"}, 3600, True, {"for": "hvac"}))
    client = server.client(made["client_token"])
    data = client.auth.token.lookup_self()["data"]
    same("lookup of oneself", (data["id"], data["display_name"], data["explicit_max_ttl"], data["orphan"], data["path"]),
         (made["client_token"], "token-hvac", 10800, False, "auth/token/create"))
    check("what is left", 3500 < data["ttl"] <= 3600, data["ttl"])
    same("lookup", tokens.lookup(made["client_token"])["data"]["accessor"], made["accessor"])
    server.denied("a token may not look up others", lambda: client.auth.token.lookup(server.admin.token))
    server.denied("nor create some", lambda: client.auth.token.create(policies=["default"]))
    tokens.revoke(made["client_token"])
    server.denied("revoked", client.auth.token.lookup_self)
    server.denied("nobody finds it", lambda: tokens.lookup(made["client_token"]))
    server.denied("without a token", server.client().auth.token.lookup_self)


def tree(server):
    tokens = server.admin.auth.token
    server.admin.sys.create_or_update_policy("hvac-parent", 'path "auth/token/create" { capabilities = ["update"] }')
    grow = lambda: server.client(tokens.create(policies=["hvac-parent"])["auth"]["client_token"])
    child_of = lambda parent: server.client(parent.auth.token.create()["auth"]["client_token"])
    parent = grow()
    child = child_of(parent)
    same("a child has its parent's policies", set(child.auth.token.lookup_self()["data"]["policies"]), {"default", "hvac-parent"})
    parent.auth.token.revoke_self()
    server.denied("a child ends with its parent", child.auth.token.lookup_self)
    parent = grow()
    child = child_of(parent)
    tokens.revoke_and_orphan_children(parent.token)
    server.denied("the parent alone", parent.auth.token.lookup_self)
    same("its child is an orphan", child.auth.token.lookup_self()["data"]["orphan"], True)
    orphan = tokens.create_orphan(policies=["default"])["auth"]
    same("an orphan from the start", tokens.lookup(orphan["client_token"])["data"]["orphan"], True)


def renewal(server):
    tokens = server.admin.auth.token
    made = tokens.create(policies=["default"], ttl="1h", explicit_max_ttl="3h")["auth"]
    client = server.client(made["client_token"])
    same("renew-self", client.auth.token.renew_self(increment="2h")["auth"]["lease_duration"], 7200)
    same("renew", tokens.renew(made["client_token"], increment="90m")["auth"]["lease_duration"], 5400)
    same("renew by accessor", tokens.renew_accessor(made["accessor"], increment="100m")["auth"]["lease_duration"], 6000)
    check("never beyond the maximum", tokens.renew(made["client_token"], increment="50h")["auth"]["lease_duration"] <= 10800)
    fixed = tokens.create(policies=["default"], ttl="1h", renewable=False)["auth"]
    same("not renewable", fixed["renewable"], False)
    server.refused("so it is not renewed", lambda: tokens.renew(fixed["client_token"]))


def accessors(server):
    tokens = server.admin.auth.token
    made = tokens.create(policies=["default"], ttl="1h")["auth"]
    check("listed", made["accessor"] in tokens.list_accessors()["data"]["keys"])
    data = tokens.lookup_accessor(made["accessor"])["data"]
    same("lookup", (data["accessor"], data["id"]), (made["accessor"], ""))
    tokens.revoke_accessor(made["accessor"])
    server.denied("revoked", server.client(made["client_token"]).auth.token.lookup_self)
    server.refused("and unknown", lambda: tokens.lookup_accessor(made["accessor"]))


def roles(server):
    tokens = server.admin.auth.token
    tokens.create_or_update_role("hvac", allowed_policies=["hvac-read"], orphan=True, token_period="2h")
    same("list", tokens.list_roles()["data"]["keys"], ["hvac"])
    role = tokens.read_role("hvac")["data"]
    same("a role", (role["allowed_policies"], role["orphan"], role["token_period"]), (["hvac-read"], True, 7200))
    made = tokens.create(role_name="hvac", policies=["hvac-read"])["auth"]
    same("a token of the role", (made["orphan"], made["lease_duration"]), (True, 7200))
    server.refused("a policy that the role does not allow", lambda: tokens.create(role_name="hvac", policies=["hvac-parent"]))
    tokens.delete_role("hvac")
    server.absent("deleted", lambda: tokens.read_role("hvac"))
    server.refused("so it makes no tokens", lambda: tokens.create(role_name="hvac", policies=["hvac-read"]))


def uses(server):
    once = server.admin.auth.token.create(policies=["hvac-read"], num_uses=2, ttl="1h")["auth"]["client_token"]
    last = server.client(once)
    same("one use is left", last.auth.token.lookup_self()["data"]["num_uses"], 1)
    last.secrets.kv.v2.read_secret_version("hvac/read-me", raise_on_deleted_version=True)
    server.denied("uses run out", last.auth.token.lookup_self)
