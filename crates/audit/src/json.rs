//! Writing JSON into a byte buffer. Escapes everything that could end a string or a line.

/// One object being written; keys are ours and need no escaping.
pub(crate) struct Object<'o> {
    pub(crate) out: &'o mut Vec<u8>,
    is_first: bool,
}

impl<'o> Object<'o> {
    pub(crate) fn open(out: &'o mut Vec<u8>) -> Self {
        out.push(b'{');
        Self { out, is_first: true }
    }

    /// Goes on with members when the caller has written `{` itself.
    pub(crate) fn members(out: &'o mut Vec<u8>) -> Self {
        Self { out, is_first: true }
    }

    pub(crate) fn close(self) {
        self.out.push(b'}');
    }

    fn comma(&mut self) {
        if !self.is_first {
            self.out.push(b',');
        }
        self.is_first = false;
    }

    pub(crate) fn key(&mut self, key: &'static str) -> &mut Vec<u8> {
        self.comma();
        self.out.push(b'"');
        self.out.extend_from_slice(key.as_bytes());
        self.out.extend_from_slice(b"\":");
        self.out
    }

    pub(crate) fn text(&mut self, key: &'static str, value: &str) {
        push_string(self.key(key), value);
    }

    /// Nothing for an empty text, as the reference has it.
    pub(crate) fn text_if(&mut self, key: &'static str, value: &str) {
        if !value.is_empty() {
            self.text(key, value);
        }
    }

    pub(crate) fn number(&mut self, key: &'static str, value: u64) {
        push_number(self.key(key), value);
    }

    pub(crate) fn flag(&mut self, key: &'static str, value: bool) {
        let text: &[u8] = if value { b"true" } else { b"false" };
        self.key(key).extend_from_slice(text);
    }

    /// Nothing for an empty list.
    pub(crate) fn list<'a>(&mut self, key: &'static str, values: impl Iterator<Item = &'a str>) {
        let mut values = values.peekable();
        if values.peek().is_none() {
            return;
        }
        let out = self.key(key);
        out.push(b'[');
        for (n, value) in values.enumerate() {
            if n > 0 {
                out.push(b',');
            }
            push_string(out, value);
        }
        out.push(b']');
    }

    /// Members that were rendered before, without braces.
    pub(crate) fn splice(&mut self, members: &[u8]) {
        if !members.is_empty() {
            self.comma();
            self.out.extend_from_slice(members);
        }
    }
}

pub(crate) fn push_number(out: &mut Vec<u8>, value: u64) {
    out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}

/// Writes a quoted string. SECURITY: control characters are escaped, so no text can begin a line of its own.
pub(crate) fn push_string(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    let mut rest = text.as_bytes();
    while let Some(at) = rest.iter().position(|b| *b < 0x20 || *b == b'"' || *b == b'\\') {
        let (plain, from) = rest.split_at_checked(at).unwrap_or((rest, &[]));
        out.extend_from_slice(plain);
        if let Some((special, after)) = from.split_first() {
            push_escape(out, *special);
            rest = after;
        }
    }
    out.extend_from_slice(rest);
    out.push(b'"');
}

fn push_escape(out: &mut Vec<u8>, b: u8) {
    match b {
        b'"' => out.extend_from_slice(b"\\\""),
        b'\\' => out.extend_from_slice(b"\\\\"),
        b'\n' => out.extend_from_slice(b"\\n"),
        b'\r' => out.extend_from_slice(b"\\r"),
        b'\t' => out.extend_from_slice(b"\\t"),
        _ => {
            let mut digits = [0u8; 2];
            if hex::encode_to_slice([b], &mut digits).is_ok() {
                out.extend_from_slice(b"\\u00");
                out.extend_from_slice(&digits);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::push_string;

    #[test]
    fn any_text_comes_back_and_stays_on_one_line() {
        for text in ["", "plain", "q\"b\\s/", "a\nb\r\t\u{0}\u{1f}\u{7f}", "ä\u{2028}𝄞"] {
            let mut out = Vec::new();
            push_string(&mut out, text);
            assert_eq!(serde_json::from_slice::<String>(&out).unwrap(), text);
            assert!(!out.contains(&b'\n'));
        }
    }
}
