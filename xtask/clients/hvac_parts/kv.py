"""Key-value secrets, version 2 and version 1."""
from checks import check, same


def versions(server):
    kv, path = server.admin.secrets.kv.v2, "hvac/app"
    read = lambda **kw: kv.read_secret_version(path, raise_on_deleted_version=True, **kw)["data"]
    first = kv.create_or_update_secret(path, {"user": "app", "password": "one"}, cas=0)
    same("first version", first["data"]["version"], 1)
    same("second version", kv.create_or_update_secret(path, {"user": "app", "password": "two"})["data"]["version"], 2)
    same("read", read()["data"], {"user": "app", "password": "two"})
    same("read of an old version", read(version=1)["data"], {"user": "app", "password": "one"})
    kv.patch(path, {"password": "three"})
    same("patch keeps the rest", (read()["data"], read()["metadata"]["version"]), ({"user": "app", "password": "three"}, 3))
    server.absent("patch of what is not there", lambda: kv.patch("hvac/none", {"a": "b"}))
    server.refused("a wrong cas is refused", lambda: kv.create_or_update_secret(path, {"a": 1}, cas=1))
    same("a right cas is taken", kv.create_or_update_secret(path, {"a": 1, "b": [True, None]}, cas=3)["data"]["version"], 4)
    same("values keep their type", read()["data"], {"a": 1, "b": [True, None]})
    same("list", kv.list_secrets("hvac")["data"]["keys"], ["app", "read-me"])
    server.absent("a missing secret", lambda: kv.read_secret_version("hvac/none", raise_on_deleted_version=True))
    server.absent("a missing version", lambda: read(version=9))
    server.denied("without a token", lambda: server.client().secrets.kv.v2.read_secret_version(path, raise_on_deleted_version=True))


def deletion(server):
    kv, path = server.admin.secrets.kv.v2, "hvac/gone"
    read = lambda **kw: kv.read_secret_version(path, raise_on_deleted_version=True, **kw)["data"]["data"]
    kv.create_or_update_secret(path, {"n": 1})
    kv.create_or_update_secret(path, {"n": 2})
    kv.delete_latest_version_of_secret(path)
    server.absent("a deleted version", read)
    soft = kv.read_secret_version(path, raise_on_deleted_version=False)["data"]
    check("its metadata shows when", soft["data"] is None and soft["metadata"]["deletion_time"], soft)
    kv.undelete_secret_versions(path, [2])
    same("undeleted", read(), {"n": 2})
    kv.delete_secret_versions(path, [1])
    server.absent("a version deleted by number", lambda: read(version=1))
    kv.destroy_secret_versions(path, [1])
    kv.undelete_secret_versions(path, [1])
    server.absent("destroyed for good", lambda: read(version=1))
    versions = kv.read_secret_metadata(path)["data"]["versions"]
    same("destroyed", (versions["1"]["destroyed"], versions["2"]["destroyed"]), (True, False))
    kv.delete_metadata_and_all_versions(path)
    server.absent("all gone", lambda: kv.read_secret_metadata(path))
    server.absent("its versions too", read)


def metadata(server):
    kv, path = server.admin.secrets.kv.v2, "hvac/described"
    kv.create_or_update_secret(path, {"n": 1})
    kv.update_metadata(path, max_versions=2, cas_required=True, delete_version_after="1h", custom_metadata={"owner": "team"})
    data = kv.read_secret_metadata(path)["data"]
    same("metadata", (data["max_versions"], data["cas_required"], data["delete_version_after"], data["custom_metadata"]),
         (2, True, "1h0m0s", {"owner": "team"}))
    server.refused("cas is now required", lambda: kv.create_or_update_secret(path, {"n": 2}))
    for number in (1, 2):
        kv.create_or_update_secret(path, {"n": number + 1}, cas=number)
    same("old versions go", sorted(kv.read_secret_metadata(path)["data"]["versions"]), ["2", "3"])
    kv.configure(max_versions=20, cas_required=False)
    same("configuration of the mount", kv.read_configuration()["data"]["max_versions"], 20)


def version_1(server):
    kv = server.admin.secrets.kv.v1
    kv.create_or_update_secret("hvac/app", {"password": "one", "n": 1}, mount_point="old")
    same("read", kv.read_secret("hvac/app", mount_point="old")["data"], {"password": "one", "n": 1})
    kv.create_or_update_secret("hvac/app", {"password": "two"}, mount_point="old")
    same("a write replaces", kv.read_secret("hvac/app", mount_point="old")["data"], {"password": "two"})
    same("list", kv.list_secrets("hvac", mount_point="old")["data"]["keys"], ["app"])
    kv.delete_secret("hvac/app", mount_point="old")
    server.absent("deleted", lambda: kv.read_secret("hvac/app", mount_point="old"))
    server.absent("an empty list", lambda: kv.list_secrets("hvac", mount_point="old"))
    server.admin.write_data("cubbyhole/hvac", data={"kept": "yes"})
    same("cubbyhole by the generic calls", server.admin.read("cubbyhole/hvac")["data"], {"kept": "yes"})
