//! What can be a header: names are tokens of RFC 9110, values are printable and have no line ends.

use strongroom_engine::{Error, Result};

const NAME_BYTES_MAX: usize = 256;
const VALUE_BYTES_MAX: usize = 4096;

/// Errors: `Invalid` naming the rule.
pub fn check_name(name: &str) -> Result<()> {
    let is_token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    if name.is_empty() || name.len() > NAME_BYTES_MAX || !name.bytes().all(is_token) {
        return Err(Error::invalid(format!(
            "a header's name must have 1 to {NAME_BYTES_MAX} letters, digits or characters of !#$%&'*+-.^_`|~"
        )));
    }
    Ok(())
}

/// Errors: `Invalid` naming the rule.
pub fn check_value(value: &str) -> Result<()> {
    // SECURITY: a line end would write further headers.
    if value.len() > VALUE_BYTES_MAX || !value.bytes().all(|b| b == b' ' || b.is_ascii_graphic()) {
        return Err(Error::invalid(format!("a header's value must be printable ASCII of at most {VALUE_BYTES_MAX} bytes")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{check_name, check_value};

    #[test]
    fn names_are_tokens_and_values_are_one_line() {
        for good in ["X-Mine", "x", "a!#$%&'*+-.^_`|~9"] {
            assert!(check_name(good).is_ok(), "{good}");
        }
        for bad in ["", "a b", "a:b", "a\r\nb", "caf\u{e9}", &"x".repeat(257)] {
            assert!(check_name(bad).is_err(), "{bad:?}");
        }
        assert!(check_value("default-src 'self'; img-src *").is_ok());
        for bad in ["a\r\nX-Evil: 1", "a\nb", "\u{7f}", "caf\u{e9}", &"x".repeat(4097)] {
            assert!(check_value(bad).is_err(), "{bad:?}");
        }
    }
}
