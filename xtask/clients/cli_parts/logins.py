"""Who comes in, by token, password or secret id, and who does not."""
import json

from checks import check, same


def by_token(cli):
    token = cli.good("token", "create", "-policy=cli-read", "-field=token").strip()
    check("never printed", token not in cli.good("login", "-no-print", token, token=""))
    cli.bad("login", "nobody", token="")
    same("no store, token alone", cli.good("login", "-no-store", "-field=token", token, token="").strip(), token)


def users(cli):
    cli.good("write", "auth/userpass/users/ann", "password=ann-password-1", "token_policies=cli-read", "token_ttl=10m")
    login = ("login", "-method=userpass", "-no-store", "username=ann")
    auth = cli.json(*login, "password=ann-password-1", token="")["auth"]
    same("what a login gives", (set(auth["policies"]), auth["lease_duration"]), ({"default", "cli-read"}, 600))
    same("it may read", cli.good("kv", "get", "-mount=secret", "-field=a", "cli/read-me", token=auth["client_token"]).strip(), "b")
    cli.bad(*login, "password=wrong", token="")
    cli.bad("login", "-method=userpass", "-no-store", "username=nobody", "password=wrong", token="")
    cli.good("write", "auth/userpass/users/ann/password", "password=ann-password-2")
    cli.bad(*login, "password=ann-password-1", token="")
    cli.good(*login, "password=ann-password-2", token="")
    same("list", cli.json("list", "auth/userpass/users"), ["ann"])


def roles(cli):
    cli.good("write", "auth/approle/role/app", "token_policies=cli-read", "token_ttl=5m")
    same("a role", cli.json("read", "auth/approle/role/app")["data"]["token_ttl"], 300)
    role = f"role_id={cli.field('role_id', 'read', 'auth/approle/role/app/role-id')}"
    secret = secret_id(cli)
    login = ("write", "auth/approle/login", role)
    auth = cli.json(*login, f"secret_id={secret}", token="")["auth"]
    same("what a login gives", (set(auth["policies"]), auth["lease_duration"]), ({"default", "cli-read"}, 300))
    same("it may read", cli.good("kv", "get", "-mount=secret", "-field=a", "cli/read-me", token=auth["client_token"]).strip(), "b")
    cli.bad(*login, "secret_id=wrong", token="")
    cli.bad("write", "auth/approle/login", "role_id=wrong", f"secret_id={secret}", token="")
    cli.good("write", "auth/approle/role/app/secret-id/destroy", f"secret_id={secret}")
    cli.bad(*login, f"secret_id={secret}", token="")
    cli.good("write", "auth/approle/role/app", "secret_id_num_uses=1")
    once = f"secret_id={secret_id(cli)}"
    cli.good(*login, once, token="")
    cli.bad(*login, once, token="")
    wrapped = cli.json("write", "-wrap-ttl=60s", "-f", "auth/approle/role/app/secret-id")["wrap_info"]["token"]
    inner = json.loads(cli.good("unwrap", form="json", token=wrapped))["data"]["secret_id"]
    cli.good(*login, f"secret_id={inner}", token="")


def secret_id(cli):
    return cli.json("write", "-f", "auth/approle/role/app/secret-id")["data"]["secret_id"]
