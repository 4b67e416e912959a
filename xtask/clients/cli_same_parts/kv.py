"""Key-value secrets of both versions."""


def version_2(pair):
    both = pair.both
    both("kv", "put", "-mount=secret", "-cas=0", "PP/app", "user=app", "port=5432", code=0)
    both("kv", "put", "secret/PP/app", "user=app", "port=5433", code=0)
    both("kv", "put", "-mount=secret", "-field=version", "PP/app", "user=app", "port=5434", code=0)
    both("kv", "put", "secret/PP/in", "text=-", stdin="a\nb\n", code=0)
    both("kv", "put", "secret/PP/object", "-", stdin='{"a": 1, "b": [true, null], "c": {"d": "y"}, "ttl": 90}', code=0)
    for form in ("table", "json", "yaml"):
        both("kv", "get", f"-format={form}", "secret/PP/app", code=0)
        both("kv", "get", f"-format={form}", "secret/PP/object", code=0)
        both("kv", "list", f"-format={form}", "secret/PP", code=0)
        both("kv", "scan", f"-format={form}", "-mount=secret", "PP", code=0)
        both("kv", "get", f"-format={form}", "-field=b", "secret/PP/object", code=0)
    both("kv", "get", "-mount=secret", "-version=1", "PP/app", code=0)
    both("kv", "get", "-field=user", "secret/PP/app", code=0)
    both("kv", "get", "-field=nosuch", "secret/PP/app", code=1)
    both("kv", "get", "secret/PP/none", code=2)
    both("kv", "get", "-format=json", "secret/PP/none", code=2)
    both("kv", "list", "secret/PP/none", code=2)
    both("kv", "list", "-format=json", "secret/PP/none", code=2)
    both("kv", "put", "-cas=9", "secret/PP/app", "a=b", code=2)
    both("kv", "put", "secret/PP/app", code=1)
    both("kv", "get", code=1)
    both("kv", "get", "secret/PP/app", token="", code=2)
    for words in (("patch", "secret/PP/app", "port=1"), ("patch", "-method=rw", "secret/PP/app", "extra=1"), ("patch", "-remove-data=extra", "secret/PP/app", "a=1")):
        both("kv", *words, code=0)
    both("kv", "patch", "secret/PP/none", "a=1", code=2)
    both("kv", "rollback", "-version=1", "secret/PP/app", code=0)
    both("kv", "rollback", "-version=1", "-format=json", "secret/PP/app", code=0)
    both("kv", "rollback", "secret/PP/app", code=1)
    both("kv", "rollback", "-version=1", "secret/PP/none", code=2)
    lifecycle(both)
    both("kv", "get", "-output-policy", "secret/PP/app", code=0)
    both("kv", "put", "-output-policy", "secret/PP/app", "a=1", code=0)
    # Quoted otherwise there.
    both("kv", "get", "-output-curl-string", "secret/PP/app", only_code=True, code=0)
    both("kv", "get", "-format=xml", "secret/PP/app", code=1)
    both("kv", "get", "-nosuch", "secret/PP/app", code=1)


def lifecycle(both):
    both("kv", "delete", "secret/PP/app", code=0)
    both("kv", "get", "secret/PP/app", code=None)
    both("kv", "undelete", "-versions=8", "secret/PP/app", code=0)
    both("kv", "delete", "-versions=1,2", "secret/PP/app", code=0)
    both("kv", "destroy", "-versions=1", "secret/PP/app", code=0)
    both("kv", "destroy", "secret/PP/app", code=1)
    both("kv", "metadata", "put", "-max-versions=5", "-custom-metadata=owner=ann", "-custom-metadata=team=red", "secret/PP/app", code=0)
    both("kv", "metadata", "patch", "-remove-custom-metadata=team", "-cas-required", "secret/PP/app", code=0)
    both("kv", "metadata", "get", "secret/PP/app", code=0)
    both("kv", "metadata", "get", "-format=yaml", "secret/PP/app", code=0)
    both("kv", "metadata", "get", "secret/PP/none", code=2)
    both("kv", "metadata", "patch", "-max-versions=1", "secret/PP/none", code=2)
    both("kv", "metadata", "delete", "secret/PP/in", code=0)


def version_1(pair):
    both = pair.both
    both("secrets", "enable", "-path=PP-one", "-version=1", "kv", code=0)
    both("kv", "put", "PP-one/app", "a=1", "b=2", code=0)
    for form in ("table", "json", "yaml"):
        both("kv", "get", f"-format={form}", "PP-one/app", code=0)
        both("kv", "list", f"-format={form}", "PP-one", code=0)
    both("kv", "undelete", "-versions=1", "PP-one/app", code=1)
    both("kv", "rollback", "-version=1", "PP-one/app", code=2)
    both("kv", "metadata", "get", "PP-one/app", code=1)
    both("kv", "enable-versioning", "PP-one", code=0)
    both("kv", "enable-versioning", "PP-none", code=2)
