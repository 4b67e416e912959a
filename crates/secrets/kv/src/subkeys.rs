//! The structure of a value without its contents: objects keep their names, everything else becomes null. One pass over
//! the bytes of a text that was checked when it was written; numbers are never read, so none is out of range.
//! SECURITY: no byte of a leaf gets into the result.

/// Names down to `depth` levels of objects; zero is all of them. Errors: None when the text is not JSON.
pub fn subkeys(value: &str, depth: u64) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    let depth = if depth == 0 { u64::MAX } else { depth };
    let mut scanner = Scanner(value.trim_ascii().as_bytes());
    if scanner.peek()? == b'{' {
        object(&mut scanner, depth, &mut out)?;
    } else {
        leaf(&mut scanner, &mut out)?;
    }
    Some(out)
}

/// As deep as the value is nested, which the limits of a request body bound.
fn object(scanner: &mut Scanner<'_>, depth: u64, out: &mut Vec<u8>) -> Option<()> {
    scanner.take(b'{')?;
    out.push(b'{');
    while scanner.peek()? != b'}' {
        out.extend_from_slice(scanner.string()?);
        scanner.take(b':')?;
        out.push(b':');
        // An empty object below the root shows as a leaf, as the contract has it.
        if depth > 1 && scanner.peek()? == b'{' && !scanner.at_empty_object() {
            object(scanner, depth.saturating_sub(1), out)?;
        } else {
            leaf(scanner, out)?;
        }
        if scanner.peek()? == b',' {
            scanner.take(b',')?;
            out.push(b',');
        }
    }
    scanner.take(b'}')?;
    out.push(b'}');
    Some(())
}

fn leaf(scanner: &mut Scanner<'_>, out: &mut Vec<u8>) -> Option<()> {
    scanner.skip_value()?;
    out.extend_from_slice(b"null");
    Some(())
}

/// What is left of the text; never starts with white space when something is asked of it.
struct Scanner<'a>(&'a [u8]);

impl<'a> Scanner<'a> {
    fn peek(&mut self) -> Option<u8> {
        self.0 = self.0.trim_ascii_start();
        self.0.first().copied()
    }

    fn take(&mut self, expected: u8) -> Option<()> {
        self.peek()?;
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        (*first == expected).then_some(())
    }

    fn at_empty_object(&self) -> bool {
        self.0.strip_prefix(b"{").is_some_and(|rest| rest.trim_ascii_start().starts_with(b"}"))
    }

    /// A string with its quotes, as it is written.
    fn string(&mut self) -> Option<&'a [u8]> {
        if self.peek()? != b'"' {
            return None;
        }
        let mut escaped = false;
        let is_end = |byte: &u8| {
            let ends = *byte == b'"' && !escaped;
            escaped = *byte == b'\\' && !escaped;
            ends
        };
        let inside = self.0.get(1..)?.iter().position(is_end)?;
        let (string, rest) = self.0.split_at_checked(inside.checked_add(2)?)?;
        self.0 = rest;
        Some(string)
    }

    fn skip_value(&mut self) -> Option<()> {
        let mut open = 0u32;
        loop {
            match self.peek()? {
                b'"' => {
                    self.string()?;
                }
                b'{' | b'[' => {
                    open = open.checked_add(1)?;
                    self.0 = self.0.get(1..)?;
                }
                b'}' | b']' => {
                    open = open.checked_sub(1)?;
                    self.0 = self.0.get(1..)?;
                }
                b',' | b':' if open > 0 => self.0 = self.0.get(1..)?,
                b',' | b':' => return None,
                _ => self.skip_word(),
            }
            if open == 0 {
                return Some(());
            }
        }
    }

    /// A number, `true`, `false` or `null`.
    fn skip_word(&mut self) {
        let end = self.0.iter().position(|byte| b",:}] \t\r\n\"".contains(byte)).unwrap_or(self.0.len());
        self.0 = self.0.get(end..).unwrap_or_default();
    }
}

#[cfg(test)]
mod tests {
    use super::subkeys;

    #[track_caller]
    fn check(value: &str, depth: u64, expected: &str) {
        assert_eq!(String::from_utf8(subkeys(value, depth).unwrap()).unwrap(), expected, "{value} to {depth}");
    }

    #[test]
    fn leaves_become_null_down_to_the_depth() {
        let value = r#"{"a":1,"b":{"c":"x","d":{"e":1e400}},"l":[1,{"q":2}],"o":{},"n":null,"t":true}"#;
        check(value, 0, r#"{"a":null,"b":{"c":null,"d":{"e":null}},"l":null,"o":null,"n":null,"t":null}"#);
        check(value, 1, r#"{"a":null,"b":null,"l":null,"o":null,"n":null,"t":null}"#);
        check(value, 2, r#"{"a":null,"b":{"c":null,"d":null},"l":null,"o":null,"n":null,"t":null}"#);
    }

    #[test]
    fn texts_that_look_like_structure_are_leaves() {
        check(
            r#"{"a\"}":"}{\\","b{":["]}",{"s":"\\\""}],"c" : { "d" :-1e-5 } }"#,
            0,
            r#"{"a\"}":null,"b{":null,"c":{"d":null}}"#,
        );
    }

    #[test]
    fn broken_texts_are_refused() {
        for broken in ["", "{", r#"{"a"#, r#"{"a":"#, r#"{"a":1"#, r#"{"a":[1"#, r#"{a:1}"#, "}", r#"{"a":,}"#] {
            assert_eq!(subkeys(broken, 0), None, "{broken}");
        }
    }

    #[test]
    fn roots_without_names() {
        check("{}", 0, "{}");
        check("null", 0, "null");
        check(r#"{"a{}":{}, "b":2}"#, 0, r#"{"a{}":null,"b":null}"#);
    }
}
