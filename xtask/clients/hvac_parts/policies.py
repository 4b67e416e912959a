"""Policies: write, read, list, delete, and that they count."""
from checks import check, same

READ = 'path "secret/data/hvac/*" {\n  capabilities = ["read"]\n}\n'


def policies(server):
    client, kv = server.admin, server.admin.secrets.kv.v2
    client.sys.create_or_update_policy("hvac-read", READ)
    check("listed", "hvac-read" in client.sys.list_policies()["data"]["policies"])
    same("read", client.sys.read_policy("hvac-read")["data"]["rules"], READ)
    client.sys.create_or_update_acl_policy("hvac-acl", READ)
    same("read as ACL policy", client.sys.read_acl_policy("hvac-acl")["data"]["policy"], READ)
    check("listed as ACL policy", "hvac-acl" in client.sys.list_acl_policies()["data"]["keys"])
    client.sys.delete_acl_policy("hvac-acl")
    server.absent("deleted", lambda: client.sys.read_acl_policy("hvac-acl"))
    server.refused("a capability that there is not",
                   lambda: client.sys.create_or_update_policy("broken", 'path "a" { capabilities = ["fly"] }'))
    server.refused("text that is none", lambda: client.sys.create_or_update_policy("broken", "path {"))
    server.refused("root stays", lambda: client.sys.delete_policy("root"))
    kv.create_or_update_secret("hvac/read-me", {"a": "b"})
    reader(server, client.auth.token.create(policies=["hvac-read"])["auth"]["client_token"])
    same("capabilities of root", client.sys.get_capabilities(paths=["secret/data/hvac/x"])["secret/data/hvac/x"], ["root"])


def reader(server, token):
    """What a holder of that policy may do, and how a change of it counts at once."""
    client = server.client(token)
    kv = client.secrets.kv.v2
    read = lambda: kv.read_secret_version("hvac/read-me", raise_on_deleted_version=True)
    same("it may read", read()["data"]["data"], {"a": "b"})
    server.denied("it may not write", lambda: kv.create_or_update_secret("hvac/read-me", {"a": 1}))
    server.denied("it may not list", lambda: kv.list_secrets("hvac"))
    server.denied("nor write policies", lambda: client.sys.create_or_update_policy("hvac-read", READ))
    same("its capabilities", server.admin.sys.get_capabilities(token=token, paths=["secret/data/hvac/x"])["data"]["capabilities"],
         ["read"])
    server.admin.sys.create_or_update_policy("hvac-read", 'path "secret/data/hvac/*" { capabilities = ["deny"] }')
    server.denied("a changed policy counts at once", read)
    server.admin.sys.create_or_update_policy("hvac-read", READ)
    same("and back", read()["data"]["data"], {"a": "b"})
