"""init, unseal, seal, status: as an operator does it."""
from checks import check, same

from .program import LOCAL


def first_start(cli):
    """Returns the unseal shares, of which two are needed. `status` answers 2 while sealed."""
    cli.bad("status", ca="/dev/null", code=LOCAL)
    cli.bad("status")
    same("before init", cli.run("operator", "init", "-status")[0], 2)
    cli.bad("operator", "init", "-key-shares=2", "-key-threshold=3")
    made = cli.json("operator", "init", "-key-shares=3", "-key-threshold=2")
    shares = made["unseal_keys_b64"]
    same("shares", (len(set(shares)), len(set(made["unseal_keys_hex"])), made["unseal_threshold"]), (3, 3, 2))
    cli.root = made["root_token"]
    same("after init", cli.run("operator", "init", "-status")[0], 0)
    cli.bad("operator", "init", says="already initialized")
    cli.bad("status")
    cli.bad("token", "lookup", says="sealed")
    same("progress", cli.json("operator", "unseal", shares[0])["progress"], 1)
    cli.bad("operator", "unseal", "bm90IGEgc2hhcmU=")
    same("reset", cli.json("operator", "unseal", "-reset")["progress"], 0)
    cli.good("operator", "unseal", shares[1])
    same("enough shares", cli.json("operator", "unseal", shares[2])["sealed"], False)
    return shares


def words(cli):
    check("version", "v" in cli.good("version"))
    cli.bad("kv", "get", code=LOCAL)
    cli.bad("no-such-command", code=LOCAL if cli.is_ours else 127)


def state(cli):
    status = cli.json("status")
    same("status", (status["sealed"], status["initialized"], status["t"], status["n"]), (False, True, 2, 3))
    check("its table", "Sealed" in cli.good("status"))
    same("the first term of the keyring", cli.json("operator", "key-status")["term"], 1)
    cli.good("operator", "rotate")
    same("the next one", cli.json("operator", "key-status")["term"], 2)
    cli.bad("operator", "rotate", token="", says="permission denied")


def seal_and_unseal(cli, shares):
    cli.bad("operator", "seal", token="", says="permission denied")
    cli.good("operator", "seal")
    cli.bad("status")
    cli.bad("kv", "get", "-mount=secret", "cli/app", says="sealed")
    for share in shares:
        cli.good("operator", "unseal", share)
    same("unsealed with the shares in force", cli.json("status")["sealed"], False)
    same("what was stored is there", cli.field("kept", "read", "cubbyhole/cli"), "yes")
