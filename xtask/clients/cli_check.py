#!/usr/bin/env python3
"""A command line of this family (the reference's or ours) against a server that nobody has initialised: exit codes and output.

    cli_check.py CLI ADDR CA_FILE

Neither has commands for users, roles, identity, capabilities of paths or rewrapping: `read`, `write`, `list` and `delete` serve for those.
"""
import sys

from checks import check, close, section
from cli_parts import identity, kv, leases, logins, mounts, policies, rekey, start, tokens, wrapping
from cli_parts.program import Program

cli = Program(*sys.argv[1:4])
shares = section(start.first_start, cli)
if shares is None:
    check("everything behind the first start", False, "not run")
    close()
PARTS = (
    start.words, start.state, mounts.secrets_engines, mounts.auth_methods, mounts.moves, policies.policies,
    kv.versions, kv.lifecycle, kv.metadata, kv.version_1, logins.by_token, logins.users, logins.roles,
    tokens.life, tokens.tree, tokens.renewal, tokens.accessors, tokens.roles, wrapping.answers, wrapping.own_data,
    leases.certificates, leases.one, leases.prefix, identity.entities, identity.aliases, identity.groups, identity.merge,
)
for part in PARTS:
    section(part, cli)
shares = section(rekey.cancel, cli, shares) or shares
for command in ("rotate-keys", "rekey"):
    shares = section(rekey.verified, cli, shares, command) or shares
section(start.seal_and_unseal, cli, shares)
close()
