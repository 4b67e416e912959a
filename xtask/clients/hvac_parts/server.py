"""The server under test and the clients made for it."""
import hvac

from checks import raises


class Server:
    """Address and certificate authority; `admin` is set once there is a root token."""

    def __init__(self, addr, ca):
        self.addr, self.ca, self.admin = addr, ca, None

    def client(self, token=None):
        """A client of its own, with this token or with none."""
        return hvac.Client(url=self.addr, token=token or "", verify=self.ca)

    def denied(self, what, call):
        raises(what, hvac.exceptions.Forbidden, call)

    def refused(self, what, call):
        raises(what, hvac.exceptions.InvalidRequest, call)

    def absent(self, what, call):
        raises(what, hvac.exceptions.InvalidPath, call)
