"""Secrets engines and auth methods: enable, list, tune, move, disable."""
import time

from hvac.exceptions import InvalidRequest

from checks import check, raises, same


def secrets_engines(server):
    sys = server.admin.sys
    sys.enable_secrets_engine("kv", path="secret", options={"version": "2"}, description="for hvac")
    sys.enable_secrets_engine("kv", path="old", options={"version": "1"})
    server.refused("a path that is taken", lambda: sys.enable_secrets_engine("kv", path="secret"))
    server.refused("an engine that there is not", lambda: sys.enable_secrets_engine("no-such-engine", path="none"))
    table = sys.list_mounted_secrets_engines()["data"]
    same("mount", (table["secret/"]["type"], table["secret/"]["description"], table["secret/"]["options"]),
         ("kv", "for hvac", {"version": "2"}))
    same("one option", sys.retrieve_mount_option("old", "version"), "1")
    sys.tune_mount_configuration("secret", default_lease_ttl="1h", max_lease_ttl="2h", description="tuned")
    tuned = sys.read_mount_configuration("secret")["data"]
    same("tuned", (tuned["default_lease_ttl"], tuned["max_lease_ttl"], tuned["description"]), (3600, 7200, "tuned"))
    raises("a default above the maximum", InvalidRequest,
           lambda: sys.tune_mount_configuration("secret", default_lease_ttl="3h", max_lease_ttl="2h"))
    disable(server)


def disable(server):
    sys = server.admin.sys
    sys.enable_secrets_engine("kv", path="gone", options={"version": "1"})
    server.admin.secrets.kv.v1.create_or_update_secret("a", {"b": "c"}, mount_point="gone")
    sys.disable_secrets_engine("gone")
    check("no longer listed", "gone/" not in sys.list_mounted_secrets_engines()["data"])
    check("nothing is left", server.admin.read("gone/a") is None)
    sys.enable_secrets_engine("kv", path="gone", options={"version": "1"})
    server.absent("a new mount is empty", lambda: server.admin.secrets.kv.v1.read_secret("a", mount_point="gone"))
    sys.disable_secrets_engine("gone")


def auth_methods(server):
    sys = server.admin.sys
    sys.enable_auth_method("userpass", description="people")
    sys.enable_auth_method("approle")
    sys.enable_auth_method("userpass", path="spare")
    server.refused("a path that is taken", lambda: sys.enable_auth_method("approle"))
    table = sys.list_auth_methods()["data"]
    same("methods", (table["userpass/"]["description"], table["approle/"]["type"], table["token/"]["type"]),
         ("people", "approle", "token"))
    sys.tune_auth_method("userpass", default_lease_ttl="30m", description="tuned")
    tuned = sys.read_auth_method_tuning("userpass")["data"]
    same("tuned", (tuned["default_lease_ttl"], tuned["description"]), (1800, "tuned"))
    sys.disable_auth_method("spare")
    check("disabled", "spare/" not in sys.list_auth_methods()["data"])
    server.denied("without a token", server.client().sys.list_auth_methods)


def ended(client, number):
    """The state of a move once it is over."""
    for _ in range(100):
        state = client.read(f"sys/remount/status/{number}")["data"]["migration_info"]["status"]
        if state != "in-progress":
            return state
        time.sleep(0.05)


def remount(server):
    client = server.admin
    client.sys.enable_secrets_engine("kv", path="from", options={"version": "1"})
    client.secrets.kv.v1.create_or_update_secret("a", {"b": "c"}, mount_point="from")
    moved = client.sys.move_backend("from", "to")
    same("state of the move", ended(client, moved["migration_id"]), "success")
    same("what it held is there", client.secrets.kv.v1.read_secret("a", mount_point="to")["data"], {"b": "c"})
    check("and nothing at the old place", "from/" not in client.sys.list_mounted_secrets_engines()["data"])
    server.refused("a move onto another mount", lambda: client.sys.move_backend("to", "secret"))
    client.sys.disable_secrets_engine("to")
