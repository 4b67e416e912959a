//! Strings, heredocs and numbers. What stands in `${ }` is copied as it is, quotes included, because HCL 1 reads it so:
//! another rule would let one text mean two things. Nothing is ever expanded.

use crate::scan::Scanner;
use crate::{ParseError, Position};

/// A quoted string; the scanner stands on the opening quote. One line, except inside `${ }`.
pub(crate) fn string(scan: &mut Scanner<'_>) -> Result<String, ParseError> {
    let start = scan.position();
    scan.take();
    let mut out = String::new();
    let mut braces: u32 = 0;
    loop {
        let dollar = braces == 0 && scan.rest().starts_with("${");
        let at = scan.position();
        let c = scan.take().filter(|&c| c != '\0' && (c != '\n' || braces > 0));
        match c {
            None => return Err(ParseError::new(start, "literal not terminated")),
            Some('"') if braces == 0 => return Ok(out),
            Some('\\') if braces == 0 => out.push(escape(scan, at)?),
            Some('\\') => copy_escape(scan, &mut out),
            Some('$') if dollar => {
                scan.take();
                out.push_str("${");
                braces = 1;
            }
            Some(c) => {
                out.push(c);
                braces = match c {
                    '{' if braces > 0 => braces.saturating_add(1),
                    '}' => braces.saturating_sub(1),
                    _ => braces,
                };
            }
        }
    }
}

/// Inside `${ }` a backslash and what it escapes stay as written, so that an escaped brace or quote counts for nothing.
fn copy_escape(scan: &mut Scanner<'_>, out: &mut String) {
    out.push('\\');
    out.extend(scan.take());
}

fn escape(scan: &mut Scanner<'_>, at: Position) -> Result<char, ParseError> {
    let bad = || ParseError::new(at, "illegal char escape");
    match scan.take().ok_or_else(bad)? {
        'a' => Ok('\u{7}'),
        'b' => Ok('\u{8}'),
        'f' => Ok('\u{c}'),
        'n' => Ok('\n'),
        'r' => Ok('\r'),
        't' => Ok('\t'),
        'v' => Ok('\u{b}'),
        '\\' => Ok('\\'),
        '"' => Ok('"'),
        // \x and octal escapes write bytes, \u characters; beyond ASCII the former could build what is no text.
        'x' => code(scan, 2, 16).filter(char::is_ascii).ok_or_else(bad),
        'u' => code(scan, 4, 16).ok_or_else(bad),
        'U' => code(scan, 8, 16).ok_or_else(bad),
        _ => Err(bad()),
    }
}

fn code(scan: &mut Scanner<'_>, digit_count: usize, radix: u32) -> Option<char> {
    let mut value: u32 = 0;
    for _ in 0..digit_count {
        let digit = scan.take()?.to_digit(radix)?;
        value = value.checked_mul(radix)?.checked_add(digit)?;
    }
    char::from_u32(value)
}

/// `<<ANCHOR` or `<<-ANCHOR` to the line that holds the anchor alone. The text keeps its last line break.
pub(crate) fn heredoc(scan: &mut Scanner<'_>) -> Result<String, ParseError> {
    let start = scan.position();
    let wrong = |message: &'static str| ParseError::new(start, message);
    scan.take();
    if scan.take() != Some('<') {
        return Err(wrong("heredoc expected second '<'"));
    }
    let cut_indent = scan.peek() == Some('-');
    if cut_indent {
        scan.take();
    }
    let anchor = scan.take_while(|c| c == '_' || c.is_alphanumeric());
    scan.take_while(|c| c == '\r');
    if anchor.is_empty() || scan.take() != Some('\n') {
        return Err(wrong("invalid characters in heredoc anchor"));
    }
    let mut lines = Vec::new();
    while !scan.rest().is_empty() {
        let line = scan.take_while(|c| c != '\n');
        scan.take();
        let indent = line.trim_end_matches('\r').strip_suffix(anchor);
        if let Some(indent) = indent.filter(|text| text.chars().all(|c| c == ' ' || c == '\t')) {
            return Ok(joined(&lines, if cut_indent { indent } else { "" }));
        }
        if line.contains('\0') {
            return Err(wrong("unexpected null character (0x00)"));
        }
        lines.push(line);
    }
    Err(wrong("heredoc not terminated"))
}

/// Joins lines, without the closing anchor's indent when every line has it.
fn joined(lines: &[&str], indent: &str) -> String {
    let all = lines.iter().all(|line| line.starts_with(indent));
    let mut out = String::new();
    for line in lines {
        out.push_str(if all { line.strip_prefix(indent).unwrap_or(line) } else { line });
        out.push('\n');
    }
    out
}

/// `10`, `-1.5e3`, `0x1F`; kept as text. Errors: anything else that starts like a number, and leading zeros.
pub(crate) fn number(scan: &mut Scanner<'_>) -> Result<String, ParseError> {
    let start = scan.position();
    let text = scan.take_while(|c| matches!(c, '-' | '+' | '.' | '_') || c.is_alphanumeric());
    if is_number(text.strip_prefix('-').unwrap_or(text)) {
        return Ok(text.to_owned());
    }
    Err(ParseError::new(start, "illegal number"))
}

fn is_number(text: &str) -> bool {
    if let Some(hex) = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        return !hex.is_empty() && hex.chars().all(|c| c.is_ascii_hexdigit());
    }
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, "0"));
    let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
    let leading_zero = whole.len() > 1 && whole.starts_with('0');
    !leading_zero && [whole, fraction, exponent].iter().all(|part| is_digits(part))
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_digit())
}
