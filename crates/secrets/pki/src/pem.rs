//! PEM (RFC 7468): what is written has lines of 64 characters and no newline at its end, as the wire contract has it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use strongroom_types::SecretString;
use zeroize::Zeroizing;

const LINE_CHARS: usize = 64;

pub fn encode(label: &str, der: &[u8]) -> String {
    let body = STANDARD.encode(der);
    framed(label, &body)
}

/// As `encode`, for what must not stay in memory.
pub fn encode_secret(label: &str, der: &[u8]) -> SecretString {
    let body = Zeroizing::new(STANDARD.encode(der));
    SecretString::new(framed(label, &body))
}

/// The text is made in one piece of its final size, so that no part of a secret is left behind by a growing buffer.
fn framed(label: &str, body: &str) -> String {
    let lines = body.len().div_ceil(LINE_CHARS);
    let frame = label.len().saturating_mul(2).saturating_add("-----BEGIN ----------END -----\n".len());
    let mut out = String::with_capacity(body.len().saturating_add(lines).saturating_add(frame));
    out.push_str("-----BEGIN ");
    out.push_str(label);
    out.push_str("-----\n");
    let mut rest = body;
    while !rest.is_empty() {
        let (line, after) = rest.split_at_checked(LINE_CHARS).unwrap_or((rest, ""));
        out.push_str(line);
        out.push('\n');
        rest = after;
    }
    out.push_str("-----END ");
    out.push_str(label);
    out.push_str("-----");
    out
}

/// The first block of one of these labels. None when there is none or it is malformed.
pub fn decode(text: &str, labels: &[&str]) -> Option<Vec<u8>> {
    labels.iter().find_map(|label| {
        let (begin, end) = (format!("-----BEGIN {label}-----"), format!("-----END {label}-----"));
        let (_, rest) = text.split_once(&begin)?;
        let (body, _) = rest.split_once(&end)?;
        let body: String = body.chars().filter(|c| !c.is_ascii_whitespace()).collect();
        STANDARD.decode(body).ok().filter(|der| !der.is_empty())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        for length in [1usize, 47, 48, 49, 96, 1000] {
            let der: Vec<u8> = (0..length).map(|n| u8::try_from(n % 251).unwrap()).collect();
            let text = encode("CERTIFICATE", &der);
            assert!(text.lines().all(|line| line.len() <= LINE_CHARS), "{text}");
            assert_eq!(encode_secret("CERTIFICATE", &der).expose(), text);
            assert_eq!(decode(&text, &["CERTIFICATE"]), Some(der.clone()));
            assert_eq!(decode(&text.replace('\n', "\r\n"), &["X", "CERTIFICATE"]), Some(der));
            assert_eq!(decode(&text, &["CERTIFICATE REQUEST"]), None);
        }
    }

    #[test]
    fn malformed_texts_are_none() {
        for text in
            ["", "nonsense", "-----BEGIN X-----", "-----BEGIN X-----\n-----END X-----", "-----BEGIN X-----\n*\n-----END X-----"]
        {
            assert_eq!(decode(text, &["X"]), None, "{text}");
        }
    }
}
