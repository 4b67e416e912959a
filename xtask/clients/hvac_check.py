#!/usr/bin/env python3
"""hvac against a server that nobody has initialised: init, unseal, and then all that an application or an operator does.

    hvac_check.py ADDR CA_FILE

hvac has no calls of its own for `wrapping/lookup` and `wrapping/rewrap`; its generic `write_data` serves for those.
"""
import sys

from checks import check, close, section
from hvac_parts import approle, identity, kv, leases, mounts, policies, rekey, start, tokens, userpass, wrapping
from hvac_parts.server import Server

server = Server(*sys.argv[1:3])
shares = section(start.first_start, server)
if shares is None:
    check("everything behind the first start", False, "not run")
    close()
PARTS = (
    start.state, mounts.secrets_engines, mounts.auth_methods, mounts.remount, policies.policies,
    kv.versions, kv.deletion, kv.metadata, kv.version_1, userpass.users, userpass.logins, approle.roles, approle.logins,
    tokens.life, tokens.tree, tokens.renewal, tokens.accessors, tokens.roles, tokens.uses, wrapping.responses, wrapping.own_data,
    leases.certificates, leases.logins, leases.prefix, identity.entities, identity.aliases, identity.groups, identity.merge,
)
for part in PARTS:
    section(part, server)
shares = section(rekey.cancel_and_verify, server, shares) or shares
section(start.seal_and_unseal, server, shares)
close()
