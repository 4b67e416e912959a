"""New unseal shares: begun and called off, then carried through with verification, by both commands for it."""
from checks import check, same

from .program import LOCAL


def cancel(cli, shares):
    """The shares stay."""
    start = ("operator", "rotate-keys", "-init", "-key-shares=2", "-key-threshold=2")
    same("none yet", cli.json("operator", "rotate-keys", "-status")["started"], False)
    cli.bad("operator", "rotate-keys", "-init", "-key-shares=1", "-key-threshold=2")
    nonce = cli.json(*start)["nonce"]
    same("progress", cli.json("operator", "rotate-keys", f"-nonce={nonce}", shares[0])["progress"], 1)
    cli.bad(*start, says="in progress")
    cli.good("operator", "rotate-keys", "-cancel")
    same("called off", cli.json("operator", "rotate-keys", "-status")["started"], False)
    cli.bad("operator", "rotate-keys", f"-nonce={nonce}", shares[0], code=LOCAL, says="in progress")


def verified(cli, shares, command):
    """Returns the new shares."""
    call = ("operator", command)
    nonce = cli.json(*call, "-init", "-key-shares=3", "-key-threshold=2", "-verify")["nonce"]
    cli.bad(*call, "-nonce=00000000-0000-0000-0000-000000000000", shares[0], says="nonce")
    cli.good(*call, f"-nonce={nonce}", shares[0])
    done = cli.json(*call, f"-nonce={nonce}", shares[1])
    new, check_nonce = done["keys_base64"], f"-nonce={done['verification_nonce']}"
    same("complete", (done["complete"], len(new)), (True, 3))
    same("half of it", cli.json(*call, "-verify", check_nonce, new[0])["progress"], 1)
    cli.good(*call, "-verify", check_nonce, new[2])
    check("over", not cli.json(*call, "-status")["started"])
    return new
