"""Secrets engines and auth methods: enable, list, tune, move, disable."""
from checks import check, same


def secrets_engines(cli):
    cli.good("secrets", "enable", "-path=secret", "-version=2", "-description=for cli", "kv")
    cli.good("secrets", "enable", "-path=old", "-version=1", "kv")
    cli.bad("secrets", "enable", "-path=secret", "kv", says="path is already in use")
    cli.bad("secrets", "enable", "no-such-engine")
    mount = cli.json("secrets", "list")["secret/"]
    same("mount", (mount["type"], mount["description"], mount["options"]), ("kv", "for cli", {"version": "2"}))
    check("the table", "for cli" in cli.good("secrets", "list"))
    cli.good("secrets", "tune", "-default-lease-ttl=1h", "-max-lease-ttl=2h", "secret")
    tuned = cli.json("read", "sys/mounts/secret/tune")["data"]
    same("tuned", (tuned["default_lease_ttl"], tuned["max_lease_ttl"]), (3600, 7200))
    cli.bad("secrets", "tune", "-default-lease-ttl=3h", "secret")
    cli.good("secrets", "enable", "-path=gone", "kv")
    cli.good("write", "gone/a", "b=c")
    cli.good("secrets", "disable", "gone")
    check("no longer listed", "gone/" not in cli.json("secrets", "list"))
    cli.bad("read", "gone/a")


def auth_methods(cli):
    cli.good("auth", "enable", "-description=people", "userpass")
    cli.good("auth", "enable", "approle")
    cli.good("auth", "enable", "-path=spare", "userpass")
    cli.bad("auth", "enable", "approle", says="path is already in use")
    table = cli.json("auth", "list")
    same("methods", (table["userpass/"]["description"], table["approle/"]["type"]), ("people", "approle"))
    cli.good("auth", "tune", "-default-lease-ttl=30m", "userpass")
    same("tuned", cli.json("read", "sys/auth/userpass/tune")["data"]["default_lease_ttl"], 1800)
    cli.good("auth", "disable", "spare")
    check("disabled", "spare/" not in cli.json("auth", "list"))
    cli.bad("auth", "list", token="", says="permission denied")


def moves(cli):
    cli.good("secrets", "enable", "-path=from", "kv")
    cli.good("write", "from/a", "b=c")
    check("moved", "Success! Finished moving" in cli.good("secrets", "move", "from", "to"))
    same("what it held is there", cli.field("b", "read", "to/a"), "c")
    cli.bad("read", "from/a")
    cli.bad("secrets", "move", "to", "secret")
    cli.good("secrets", "disable", "to")
    cli.good("auth", "enable", "-path=people", "userpass")
    cli.good("auth", "move", "auth/people", "auth/staff")
    check("a moved method", "staff/" in cli.json("auth", "list"))
    cli.good("auth", "disable", "staff")
