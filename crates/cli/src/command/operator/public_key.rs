//! OpenPGP public keys from files. Names are never looked up anywhere: a key from the network is nobody's in particular.

use base64::Engine as _;

use crate::output::Failure;

/// A public key in base64 from a file that holds it armored, in base64 or binary. Errors: names are not looked up anywhere.
pub(super) fn public_key(path: &str) -> Result<String, Failure> {
    if path.starts_with("keybase:") {
        return Err(Failure::local("keybase names are not looked up: export the public key to a file and give its path"));
    }
    let bytes = std::fs::read(path).map_err(|error| Failure::local(format!("Error reading {path}: {error}")))?;
    match std::str::from_utf8(&bytes) {
        Ok(text) if text.trim_start().starts_with("-----BEGIN PGP") => Ok(without_armor(text)),
        Ok(text) => Ok(text.split_ascii_whitespace().collect()),
        Err(_) => Ok(base64::engine::general_purpose::STANDARD.encode(bytes)),
    }
}

/// The base64 lines between the headers and the checksum.
fn without_armor(text: &str) -> String {
    let body = text.trim_start().lines().skip(1).skip_while(|line| !line.trim().is_empty()).skip(1);
    body.map(str::trim).take_while(|line| !line.starts_with('=') && !line.starts_with("-----")).collect()
}

#[cfg(test)]
mod tests {
    use super::without_armor;

    #[test]
    fn armor_is_taken_off() {
        let text = "-----BEGIN PGP PUBLIC KEY BLOCK-----\nComment: x\n\nAAEC\nAwQF\n=abcd\n-----END PGP PUBLIC KEY BLOCK-----\n";
        assert_eq!(without_armor(text), "AAECAwQF");
        assert_eq!(without_armor("-----BEGIN PGP PUBLIC KEY BLOCK-----\r\n\r\nAAEC\r\n-----END"), "AAEC");
    }
}
