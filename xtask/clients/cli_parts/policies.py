"""Policies: write, read, list, delete, and that they count."""
from checks import check, same

READ = 'path "secret/data/cli/*" {\n  capabilities = ["read"]\n}\n'


def policies(cli):
    cli.good("policy", "write", "cli-read", "-", stdin=READ)
    same("read", cli.good("policy", "read", "cli-read").strip(), READ.strip())
    cli.good("policy", "write", "cli-spare", "-", stdin=READ)
    check("list", {"cli-read", "cli-spare"} <= set(cli.good("policy", "list").split()))
    cli.good("policy", "delete", "cli-spare")
    cli.bad("policy", "read", "cli-spare")
    cli.bad("policy", "write", "cli-broken", "-", stdin='path "a" { capabilities = ["fly"] }')
    cli.bad("policy", "delete", "root")
    cli.good("kv", "put", "-mount=secret", "cli/read-me", "a=b")
    reader(cli, cli.good("token", "create", "-policy=cli-read", "-field=token").strip())


def reader(cli, token):
    """What a holder of that policy may do, and how a change of it counts at once."""
    read = ("kv", "get", "-mount=secret", "-field=a", "cli/read-me")
    same("it may read", cli.good(*read, token=token).strip(), "b")
    cli.bad("write", "secret/data/cli/read-me", "a=b", token=token, says="permission denied")
    cli.bad("list", "secret/metadata/cli", token=token, says="permission denied")
    cli.bad("policy", "write", "cli-read", "-", token=token, stdin=READ, says="permission denied")
    same("its capabilities", cli.json("write", "sys/capabilities-self", "paths=secret/data/cli/x", token=token)["data"]["capabilities"], ["read"])
    cli.good("policy", "write", "cli-read", "-", stdin=READ.replace("read", "deny"))
    cli.bad(*read, token=token, says="403")
    cli.good("policy", "write", "cli-read", "-", stdin=READ)
    same("and back", cli.good(*read, token=token).strip(), "b")
