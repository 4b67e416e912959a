//! Random letters from the system's source. Nothing else of this crate makes a secret by itself.

use std::fs::File;
use std::io::{self, Read as _};

use strongroom_types::SecretString;
use zeroize::Zeroizing;

const LETTERS: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// Each letter is as likely as any other: bytes that would favour some are thrown away.
pub(crate) fn letters(count: usize) -> io::Result<SecretString> {
    let mut source = File::open("/dev/urandom")?;
    let mut text = Zeroizing::new(String::with_capacity(count));
    let mut bytes = Zeroizing::new([0u8; 64]);
    while text.len() < count {
        source.read_exact(&mut bytes[..])?;
        let fair = bytes.iter().filter(|byte| **byte < 248);
        let missing = count.saturating_sub(text.len());
        text.extend(fair.take(missing).filter_map(|byte| LETTERS.get(usize::from(byte % 62))).map(|byte| char::from(*byte)));
    }
    Ok(text.as_str().into())
}

#[cfg(test)]
mod tests {
    use super::letters;

    #[test]
    fn letters_are_as_many_as_asked_for_and_differ() {
        let (one, other) = (letters(100).unwrap(), letters(100).unwrap());
        assert!(one.expose().len() == 100 && one.expose() != other.expose());
        assert!(one.expose().bytes().all(|byte| byte.is_ascii_alphanumeric()));
        assert!(letters(0).unwrap().is_empty());
    }
}
