//! Just enough of Rust's lexis to look at code without being misled by text: comments, strings and character literals
//! are blanked, line for line.

/// The code with every comment, string and character literal replaced by spaces; line breaks stay.
pub fn code_only(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let end = literal_end(bytes, at);
        match end {
            Some(end) => {
                out.extend(bytes[at..end].iter().map(|b| if *b == b'\n' { b'\n' } else { b' ' }));
                at = end;
            }
            None => {
                out.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// Where the comment or literal that starts here ends; none starts here: None.
fn literal_end(bytes: &[u8], at: usize) -> Option<usize> {
    let rest = &bytes[at..];
    let word_before = at > 0 && (bytes[at - 1].is_ascii_alphanumeric() || bytes[at - 1] == b'_');
    match rest {
        [b'/', b'/', ..] => Some(at + rest.iter().position(|b| *b == b'\n').unwrap_or(rest.len())),
        [b'/', b'*', ..] => Some(at + block_comment(rest)),
        [b'"', ..] => Some(at + quoted(rest, b'"')),
        [b'r', ..] if !word_before => raw(&rest[1..]).map(|n| at + 1 + n),
        [b'b', b'r', ..] if !word_before => raw(&rest[2..]).map(|n| at + 2 + n),
        [b'\'', b'\\', ..] => Some(at + quoted(rest, b'\'')),
        [b'\'', ..] => char_literal(rest).map(|n| at + n),
        _ => None,
    }
}

fn block_comment(rest: &[u8]) -> usize {
    let (mut depth, mut i) = (0_usize, 0);
    while i < rest.len() {
        match rest[i..] {
            [b'/', b'*', ..] => (depth, i) = (depth + 1, i + 2),
            [b'*', b'/', ..] => {
                (depth, i) = (depth - 1, i + 2);
                if depth == 0 {
                    return i;
                }
            }
            _ => i += 1,
        }
    }
    i
}

fn quoted(rest: &[u8], quote: u8) -> usize {
    let mut i = 1;
    while i < rest.len() && rest[i] != quote {
        i += if rest[i] == b'\\' { 2 } else { 1 };
    }
    (i + 1).min(rest.len())
}

/// A raw string behind its `r`; Some even when it does not end.
fn raw(rest: &[u8]) -> Option<usize> {
    let hashes = rest.iter().take_while(|b| **b == b'#').count();
    if rest.get(hashes) != Some(&b'"') {
        return None;
    }
    let close: Vec<u8> = std::iter::once(b'"').chain(std::iter::repeat_n(b'#', hashes)).collect();
    let body = hashes + 1;
    let end = rest[body..].windows(close.len()).position(|w| w == close);
    Some(end.map_or(rest.len(), |n| body + n + close.len()))
}

/// `'x'`, not a lifetime: the closing quote stands behind one character.
fn char_literal(rest: &[u8]) -> Option<usize> {
    let ahead = &rest[1..rest.len().min(1 + char::MAX.len_utf8())];
    let valid = std::str::from_utf8(ahead).map_or_else(|e| e.valid_up_to(), str::len);
    let text = std::str::from_utf8(&ahead[..valid]).unwrap_or_default();
    let first = text.chars().next()?;
    (rest.get(1 + first.len_utf8()) == Some(&b'\'')).then_some(2 + first.len_utf8())
}

/// Blanks what stands under `#[cfg(test)]`, in code that `code_only` has been through.
pub fn without_tests(code: &str) -> String {
    const MARK: &str = "#[cfg(test)]";
    let mut out = String::with_capacity(code.len());
    let mut rest = code;
    while let Some(at) = rest.find(MARK) {
        let end = at + item_end(&rest[at..]);
        out.push_str(&rest[..at]);
        out.extend(rest[at..end].chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
        rest = &rest[end..];
    }
    out + rest
}

/// The end of the item that starts here: its closing brace or its semicolon.
pub fn item_end(code: &str) -> usize {
    let mut depth = 0_usize;
    for (i, c) in code.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth <= 1 => return i + 1,
            '}' => depth -= 1,
            ';' if depth == 0 => return i + 1,
            _ => {}
        }
    }
    code.len()
}

/// Whether a word stands in the code by itself.
pub fn has_word(line: &str, word: &str) -> bool {
    let part = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(word).any(|(at, _)| !line[..at].ends_with(part) && !line[at + word.len()..].starts_with(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_blanked_and_code_stays() {
        for (text, code) in [
            ("a // {\nb", "a     \nb"),
            ("a /* { /* } */ { */ b", "a                   b"),
            ("f(\"{\\\"}\") {", "f(      ) {"),
            ("r#\"a\"b\"# {", "         {"),
            ("'{' 'a '\\'' <'b>", "    'a      <'b>"),
        ] {
            assert_eq!(code_only(text), code, "{text}");
        }
    }

    #[test]
    fn test_items_are_blanked_whole() {
        assert_eq!(without_tests("a\n#[cfg(test)]\nmod t { fn f() {} }\nb").split_whitespace().collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(without_tests("#[cfg(test)]\nmod tests;\nb").trim(), "b");
    }

    #[test]
    fn words_stand_by_themselves() {
        assert!(has_word("x = unsafe {", "unsafe"));
        assert!(!has_word("unsafe_code", "unsafe"));
    }
}
