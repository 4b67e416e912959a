//! The ways in which `login` can log in by itself. Other methods are used with `write auth/PATH/login`.

use serde_json::{Map, Value};
use strongroom_client::Method;
use strongroom_client::api::Envelope;
use strongroom_types::SecretString;
use zeroize::Zeroize as _;

use crate::connection::Session;
use crate::output::Failure;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum LoginMethod {
    Token,
    Userpass,
    Approle,
}

impl LoginMethod {
    /// Errors: a method that this command does not know.
    pub(super) fn parse(name: &str) -> Result<Self, Failure> {
        match name {
            "token" => Ok(Self::Token),
            "userpass" => Ok(Self::Userpass),
            "approle" => Ok(Self::Approle),
            _ => Err(Failure::local(
                "Unknown auth method. See \"strongroom auth list\" for the methods that are enabled; some can only be \
                 used over the API, as in \"strongroom write auth/PATH/login KEY=VALUE\".",
            )),
        }
    }

    pub(super) fn help(self) -> &'static str {
        match self {
            Self::Token => TOKEN_HELP,
            Self::Userpass => USERPASS_HELP,
            Self::Approle => APPROLE_HELP,
        }
    }
}

/// Asks for a password that was not given. Errors: no user name, and what the server says.
pub(super) async fn userpass(
    session: &Session<'_>,
    path: &str,
    mut data: Map<String, Value>,
) -> Result<Option<Envelope>, Failure> {
    let name = match data.get("username").and_then(Value::as_str) {
        Some(name) if !name.is_empty() => name.to_owned(),
        _ => return Err(Failure::server("Error authenticating: 'username' must be specified")),
    };
    let password = match data.remove("password") {
        Some(Value::String(mut text)) => {
            let password = SecretString::from(text.as_str());
            text.zeroize();
            password
        }
        Some(_) => return Err(Failure::server("Error authenticating: 'password' must be given once")),
        None => session.prompt("Password", "password").map_err(|failure| failure.when("authenticating"))?,
    };
    session.client.login_with_password(path, &name, password).await.map_err(|error| Failure::of(&error, "authenticating"))
}

/// Asks for a secret id that was not given. A role that needs none is given an empty one.
pub(super) async fn approle(
    session: &Session<'_>,
    path: &str,
    mut data: Map<String, Value>,
) -> Result<Option<Envelope>, Failure> {
    if data.get("role_id").and_then(Value::as_str).is_none_or(str::is_empty) {
        return Err(Failure::server("Error authenticating: 'role_id' must be specified"));
    }
    if !data.contains_key("secret_id") {
        let secret_id = session.prompt("Secret ID", "secret_id").map_err(|failure| failure.when("authenticating"))?;
        data.insert("secret_id".to_owned(), Value::from(secret_id.expose()));
    }
    let path = format!("auth/{}/login", path.trim_matches('/'));
    let failed = |error| Failure::of(&error, "authenticating");
    let client = session.client.without_token();
    client.request(Method::Put, &path, Some(&data)).await.map_err(failed)?.envelope().map_err(failed)
}

const APPROLE_HELP: &str = "\
Usage: strongroom login -method=approle [CONFIG K=V...]

  Logs a program in with the id of its role and a secret id of that role.

      $ strongroom login -method=approle role_id=ID secret_id=@secret-id.txt

Configuration:

  role_id=<string>
      Id of the role.

  secret_id=<string>
      Secret id of the role; empty for a role that needs none. It is asked for
      when it is not given; - reads it from standard input.
";

const TOKEN_HELP: &str = "\
Usage: strongroom login [TOKEN]

  Checks a token and keeps it for later commands. The token is asked for when
  it is not given; - reads it from standard input.
";

const USERPASS_HELP: &str = "\
Usage: strongroom login -method=userpass [CONFIG K=V...]

  Logs in with a name and a password that the server keeps.

  Log in as \"sally\"; the password is asked for:

      $ strongroom login -method=userpass username=sally

Configuration:

  password=<string>
      The password. It is asked for when it is not given; - reads it from
      standard input.

  username=<string>
      Name of the user.
";
