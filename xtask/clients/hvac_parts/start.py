"""init, unseal, seal, and what a server tells about itself."""
import requests
from hvac.exceptions import InvalidRequest, VaultDown

from checks import check, raises, same


def first_start(server):
    """Returns the unseal shares, of which two are needed."""
    client = server.client()
    raises("without the authority nothing is sent", requests.exceptions.SSLError,
           lambda: type(client)(url=server.addr).sys.read_seal_status())
    same("before init", (client.sys.is_initialized(), client.sys.is_sealed()), (False, True))
    raises("init with too high a threshold", InvalidRequest, lambda: client.sys.initialize(secret_shares=2, secret_threshold=3))
    made = client.sys.initialize(secret_shares=3, secret_threshold=2)
    same("shares", (len(set(made["keys_base64"])), len(set(made["keys"]))), (3, 3))
    check("init gives a root token", made["root_token"], made)
    raises("init a second time", InvalidRequest, client.sys.initialize)
    root = server.client(made["root_token"])
    raises("sealed, nobody is served", VaultDown, root.auth.token.lookup_self)
    unseal(client, made["keys_base64"])
    same("the root token's policies", root.auth.token.lookup_self()["data"]["policies"], ["root"])
    server.admin = root
    return made["keys_base64"]


def unseal(client, shares):
    """A share that is none, progress, reset, then enough of them."""
    raises("a share that is none", InvalidRequest, lambda: client.sys.submit_unseal_key("bm90IGEgc2hhcmU="))
    same("progress", client.sys.submit_unseal_key(shares[0])["progress"], 1)
    same("the same share again", client.sys.submit_unseal_key(shares[0])["progress"], 1)
    same("reset", client.sys.submit_unseal_key(reset=True)["progress"], 0)
    same("enough shares", client.sys.submit_unseal_keys(shares[:2])["sealed"], False)


def state(server):
    client = server.admin
    check("is_authenticated", client.is_authenticated())
    check("a made-up token is not authenticated", not server.client("s.nobody").is_authenticated())
    check("no token is not authenticated", not server.client().is_authenticated())
    status = client.sys.read_seal_status()
    same("seal status", (status["sealed"], status["initialized"], status["t"], status["n"]), (False, True, 2, 3))
    health = client.sys.read_health_status(method="GET")
    same("health", (health["initialized"], health["sealed"], health["standby"]), (True, False, False))
    same("health by HEAD", client.sys.read_health_status().status_code, 200)
    same("one node", client.sys.read_leader_status()["ha_enabled"], False)
    same("the first term of the keyring", client.sys.get_encryption_key_status()["data"]["term"], 1)
    client.sys.rotate_encryption_key()
    same("the next one", client.sys.get_encryption_key_status()["data"]["term"], 2)


def seal_and_unseal(server, shares):
    client = server.admin
    server.denied("seal without a token", server.client().sys.seal)
    client.sys.seal()
    check("sealed", client.sys.is_sealed())
    raises("sealed, no secret is read", VaultDown, lambda: client.read("secret/data/hvac/app"))
    same("health of a sealed server", client.sys.read_health_status(method="GET").status_code, 503)
    for share in shares:
        client.sys.submit_unseal_key(share)
    check("unsealed with the shares in force", not client.sys.is_sealed())
    same("what was stored is there", client.read("cubbyhole/hvac")["data"], {"kept": "yes"})
