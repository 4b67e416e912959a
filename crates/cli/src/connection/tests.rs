use strongroom_client::Client;

use super::*;
use crate::environment::{Files, TlsVariables};

fn opened(environment: &Environment, connection: &Connection) -> Result<(String, Format), String> {
    let mut nothing = std::io::empty();
    let session = connection.open(environment, &mut nothing).map_err(|failure| failure.message)?;
    Ok((format!("{:?}", session.client), session.format))
}

fn flags(address: &str, format: &str) -> Connection {
    let output = Output { format: Some(format.into()), ..Output::default() };
    Connection { address: Some(address.into()), output, ..Connection::default() }
}

#[test]
fn flags_win_over_the_environment_and_an_agent_over_a_server() {
    let mut environment =
        Environment { address: Some("http://env:1".into()), format: Some("json".into()), ..Environment::default() };
    let (client, format) = opened(&environment, &Connection::default()).unwrap();
    assert!(client.contains("http://env:1") && format == Format::Json);
    let (client, format) = opened(&environment, &flags("http://flag:2", "table")).unwrap();
    assert!(client.contains("http://flag:2") && format == Format::Table);
    environment.agent_address = Some("http://agent:3".into());
    assert!(opened(&environment, &flags("http://flag:2", "table")).unwrap().0.contains("http://agent:3"));
}

#[test]
fn a_doubtful_setting_is_an_error() {
    let tls = |tls| Environment { tls, ..Environment::default() };
    for environment in [
        tls(TlsVariables { skip_verify: Some("maybe".into()), ..TlsVariables::default() }),
        tls(TlsVariables { ca_cert: Some("/nonexistent.pem".into()), ..TlsVariables::default() }),
        tls(TlsVariables { ca_path: Some("/nonexistent".into()), ..TlsVariables::default() }),
        tls(TlsVariables { client_cert: Some("/nonexistent.pem".into()), ..TlsVariables::default() }),
        Environment { client_timeout: Some("soon".into()), ..Environment::default() },
        Environment { disable_redirects: Some("soon".into()), ..Environment::default() },
        Environment { format: Some("xml".into()), ..Environment::default() },
        Environment { address: Some("nonsense".into()), ..Environment::default() },
        Environment { mfa: Some("a\nb".into()), ..Environment::default() },
        Environment { files: Files { config: Some("/nonexistent".into()), ..Files::default() }, ..Environment::default() },
    ] {
        assert!(opened(&environment, &Connection::default()).is_err(), "{environment:?}");
    }
}

#[test]
fn a_header_of_this_api_cannot_be_set_by_hand() {
    let client = Client::new(Config::new("http://a")).unwrap();
    for name in ["X-Vault-Token", "x-vault-anything", "a b", ""] {
        assert!(client.with_header(name, "x").is_err(), "{name}");
    }
    assert!(client.with_header("X-Other", "x").is_ok());
}
