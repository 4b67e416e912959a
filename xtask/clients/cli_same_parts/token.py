"""Tokens and wrapping."""
import json


def tokens(pair):
    both = pair.both
    both("token", "create", "-policy=default", "-ttl=1h", "-display-name=PP", "-metadata=team=red", code=0)
    made = both("token", "create", "-policy=default", "-ttl=1h", "-format=json", only_code=True, code=0)
    auth = {name: json.loads(text)["auth"] for name, text in made.items()}
    token = {name: one["client_token"] for name, one in auth.items()}
    accessor = {name: one["accessor"] for name, one in auth.items()}
    both("token", "lookup", token, code=0)
    both("token", "lookup", "-field=policies", token=token, code=0)
    both("token", "lookup", "-format=yaml", "-accessor", accessor, code=0)
    both("token", "lookup", "s.nothing", code=2)
    both("token", "renew", "-increment=30m", token, code=0)
    both("token", "renew", "s.nothing", code=2)
    both("token", "create", token=token, code=2)
    both("token", "create", "-type=batch", "-policy=default", "-ttl=5m", "-field=token_policies", code=0)
    both("token", "revoke", "-accessor", accessor, code=0)
    both("token", "revoke", token, code=None)
    both("token", "revoke", code=1)
    both("token", "lookup", token, code=2)
    both("print", "token", token="s.printed", code=0)


def wrapping(pair):
    both = pair.both
    both("kv", "put", "secret/PP/wrapped", "a=1", code=0)
    both("kv", "get", "-wrap-ttl=60s", "secret/PP/wrapped", code=0)
    made = both("kv", "get", "-wrap-ttl=60s", "-format=json", "secret/PP/wrapped", code=0)
    wrapped = {name: json.loads(text)["wrap_info"]["token"] for name, text in made.items()}
    both("unwrap", wrapped, code=0)
    both("unwrap", wrapped, code=2)
    wrapped = both("token", "create", "-policy=default", "-wrap-ttl=60s", "-field=wrapping_token", only_code=True, code=0)
    both("unwrap", "-field=token_policies", token=wrapped, code=0)
