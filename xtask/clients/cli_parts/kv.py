"""Key-value secrets, version 2 and version 1."""
from checks import check, same

AT = "-mount=secret"


def versions(cli):
    same("put", cli.json("kv", "put", AT, "-cas=0", "cli/app", "user=app", "password=one")["data"]["version"], 1)
    same("get", cli.json("kv", "get", AT, "cli/app")["data"]["data"], {"user": "app", "password": "one"})
    same("get of a field", cli.good("kv", "get", AT, "-field=password", "cli/app").strip(), "one")
    same("put by the old form", cli.json("kv", "put", "secret/cli/app", "user=app", "password=two")["data"]["version"], 2)
    same("an old version", cli.good("kv", "get", AT, "-version=1", "-field=password", "cli/app").strip(), "one")
    check("the table shows the value", "two" in cli.good("kv", "get", "secret/cli/app"))
    cli.good("kv", "put", AT, "cli/stdin", "value=-", stdin="from-stdin")
    same("a value from standard input", cli.good("kv", "get", AT, "-field=value", "cli/stdin").strip(), "from-stdin")
    same("list", cli.json("kv", "list", AT, "cli"), ["app", "read-me", "stdin"])
    cli.bad("kv", "get", AT, "cli/none", says="No value found")
    cli.bad("kv", "put", AT, "-cas=9", "cli/app", "a=b", says="check-and-set")
    cli.bad("kv", "get", AT, "cli/app", token="", says="permission denied")


def lifecycle(cli):
    cli.good("kv", "put", AT, "cli/life", "a=1", "b=1")
    same("patch", cli.json("kv", "patch", AT, "cli/life", "a=2")["data"]["version"], 2)
    same("patched", cli.json("kv", "get", AT, "cli/life")["data"]["data"], {"a": "2", "b": "1"})
    same("patch by reading and writing", cli.json("kv", "patch", AT, "-method=rw", "cli/life", "c=3")["data"]["version"], 3)
    same("patched", cli.json("kv", "get", AT, "cli/life")["data"]["data"], {"a": "2", "b": "1", "c": "3"})
    cli.bad("kv", "patch", AT, "cli/none", "a=2")
    cli.good("kv", "delete", AT, "cli/life")
    check("a deleted version shows no data", deleted(cli, "3"))
    cli.good("kv", "undelete", AT, "-versions=3", "cli/life")
    same("undeleted", cli.good("kv", "get", AT, "-field=c", "cli/life").strip(), "3")
    cli.good("kv", "delete", AT, "-versions=1", "cli/life")
    check("a version deleted by number", deleted(cli, "1") and not deleted(cli, "3"))
    cli.good("kv", "destroy", AT, "-versions=1", "cli/life")
    cli.good("kv", "undelete", AT, "-versions=1", "cli/life")
    same("destroyed for good", cli.json("kv", "metadata", "get", AT, "cli/life")["data"]["versions"]["1"]["destroyed"], True)


def deleted(cli, version):
    """Whether a version is shown as deleted, and its data to nobody."""
    shown = cli.json("kv", "metadata", "get", AT, "cli/life")["data"]["versions"][version]
    code, out, _ = cli.run("read", "secret/data/cli/life", f"version={version}", form="json")
    return bool(shown["deletion_time"]) and '"a"' not in out


def metadata(cli):
    cli.good("kv", "metadata", "put", AT, "-max-versions=2", "-cas-required", "-custom-metadata=owner=team", "cli/described")
    data = cli.json("kv", "metadata", "get", AT, "cli/described")["data"]
    same("metadata", (data["max_versions"], data["cas_required"], data["custom_metadata"]), (2, True, {"owner": "team"}))
    cli.bad("kv", "put", AT, "cli/described", "n=1", says="check-and-set")
    for cas in (0, 1, 2):
        cli.good("kv", "put", AT, f"-cas={cas}", "cli/described", f"n={cas}")
    same("old versions go", sorted(cli.json("kv", "metadata", "get", AT, "cli/described")["data"]["versions"]), ["2", "3"])
    cli.good("kv", "metadata", "delete", AT, "cli/described")
    cli.bad("kv", "metadata", "get", AT, "cli/described", says="No value found")


def version_1(cli):
    cli.good("kv", "put", "-mount=old", "cli/app", "a=1", "b=2")
    same("get", cli.json("kv", "get", "-mount=old", "cli/app")["data"], {"a": "1", "b": "2"})
    cli.good("kv", "put", "-mount=old", "cli/app", "a=3")
    same("a write replaces", cli.json("kv", "get", "-mount=old", "cli/app")["data"], {"a": "3"})
    same("list", cli.json("kv", "list", "-mount=old", "cli"), ["app"])
    cli.good("kv", "delete", "-mount=old", "cli/app")
    cli.bad("kv", "get", "-mount=old", "cli/app")
    cli.bad("kv", "undelete", "-mount=old", "-versions=1", "cli/app", code=1)
    cli.good("write", "cubbyhole/cli", "kept=yes")
