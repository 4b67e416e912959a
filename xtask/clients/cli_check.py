#!/usr/bin/env python3
"""A command line of this family (the reference's or ours) against our server: exit codes and JSON output.

    cli_check.py CLI ADDR ROOT_TOKEN FRESH_ADDR

FRESH_ADDR is a second server that nobody has initialised yet.
"""
import json
import os
import subprocess
import sys
import tempfile

from checks import check, close, same, section

cli, addr, root, fresh = sys.argv[1:5]
home = tempfile.mkdtemp()


def run(*words, token=root, at=addr, stdin=None):
    """(exit code, standard output, standard error)"""
    env = {k: v for k, v in os.environ.items() if not k.startswith(("VAULT_", "BAO_", "STRONGROOM_"))}
    env.update(HOME=home, VAULT_ADDR=at, BAO_ADDR=at, VAULT_TOKEN=token, BAO_TOKEN=token)
    done = subprocess.run([cli, *words], env=env, input=stdin, capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout, done.stderr


def good(*words, **kw):
    code, out, err = run(*words, **kw)
    check(" ".join(words), code == 0, f"exit {code}: {out}{err}")
    return out


def bad(*words, code=2, **kw):
    got, out, err = run(*words, **kw)
    check(f"{' '.join(words)} must fail", got == code, f"exit {got}: {out}{err}")
    return out + err


def parsed(*words, **kw):
    """The JSON output; flags go before the arguments."""
    at = next((i for i, w in enumerate(words) if w in PLAIN), len(words)) + 1
    return json.loads(good(*words[:at], "-format=json", *words[at:], **kw))


# The last word of a command, behind which its flags stand.
PLAIN = {"get", "put", "patch", "list", "create", "lookup", "read", "status", "init", "unseal", "unwrap"}


def kv_secrets():
    same("put", parsed("kv", "put", "-mount=secret", "cli/app", "user=app", "password=one")["data"]["version"], 1)
    same("get", parsed("kv", "get", "-mount=secret", "cli/app")["data"]["data"], {"user": "app", "password": "one"})
    same("get of a field", good("kv", "get", "-mount=secret", "-field=password", "cli/app").strip(), "one")
    same("put by the old form", parsed("kv", "put", "secret/cli/app", "user=app", "password=two")["data"]["version"], 2)
    same("an old version", good("kv", "get", "-mount=secret", "-version=1", "-field=password", "cli/app").strip(), "one")
    check("the table shows the value", "two" in good("kv", "get", "secret/cli/app"))
    good("kv", "put", "-mount=secret", "cli/stdin", "value=-", stdin="from-stdin")
    same("a value from standard input", good("kv", "get", "-mount=secret", "-field=value", "cli/stdin").strip(), "from-stdin")
    check("list", "app" in parsed("kv", "list", "-mount=secret", "cli"))
    good("kv", "delete", "-mount=secret", "cli/app")
    check("a deleted version shows no data", "two" not in good("kv", "get", "-mount=secret", "cli/app"))
    bad("kv", "get", "-mount=secret", "cli/none")
    bad("kv", "put", "-mount=secret", "-cas=9", "cli/app", "a=b")


def kv_lifecycle():
    if ours:
        return  # our own command line has only what the tour needs so far
    good("kv", "put", "-mount=secret", "cli/life", "a=1", "b=1")
    same("patch", parsed("kv", "patch", "-mount=secret", "cli/life", "a=2")["data"]["version"], 2)
    same("patched", parsed("kv", "get", "-mount=secret", "cli/life")["data"]["data"], {"a": "2", "b": "1"})
    good("kv", "delete", "-mount=secret", "cli/life")
    good("kv", "undelete", "-mount=secret", "-versions=2", "cli/life")
    good("kv", "destroy", "-mount=secret", "-versions=1", "cli/life")
    good("kv", "metadata", "put", "-mount=secret", "-custom-metadata=owner=team", "cli/life")
    data = parsed("kv", "metadata", "get", "-mount=secret", "cli/life")["data"]
    same("metadata", (data["custom_metadata"], data["versions"]["1"]["destroyed"]), ({"owner": "team"}, True))
    good("kv", "metadata", "delete", "-mount=secret", "cli/life")
    bad("kv", "metadata", "get", "-mount=secret", "cli/life")


def policies():
    text = 'path "secret/data/cli/*" {\n  capabilities = ["read"]\n}\n'
    good("policy", "write", "cli-read", "-", stdin=text)
    same("read", good("policy", "read", "cli-read").strip(), text.strip())
    check("list", "cli-read" in good("policy", "list").split())
    bad("policy", "read", "cli-none")
    bad("policy", "write", "cli-broken", "-", stdin='path "a" { capabilities = ["fly"] }')


def tokens():
    auth = parsed("token", "create", "-policy=cli-read", "-ttl=1h")["auth"]
    check("policies", set(auth["policies"]) == {"default", "cli-read"}, auth["policies"])
    token = auth["client_token"]
    good("kv", "put", "-mount=secret", "cli/shared", "a=b")
    same("the token reads", good("kv", "get", "-mount=secret", "-field=a", "cli/shared", token=token).strip(), "b")
    bad("kv", "put", "-mount=secret", "cli/shared", "a=c", token=token)
    same("lookup", parsed("token", "lookup", token)["data"]["accessor"], auth["accessor"])
    same("lookup of oneself", parsed("token", "lookup", token=token)["data"]["id"], token)
    same("one field", good("token", "create", "-policy=cli-read", "-field=token_policies") != "", True)
    good("token", "revoke", token)
    bad("kv", "get", "-mount=secret", "cli/shared", token=token)
    bad("token", "lookup", token)


def mounts_and_wrapping():
    if ours:
        return
    good("secrets", "enable", "-path=cli-kv", "-version=2", "kv")
    check("secrets list", "cli-kv/" in parsed("secrets", "list"))
    good("secrets", "disable", "cli-kv")
    check("secrets list", "cli-kv/" not in parsed("secrets", "list"))
    wrapped = parsed("token", "create", "-policy=default", "-wrap-ttl=60s")["wrap_info"]["token"]
    inner = json.loads(good("unwrap", "-format=json", wrapped))
    check("unwrapped", inner["auth"]["client_token"] != wrapped)
    bad("unwrap", wrapped)
    good("write", "cubbyhole/cli", "a=b")
    same("read", good("read", "-field=a", "cubbyhole/cli").strip(), "b")


def first_start():
    """status answers 2 while sealed, 0 when not; init and unseal as an operator does it."""
    bad("status", at=fresh)
    keys = parsed("operator", "init", "-key-shares=3", "-key-threshold=2", at=fresh)
    same("shares", (len(keys["unseal_keys_b64"]), keys["unseal_threshold"]), (3, 2))
    bad("status", at=fresh)
    good("operator", "unseal", keys["unseal_keys_b64"][0], at=fresh)
    bad("operator", "unseal", "bm90IGEgc2hhcmU=", at=fresh)
    same("progress", parsed("operator", "unseal", keys["unseal_keys_b64"][2], at=fresh)["sealed"], False)
    same("status", parsed("status", at=fresh)["sealed"], False)
    bad("operator", "init", at=fresh)
    good("operator", "seal", at=fresh, token=keys["root_token"])
    bad("kv", "get", "-mount=secret", "a", at=fresh, token=keys["root_token"])
    bad("status", at=fresh)


def words():
    check("version", "v" in good("version"))
    bad("kv", "get", code=1)
    bad("no-such-command", code=127 if not ours else 1)


ours = "strongroom" in os.path.basename(cli)
for part in (kv_secrets, kv_lifecycle, policies, tokens, mounts_and_wrapping, first_start, words):
    section(part)
close()
