"""Leases: of logins, and of an engine's certificates. Leases that can be renewed come with engines that the server has not got yet."""
import json

from checks import check, same

LOGIN = "auth/userpass/login/ann"


def certificates(cli):
    cli.good("secrets", "enable", "pki")
    cli.good("write", "pki/root/generate/internal", "common_name=root.test", "key_type=ec")
    cli.good("write", "pki/roles/web", "allow_any_name=true", "generate_lease=true", "ttl=1h", "key_type=ec")
    issue = lambda: cli.json("write", "pki/issue/web", "common_name=a.test")
    made = issue()
    lease = made["lease_id"]
    check("issued", lease.startswith("pki/issue/web/") and 0 < made["lease_duration"] <= 3600, lease)
    same("lookup", cli.json("lease", "lookup", lease)["data"]["id"], lease)
    check("list", lease.removeprefix("pki/issue/web/") in cli.json("list", "sys/leases/lookup/pki/issue/web/"))
    cli.bad("lease", "renew", lease, says="not renewable")
    cli.good("lease", "revoke", "-sync", lease)
    cli.bad("lease", "lookup", lease)
    revoked = cli.json("read", f"pki/cert/{made['data']['serial_number']}")["data"]["revocation_time"]
    check("and with it the certificate", revoked > 0, revoked)
    others = [issue()["lease_id"] for _ in range(2)]
    cli.good("lease", "revoke", "-prefix", "-sync", "pki/issue/web")
    for other in others:
        cli.bad("lease", "lookup", other)


def ids(cli):
    code, out, _ = cli.run("list", f"sys/leases/lookup/{LOGIN}/", form="json")
    return {f"{LOGIN}/{key}" for key in json.loads(out)} if code == 0 else set()


def logged_in(cli):
    """A fresh token of the user ann, and the id of its lease."""
    before = ids(cli)
    token = cli.json("login", "-method=userpass", "-no-store", "username=ann", "password=ann-password-2", token="")["auth"]["client_token"]
    (lease,) = ids(cli) - before
    return token, lease


def one(cli):
    token, lease = logged_in(cli)
    data = cli.json("lease", "lookup", lease)["data"]
    check("lookup", data["id"] == lease and 0 < data["ttl"] <= 600, data)
    cli.bad("lease", "renew", lease, says="tokens cannot be renewed through this endpoint")
    cli.bad("lease", "lookup", "secret/none/1")
    cli.bad("list", f"sys/leases/lookup/{LOGIN}/", token=token, says="permission denied")
    cli.good("lease", "revoke", lease)
    cli.bad("token", "lookup", token=token, says="permission denied")
    cli.bad("lease", "lookup", lease)


def prefix(cli):
    tokens = [logged_in(cli)[0] for _ in range(2)]
    cli.bad("lease", "revoke", "-prefix", LOGIN, token=tokens[0], says="permission denied")
    cli.good("lease", "revoke", "-prefix", "-sync", LOGIN)
    for token in tokens:
        cli.bad("token", "lookup", token=token, says="permission denied")
    same("none is listed", ids(cli), set())
    token, _ = logged_in(cli)
    cli.good("lease", "revoke", "-prefix", "-force", LOGIN)
    cli.bad("token", "lookup", token=token, says="permission denied")
