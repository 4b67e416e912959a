"""New unseal shares: begun and called off, then carried through with verification."""
from hvac.exceptions import InternalServerError, InvalidRequest

from checks import check, raises, same


REFUSED = (InvalidRequest, InternalServerError)  # the reference calls it an error of its own


def cancel_and_verify(server, shares):
    """Returns the new shares."""
    sys = server.client().sys  # no token: the shares are the right
    same("none yet", sys.read_rekey_progress()["started"], False)
    raises("too high a threshold", REFUSED, lambda: sys.start_rekey(secret_shares=1, secret_threshold=2))
    sys.start_rekey(secret_shares=2, secret_threshold=2)
    sys.cancel_rekey()
    begun = sys.start_rekey(secret_shares=2, secret_threshold=2)
    sys.rekey(shares[0], nonce=begun["nonce"])
    same("progress", sys.read_rekey_progress()["progress"], 1)
    raises("one at a time", InvalidRequest, lambda: sys.start_rekey(secret_shares=2, secret_threshold=2))
    server.admin.sys.cancel_rekey()  # once a share was given, it takes sudo or the nonce, which hvac does not send
    same("called off", sys.read_rekey_progress()["started"], False)
    raises("so no share is taken", InvalidRequest, lambda: sys.rekey(shares[0], nonce=begun["nonce"]))
    begun = sys.start_rekey(secret_shares=2, secret_threshold=2, require_verification=True)
    raises("the nonce of the other one", InvalidRequest, lambda: sys.rekey(shares[0], nonce="00000000-0000-0000-0000-000000000000"))
    done = sys.rekey_multi(shares[:2], nonce=begun["nonce"])
    same("complete", (done["complete"], len(done["keys_base64"]), done["verification_required"]), (True, 2, True))
    return verify(server, sys, done)


def verify(server, sys, done):
    new, nonce = done["keys_base64"], done["verification_nonce"]
    same("begun", (sys.read_rekey_verify_progress()["started"], sys.read_seal_status()["n"]), (True, 3))
    same("half of it", sys.rekey_verify(new[0], nonce)["progress"], 1)
    server.admin.sys.cancel_rekey_verify()
    again = sys.read_rekey_verify_progress()
    check("begun anew", again["progress"] == 0 and again["nonce"] != nonce, again)
    raises("the old nonce", InvalidRequest, lambda: sys.rekey_verify(new[0], nonce))
    same("verified", sys.rekey_verify_multi(new, again["nonce"])["complete"], True)
    status = sys.read_seal_status()
    same("the new shares are in force", (status["t"], status["n"]), (2, 2))
    return new
