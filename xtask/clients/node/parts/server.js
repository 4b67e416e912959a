'use strict';
// The server under test and the clients made for it.

const fs = require('node:fs');
const vault = require('node-vault');

module.exports = class Server {
  /** Address and certificate authority; `admin` is set once there is a root token. */
  constructor(addr, caFile) {
    this.addr = addr;
    this.ca = fs.readFileSync(caFile);
    this.admin = undefined;
  }

  /** A client of its own, with this token or with none. */
  client(token) {
    return vault({ endpoint: this.addr, token, requestOptions: { ca: this.ca } });
  }

  /** Another client with the root token, for calls that answer with a token: node-vault takes that for its own from then on. */
  root() {
    return this.client(this.admin.token);
  }

  /** One that does not know the authority. */
  stranger() {
    return vault({ endpoint: this.addr });
  }
};
