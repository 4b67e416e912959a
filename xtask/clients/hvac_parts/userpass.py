"""Users with passwords."""
from hvac.exceptions import Forbidden, InvalidRequest

from checks import check, raises, same


def users(server):
    users = server.admin.auth.userpass
    users.create_or_update_user("ann", "ann-password-1", policies=["hvac-read"], token_ttl="10m", token_max_ttl="20m")
    users.create_or_update_user("bob", "bob-password-1")
    same("list", users.list_user()["data"]["keys"], ["ann", "bob"])
    ann = users.read_user("ann")["data"]
    same("a user", (ann["token_policies"], ann["token_ttl"], ann["token_max_ttl"]), (["hvac-read"], 600, 1200))
    check("never a password", "password" not in str(ann), ann)
    users.delete_user("bob")
    same("deleted", users.list_user()["data"]["keys"], ["ann"])
    server.absent("a user that there is not", lambda: users.read_user("bob"))


def logins(server):
    client, wrong = server.client(), (InvalidRequest, Forbidden)
    made = client.auth.userpass.login("ann", "ann-password-1")["auth"]
    same("what a login gives", (set(made["policies"]), made["lease_duration"], made["metadata"]),
         ({"default", "hvac-read"}, 600, {"username": "ann"}))
    same("the client uses the token", client.auth.token.lookup_self()["data"]["display_name"], "userpass-ann")
    same("it may read", client.secrets.kv.v2.read_secret_version("hvac/read-me", raise_on_deleted_version=True)["data"]["data"], {"a": "b"})
    raises("a wrong password", wrong, lambda: server.client().auth.userpass.login("ann", "wrong"))
    raises("nobody", wrong, lambda: server.client().auth.userpass.login("nobody", "wrong"))
    raises("somebody deleted", wrong, lambda: server.client().auth.userpass.login("bob", "bob-password-1"))
    server.admin.auth.userpass.update_password_on_user("ann", "ann-password-2")
    raises("the old password", wrong, lambda: server.client().auth.userpass.login("ann", "ann-password-1"))
    check("the new password", server.client().auth.userpass.login("ann", "ann-password-2")["auth"]["client_token"])
    client.logout(revoke_token=True)
    server.denied("after logging out", server.client(made["client_token"]).auth.token.lookup_self)
