//! Errors of the libraries as the engine's, and values in messages.

use strongroom_engine::Error;

/// Most characters of a value in a message.
const SHOWN_CHARS_MAX: usize = 128;

pub fn crypto(_: impl std::error::Error) -> Error {
    Error::Internal("a key operation failed".into())
}

pub fn encoding(error: der::Error) -> Error {
    Error::Internal(format!("encoding a certificate: {}", error.kind()))
}

/// A name as a message of the contract shows it. SECURITY: bounded, and without characters that change how a line of a log or
/// of a terminal reads. Only names that would stand in a certificate for all to read are shown.
pub fn printable(name: &str) -> String {
    name.chars().take(SHOWN_CHARS_MAX).map(|c| if c.is_control() || is_format(c) { '\u{fffd}' } else { c }).collect()
}

/// Characters that reorder or hide text.
fn is_format(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}
