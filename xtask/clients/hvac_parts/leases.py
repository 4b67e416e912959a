"""Leases: of logins, and of an engine's certificates. Leases that can be renewed come with engines that the server has not got yet."""
from hvac.exceptions import Forbidden, InvalidRequest

from checks import check, same, soon

LOGIN = "auth/userpass/login/ann/"


def ids(server):
    keys = server.admin.list(f"sys/leases/lookup/{LOGIN}")
    return {LOGIN + key for key in keys["data"]["keys"]} if keys else set()


def logged_in(server):
    """A fresh client of the user ann, and the id of its lease."""
    client, before = server.client(), ids(server)
    client.auth.userpass.login("ann", "ann-password-2")
    (lease,) = ids(server) - before
    return client, lease


def fails(error, call):
    try:
        call()
    except error:
        return True
    return False


def certificates(server):
    client, sys = server.admin, server.admin.sys
    sys.enable_secrets_engine("pki")
    client.write_data("pki/root/generate/internal", data={"common_name": "root.test", "key_type": "ec"})
    client.write_data("pki/roles/web", data={"allow_any_name": True, "generate_lease": True, "ttl": "1h", "key_type": "ec"})
    issue = lambda: client.write_data("pki/issue/web", data={"common_name": "a.test"})
    made = issue()
    lease = made["lease_id"]
    check("issued", lease.startswith("pki/issue/web/") and 0 < made["lease_duration"] <= 3600, lease)
    same("lookup", sys.read_lease(lease)["data"]["id"], lease)
    check("list", lease.removeprefix("pki/issue/web/") in sys.list_leases("pki/issue/web/")["data"]["keys"])
    server.refused("it is not renewable", lambda: sys.renew_lease(lease))
    sys.revoke_lease(lease)
    soon("revoked", lambda: fails(InvalidRequest, lambda: sys.read_lease(lease)))
    cert = f"pki/cert/{made['data']['serial_number']}"
    soon("and with it the certificate", lambda: client.read(cert)["data"]["revocation_time"] > 0)
    others = [issue()["lease_id"] for _ in range(2)]
    sys.revoke_prefix("pki/issue/web")
    for other in others:
        soon("revoked by prefix", lambda: fails(InvalidRequest, lambda: sys.read_lease(other)))


def logins(server):
    sys = server.admin.sys
    client, lease = logged_in(server)
    check("list", lease.removeprefix(LOGIN) in sys.list_leases(LOGIN)["data"]["keys"])
    data = sys.read_lease(lease)["data"]
    check("lookup", data["id"] == lease and 0 < data["ttl"] <= 600, data)
    server.refused("a login is renewed as a token, not here", lambda: sys.renew_lease(lease, increment=300))
    server.refused("a lease that there is not", lambda: sys.renew_lease("secret/none/1", increment=300))
    server.denied("without sudo", lambda: client.sys.list_leases(LOGIN))
    sys.revoke_lease(lease)
    server.denied("a revoked login", client.auth.token.lookup_self)
    server.refused("its lease is gone", lambda: sys.read_lease(lease))


def prefix(server):
    sys = server.admin.sys
    clients = [logged_in(server)[0] for _ in range(2)]
    server.denied("by prefix it takes sudo", lambda: clients[0].sys.revoke_prefix(LOGIN))
    sys.revoke_prefix(LOGIN)
    for client in clients:
        soon("revoked by prefix", lambda: fails(Forbidden, client.auth.token.lookup_self))
    same("none is listed", ids(server), set())
    client, _ = logged_in(server)
    sys.revoke_force(LOGIN)
    server.denied("revoked by force", client.auth.token.lookup_self)
