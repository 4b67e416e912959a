"""Answers behind a token that opens once."""
from checks import same


def answers(cli):
    info = cli.json("token", "create", "-policy=default", "-wrap-ttl=60s")["wrap_info"]
    looked = cli.json("write", "sys/wrapping/lookup", f"token={info['token']}")["data"]
    same("lookup", (looked["creation_ttl"], looked["creation_path"]), (60, "auth/token/create"))
    again = cli.json("write", "sys/wrapping/rewrap", f"token={info['token']}")["wrap_info"]["token"]
    cli.bad("unwrap", info["token"])
    inner = cli.json("unwrap", again, token="")["auth"]["client_token"]
    same("what was wrapped", cli.json("token", "lookup", token=inner)["data"]["policies"], ["default"])
    cli.bad("unwrap", again)
    cli.bad("write", "sys/wrapping/lookup", f"token={again}", says="wrapping token")
    cli.bad("unwrap", "s.nothing")


def own_data(cli):
    wrap = lambda: cli.json("write", "-wrap-ttl=60s", "sys/wrapping/wrap", "a=b")["wrap_info"]["token"]
    same("unwrapped", cli.json("unwrap", wrap())["data"], {"a": "b"})
    same("one field", cli.good("unwrap", "-field=a", wrap()).strip(), "b")
    secret = cli.json("kv", "get", "-mount=secret", "-wrap-ttl=60s", "cli/read-me")["wrap_info"]["token"]
    same("a wrapped secret", cli.json("unwrap", token=secret)["data"]["data"], {"a": "b"})
    cli.bad("token", "lookup", token=wrap(), says="permission denied")
