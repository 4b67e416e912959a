"""Tokens: create, look up, renew, revoke, by accessor, by role, with a limit of uses."""
from checks import check, same


def life(cli):
    auth = cli.json("token", "create", "-policy=cli-read", "-ttl=1h", "-metadata=for=cli", "-display-name=cli")["auth"]
    same("what is made", (set(auth["policies"]), auth["lease_duration"]), ({"default", "cli-read"}, 3600))
    token = auth["client_token"]
    same("lookup", cli.json("token", "lookup", token)["data"]["accessor"], auth["accessor"])
    own = cli.json("token", "lookup", token=token)["data"]
    same("lookup of oneself", (own["id"], own["meta"], own["display_name"]), (token, {"for": "cli"}, "token-cli"))
    cli.bad("token", "lookup", cli.root, token=token, says="permission denied")
    cli.bad("token", "create", token=token, says="permission denied")
    cli.good("token", "revoke", token)
    cli.bad("kv", "get", "-mount=secret", "cli/read-me", token=token, says="permission denied")
    cli.bad("token", "lookup", token)
    last = cli.good("token", "create", "-policy=default", "-use-limit=1", "-field=token").strip()
    cli.good("token", "lookup", token=last)
    cli.bad("token", "lookup", token=last, says="permission denied")


def tree(cli):
    cli.good("policy", "write", "cli-parent", "-", stdin='path "auth/token/create" { capabilities = ["update"] }')
    grow = lambda: cli.good("token", "create", "-policy=cli-parent", "-field=token").strip()
    child_of = lambda parent: cli.good("token", "create", "-field=token", token=parent).strip()
    parent = grow()
    child = child_of(parent)
    cli.good("token", "revoke", "-self", token=parent)
    cli.bad("token", "lookup", token=child, says="permission denied")
    parent = grow()
    child = child_of(parent)
    cli.good("token", "revoke", "-mode=orphan", parent)
    cli.bad("token", "lookup", token=parent)
    same("its child is an orphan", cli.json("token", "lookup", token=child)["data"]["orphan"], True)
    orphan = cli.json("token", "create", "-orphan", "-policy=default")["auth"]
    same("an orphan from the start", orphan["orphan"], True)


def renewal(cli):
    auth = cli.json("token", "create", "-policy=default", "-ttl=1h", "-explicit-max-ttl=3h")["auth"]
    token = auth["client_token"]
    renewed = lambda *words, **kw: cli.json("token", "renew", *words, **kw)["auth"]["lease_duration"]
    same("renew oneself", renewed("-increment=2h", token=token), 7200)
    same("renew", renewed("-increment=90m", token), 5400)
    same("renew by accessor", renewed("-increment=100m", "-accessor", auth["accessor"]), 6000)
    check("never beyond the maximum", renewed("-increment=50h", token) <= 10800)
    fixed = cli.json("token", "create", "-policy=default", "-ttl=1h", "-renewable=false")["auth"]["client_token"]
    cli.bad("token", "renew", fixed, says="not renewable")


def accessors(cli):
    auth = cli.json("token", "create", "-policy=default")["auth"]
    check("listed", auth["accessor"] in cli.json("list", "auth/token/accessors"))
    same("lookup", cli.json("token", "lookup", "-accessor", auth["accessor"])["data"]["id"], "")
    cli.good("token", "revoke", "-accessor", auth["accessor"])
    cli.bad("token", "lookup", token=auth["client_token"], says="permission denied")
    cli.bad("token", "lookup", "-accessor", auth["accessor"], says="invalid accessor")


def roles(cli):
    cli.good("write", "auth/token/roles/cli", "allowed_policies=cli-read", "orphan=true", "token_period=2h")
    same("list", cli.json("list", "auth/token/roles"), ["cli"])
    auth = cli.json("token", "create", "-role=cli", "-policy=cli-read")["auth"]
    same("a token of the role", (auth["orphan"], auth["lease_duration"]), (True, 7200))
    cli.bad("token", "create", "-role=cli", "-policy=cli-parent")
    cli.good("delete", "auth/token/roles/cli")
    cli.bad("token", "create", "-role=cli", "-policy=cli-read")
