//! Shows a request that was not sent: as a curl command, or as a policy that allows it. The token must never be in either: the
//! command reads it when it is run.

use strongroom_client::{Method, Planned};

use super::Printed;
use crate::aside::Show;

pub(crate) fn print(show: Show, planned: &Planned, program: &str) -> Printed {
    match show {
        Show::Curl => Printed::line(curl(planned, program)),
        Show::Policy => Printed::line(policy(planned)),
    }
}

fn curl(planned: &Planned, program: &str) -> String {
    let mut words = vec!["curl".to_owned()];
    if planned.method != Method::Get {
        words.push(format!("-X {}", planned.method.as_str()));
    }
    words.extend(planned.headers().map(|(name, value)| format!("-H {}", quoted(&format!("{}: {value}", spelled(name))))));
    if planned.has_token() {
        words.push(format!("-H \"X-Vault-Token: $({program} print token)\""));
    }
    if let Some(body) = planned.body() {
        words.push(format!("-d {}", quoted(&String::from_utf8_lossy(body))));
    }
    words.push(quoted(planned.url()));
    words.join(" ")
}

/// `x-vault-request` as `X-Vault-Request`.
fn spelled(name: &str) -> String {
    let part = |part: &str| {
        let mut letters = part.chars();
        letters.next().map_or(String::new(), |first| first.to_ascii_uppercase().to_string() + letters.as_str())
    };
    name.split('-').map(part).collect::<Vec<_>>().join("-")
}

/// One word for a shell, whatever it holds.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

fn policy(planned: &Planned) -> String {
    let capabilities = match planned.method {
        Method::Get => r#""read""#,
        Method::List => r#""list""#,
        Method::Scan => r#""scan""#,
        Method::Put | Method::Post => r#""create", "update""#,
        Method::Patch => r#""patch""#,
        Method::Delete => r#""delete""#,
    };
    let path = planned.path().replace('\\', r"\\").replace('"', "\\\"");
    format!("path \"{path}\" {{\n  capabilities = [{capabilities}]\n}}")
}
