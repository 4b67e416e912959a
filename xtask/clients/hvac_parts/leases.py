"""Leases. Those of logins are the only ones so far: an engine that gives out leased secrets is not in the server yet."""
from checks import check, same

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
        server.denied("revoked by prefix", client.auth.token.lookup_self)
    same("none is listed", ids(server), set())
    client, _ = logged_in(server)
    sys.revoke_force(LOGIN)
    server.denied("revoked by force", client.auth.token.lookup_self)
