"""Secrets engines, leases, audit devices and commands of any path."""
import json


def engines(pair):
    both = pair.both
    pair.programs["p1"].good("secrets", "enable", "-path=secret", "-version=2", "kv")
    both("secrets", "enable", "-path=PP-kv", "-description=of PP", "-max-lease-ttl=2h", "-version=2", "kv", code=0)
    both("secrets", "enable", "-path=PP-kv", "kv", code=2)
    both("secrets", "enable", "nosuch", code=2)
    both("secrets", "list", code=0)
    both("secrets", "list", "-format=json", code=0)
    # It shows fields that are empty too.
    both("secrets", "list", "-format=yaml", only_code=True, code=0)
    both("secrets", "list", token="", code=2)
    both("secrets", "tune", "-description=changed", "-default-lease-ttl=30m", "PP-kv", code=0)
    both("secrets", "tune", "PP-none", code=2)
    both("read", "sys/mounts/PP-kv/tune", code=0)
    both("secrets", "move", "PP-kv", "PP-moved", code=0)
    both("secrets", "move", "PP-none", "PP-other", code=2)
    both("secrets", "disable", "PP-moved", code=0)
    both("secrets", "enable", code=1)


def leases(pair):
    both = pair.both
    both("secrets", "enable", "-path=PP-pki", "pki", code=0)
    both("write", "-field=issuer_id", "PP-pki/root/generate/internal", "common_name=root.test", "key_type=ec", code=0)
    both("write", "PP-pki/roles/web", "allow_any_name=true", "generate_lease=true", "ttl=1h", "key_type=ec", only_code=True, code=0)
    made = both("write", "-format=json", "PP-pki/issue/web", "common_name=a.test", only_code=True, code=0)
    lease = {name: json.loads(text)["lease_id"] for name, text in made.items()}
    both("lease", "lookup", lease, code=0)
    both("lease", "lookup", "-format=json", lease, only_code=True, code=0)
    both("lease", "lookup", "nosuch", code=2)
    both("lease", "renew", "nosuch", code=2)
    both("lease", "revoke", "-sync", lease, only_code=True, code=0)
    both("lease", "revoke", "-prefix", "-sync", "PP-pki/issue", code=0)
    both("lease", "revoke", "-force", "-prefix", "PP-pki/issue", code=0)
    both("lease", "revoke", "-force", "PP-pki/issue/a", code=1)
    both("secrets", "disable", "PP-pki", code=0)


def audit(pair):
    both = pair.both
    both("audit", "list", token="", code=2)
    both("audit", "enable", "file", "file_path=/tmp/PP", code=2)
    both("audit", "disable", "PP-none", code=0)
    both("audit", "list", "-format=json", code=0)


def any_path(pair):
    both = pair.both
    both("write", "secret/data/PP/any", "-", stdin='{"data": {"user": "ann"}}', code=0)
    both("write", "-f", "secret/metadata/PP/any", code=None)
    both("write", "secret/data/PP/any", code=1)
    both("write", "secret/data/PP/any", "nosense", code=1)
    for form in ("table", "json", "yaml"):
        both("read", f"-format={form}", "secret/data/PP/any", code=0)
        both("list", f"-format={form}", "secret/metadata/PP", code=0)
        both("scan", f"-format={form}", "secret/metadata/PP", code=0)
    both("read", "-field=data", "secret/data/PP/any", code=0)
    both("read", "secret/data/PP/none", code=2)
    both("patch", "secret/data/PP/any", "-", stdin='{"data": {"user": "bob"}}', code=0)
    both("patch", "secret/data/PP/any", code=1)
    both("list", "-format=raw", "secret/metadata", code=1)
    both("delete", "secret/data/PP/any", code=0)
    both("delete", "-output-policy", "secret/data/PP/any", code=0)
    both("path-help", "PP-nosuch/a", code=2)
    both("plugin", "list", "auth", code=0)
    both("plugin", "info", "-field=name", "secret", "kv", code=0)
    both("plugin", "info", "secret", "nosuch", code=2)
    both("read", "-header=X-Vault-A=b", "secret/config", code=None)
    both("read", "-header=X-Other=b", "-field=max_versions", "secret/config", code=0)
