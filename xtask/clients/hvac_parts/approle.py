"""Machines that log in with a role and a secret id."""
from hvac.exceptions import Forbidden, InvalidRequest

from checks import check, raises, same


def roles(server):
    roles = server.admin.auth.approle
    roles.create_or_update_approle("app", token_policies=["hvac-read"], token_ttl="5m", secret_id_num_uses=0)
    roles.create_or_update_approle("spare")
    same("list", roles.list_roles()["data"]["keys"], ["app", "spare"])
    role = roles.read_role("app")["data"]
    same("a role", (role["token_policies"], role["token_ttl"], role["bind_secret_id"]), (["hvac-read"], 300, True))
    roles.update_role_id("app", "hvac-role-id")
    same("a chosen role id", roles.read_role_id("app")["data"]["role_id"], "hvac-role-id")
    roles.delete_role("spare")
    server.absent("deleted", lambda: roles.read_role("spare"))


def logins(server):
    roles, wrong = server.admin.auth.approle, (InvalidRequest, Forbidden)
    made = roles.generate_secret_id("app", metadata={"host": "one"})["data"]
    client = server.client()
    auth = client.auth.approle.login("hvac-role-id", made["secret_id"])["auth"]
    same("what a login gives", (set(auth["policies"]), auth["lease_duration"], auth["metadata"]["role_name"], auth["metadata"]["host"]),
         ({"default", "hvac-read"}, 300, "app", "one"))
    same("it may read", client.secrets.kv.v2.read_secret_version("hvac/read-me", raise_on_deleted_version=True)["data"]["data"], {"a": "b"})
    raises("a wrong secret id", wrong, lambda: server.client().auth.approle.login("hvac-role-id", "wrong"))
    raises("a wrong role id", wrong, lambda: server.client().auth.approle.login("wrong", made["secret_id"]))
    secret_ids(server, made, wrong)


def secret_ids(server, made, wrong):
    roles, login = server.admin.auth.approle, server.client().auth.approle.login
    same("by the secret id", roles.read_secret_id("app", made["secret_id"])["data"]["secret_id_accessor"], made["secret_id_accessor"])
    same("list of accessors", roles.list_secret_id_accessors("app")["data"]["keys"], [made["secret_id_accessor"]])
    same("by accessor", roles.read_secret_id_accessor("app", made["secret_id_accessor"])["data"]["metadata"], {"host": "one"})
    roles.destroy_secret_id("app", made["secret_id"])
    raises("a destroyed secret id", wrong, lambda: login("hvac-role-id", made["secret_id"]))
    roles.create_custom_secret_id("app", "hvac-secret-id")
    check("a chosen secret id", login("hvac-role-id", "hvac-secret-id")["auth"]["client_token"])
    roles.create_or_update_approle("app", token_policies=["hvac-read"], token_ttl="5m", secret_id_num_uses=1)
    once = roles.generate_secret_id("app")["data"]
    check("its only use", login("hvac-role-id", once["secret_id"])["auth"]["client_token"])
    raises("a used-up secret id", wrong, lambda: login("hvac-role-id", once["secret_id"]))
    wrapped = roles.generate_secret_id("app", wrap_ttl="60s")["wrap_info"]
    inner = server.client(wrapped["token"]).sys.unwrap()["data"]
    check("a wrapped secret id logs in", login("hvac-role-id", inner["secret_id"])["auth"]["client_token"])
