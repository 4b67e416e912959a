"""Seal, keys and key ceremonies. Only one ceremony runs at a time, so both programs take turns."""
import json


def keys(pair):
    both = pair.both
    # The date of a build is shown by the reference where its own server tells it.
    both("status", only_code=True, code=0)
    both("status", "-format=json", code=0)
    both("status", "-field=sealed", code=0)
    both("operator", "init", "-status", code=0)
    both("operator", "init", code=2)
    both("operator", "key-status", code=0, only_code=True)
    both("operator", "rotate", code=0, only_code=True)
    both("operator", "rotate", token="", code=2)
    both("operator", "members", token="", code=2)
    both("operator", "step-down", code=2)
    for program in pair.programs.values():
        program.good("operator", "seal")
        program.bad("status")
        program.bad("kv", "get", "secret/a", says="sealed")
        program.good("operator", "unseal", pair.shares[0])
        program.good("operator", "unseal", pair.shares[1])
    both("operator", "unseal", pair.shares[0], only_code=True, code=0)


def ceremonies(pair):
    for name, program in pair.programs.items():
        program.good("operator", "rekey", "-status", token="")
        nonce = json.loads(program.good("operator", "rekey", "-init", "-key-shares=2", "-key-threshold=2", "-format=json", token=""))["nonce"]
        program.good("operator", "rekey", f"-nonce={nonce}", pair.shares[0], token="")
        program.good("operator", "rekey", "-cancel")
        otp = program.good("operator", "generate-root", "-generate-otp").strip()
        program.good("operator", "generate-root", "-init", f"-otp={otp}")
        status = json.loads(program.good("operator", "generate-root", "-status", "-format=json"))
        for share in pair.shares[:2]:
            status = json.loads(program.good("operator", "generate-root", f"-nonce={status['nonce']}", "-format=json", share))
        made = program.good("operator", "generate-root", f"-decode={status['encoded_token']}", f"-otp={otp}").strip()
        program.good("token", "lookup", token=made)
        program.good("token", "revoke", "-self", token=made)
