"""Policies."""

RULE = 'path "secret/data/PP/*" {\n  capabilities = ["read"]\n}\n'


def policies(pair):
    both = pair.both
    both("policy", "write", "PP-read", "-", stdin=RULE, code=0)
    both("policy", "write", "PP-broken", "-", stdin='path "a" { capabilities = ["fly"] }', code=2)
    # A file that is not there is the server's refusal there (2), and our own here (1).
    pair.programs["p1"].bad("policy", "write", "none", "/nonexistent", code=2)
    pair.programs["p2"].bad("policy", "write", "none", "/nonexistent", code=1)
    both("policy", "read", "PP-read", code=0)
    both("policy", "read", "-format=json", "PP-read", code=0)
    both("policy", "read", "PP-none", code=2)
    both("policy", "list", "-format=json", code=0, only_code=True)
    both("policy", "list", token="", code=2)
    both("policy", "delete", "root", code=2)
    both("policy", "fmt", "/nonexistent", code=1)
    token = both("token", "create", "-policy=PP-read", "-field=token", code=0)
    both("token", "capabilities", token, "secret/data/PP/a", code=0)
    both("token", "capabilities", "-format=json", token, "sys/mounts", code=0)
    both("token", "capabilities", "sys/mounts", code=0)
    both("token", "capabilities", code=1)
    both("kv", "get", "-field=user", "secret/PP/app", token=token)
    both("kv", "put", "secret/PP/app", "a=1", token=token, code=2)
    both("policy", "delete", "PP-read", code=0)
