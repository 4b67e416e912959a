"""One module for each area of commands; each takes the pair of programs."""
from . import auth, kv, operator, policy, secrets, token

AREAS = (secrets.engines, kv.version_2, kv.version_1, policy.policies, token.tokens, token.wrapping, auth.methods, auth.logins,
         secrets.leases, secrets.audit, secrets.any_path, operator.keys, operator.ceremonies)
