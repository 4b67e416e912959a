//! `print token`: the token that commands use. The only command that prints a secret which the server did not just give.

use std::io::Read;

use clap::{Args, Subcommand};

use crate::environment::Environment;
use crate::output::{Failure, Printed};
use crate::token_store::TokenStore;

#[derive(Subcommand)]
pub enum Print {
    /// Print the token in use
    Token(Token),
}

#[derive(Args)]
pub struct Token {}

impl Print {
    pub(crate) fn execute(self, environment: &Environment, _: &mut dyn Read) -> Result<Printed, Failure> {
        let Self::Token(Token {}) = self;
        let token = match &environment.token {
            Some(token) => Some(token.duplicate()),
            None => TokenStore::find(&environment.files)?.load()?,
        };
        let missing = || {
            Failure::local("There is no token")
                .hinted("\"{program} login\" stores one; STRONGROOM_TOKEN in the environment wins over it")
        };
        token.map(|token| Printed::line(token.expose())).ok_or_else(missing)
    }
}
