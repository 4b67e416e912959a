//! What to do next after an error that many people meet. Must never guess when the error does not tell.

use strongroom_client::Error;

/// `{program}` stands for the name that we were called by.
pub(super) fn of(error: &Error) -> Option<String> {
    match error {
        Error::Transport { url, source, .. } => Some(unreachable(url, source)),
        Error::Api(refusal) => refused(refusal.status, &refusal.errors, &refusal.raw).map(str::to_owned),
        _ => None,
    }
}

fn refused(status: u16, errors: &[String], raw: &str) -> Option<&'static str> {
    let says = |part: &str| errors.iter().any(|error| error.contains(part));
    match status {
        400 if raw.contains("HTTP request to an HTTPS server") => Some("the server speaks https: give -address=https://..."),
        400 if says("missing client token") => Some(LOG_IN),
        403 if says("permission denied") => Some(
            "\"{program} token lookup\" shows the token in use, if there is one, \"{program} token capabilities PATH\" what it may do",
        ),
        503 if says("sealed") || says("Sealed") => Some("\"{program} operator unseal\" gives it one of its unseal keys"),
        501 | 400 if says("not initialized") => Some("\"{program} operator init\" initializes it"),
        _ => None,
    }
}

const LOG_IN: &str = "log in first: \"{program} login\"";

fn unreachable(url: &str, source: &dyn std::error::Error) -> String {
    let mut text = String::new();
    let mut cause = Some(source);
    while let Some(one) = cause {
        text = format!("{text} {one}");
        cause = one.source();
    }
    let lower = text.to_ascii_lowercase();
    let is_https = url.starts_with("https:");
    if is_https && (lower.contains("invalidcontenttype") || lower.contains("corrupt message")) {
        return "the server speaks http: give -address=http://... or set STRONGROOM_ADDR".to_owned();
    }
    if lower.contains("certificate") || lower.contains("unknownissuer") {
        return "give the authority that signed the server's certificate with -ca-cert=FILE or STRONGROOM_CACERT".to_owned();
    }
    "is a server running there? -address or STRONGROOM_ADDR say where it is; \"{program} server -dev\" starts one to try"
        .to_owned()
}
