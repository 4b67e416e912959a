//! Masking of request and response data: one pass over valid JSON text, no tree, no recursion, no copy of a secret.
//! Every string and number becomes its keyed hash, names of members and `true`, `false`, `null` stay, and only what an
//! allow-list names comes through in clear. It must run on validated text only; what it can't follow it refuses.

mod clear;
#[cfg(test)]
mod tests;

use aws_lc_rs::hmac;

pub use clear::ClearPaths;

use self::clear::{DEPTH_MAX, Place};
use crate::hash::push_tag;
use crate::record::Data;
use crate::{AuditError, HashKey};

/// Masked text longer than this is left out and the data hashed as a whole: a list of 100,000 keys would make a record of
/// 8 MB, which no buffer should have to hold.
const MASKED_BYTES_MAX: usize = 1024 * 1024;

/// Appends the masked text without white space, or for very long data `{"hashed_whole": <hash of the JSON text>, "bytes": n}`.
/// Errors: `Malformed`; what was appended is then useless.
pub(crate) fn mask(data: &Data<'_>, key: &HashKey, out: &mut Vec<u8>) -> Result<(), AuditError> {
    let place = if data.clear.is_all_clear() { Place::Clear } else { Place::ROOT };
    let (start, rest) = (out.len(), data.json.as_bytes());
    let bytes_max = start.saturating_add(MASKED_BYTES_MAX);
    let mut mask = Mask { data, key, out, bytes_max, rest, stack: [Place::Hidden; DEPTH_MAX], depth: 0, place };
    let fits = mask.run().ok_or(AuditError::Malformed)?;
    if !fits {
        out.truncate(start);
        hash_whole(data.json, key, out);
    }
    Ok(())
}

fn hash_whole(json: &str, key: &HashKey, out: &mut Vec<u8>) {
    out.extend_from_slice(br#"{"hashed_whole":"#);
    key.push_quoted(out, json.as_bytes());
    out.extend_from_slice(format!(",\"bytes\":{}}}", json.len()).as_bytes());
}

struct Mask<'a> {
    data: &'a Data<'a>,
    key: &'a HashKey,
    out: &'a mut Vec<u8>,
    /// How long `out` may grow.
    bytes_max: usize,
    rest: &'a [u8],
    /// Places of the containers that are open. Deeper ones are hidden, or clear when the last one kept is.
    stack: [Place; DEPTH_MAX],
    depth: usize,
    /// Place of the next value.
    place: Place,
}

impl Mask<'_> {
    /// Whether all fitted. None: not valid JSON.
    fn run(&mut self) -> Option<bool> {
        while let Some((&b, after)) = self.rest.split_first() {
            if self.out.len() > self.bytes_max {
                return Some(false);
            }
            match b {
                b' ' | b'\t' | b'\n' | b'\r' => self.rest = after,
                b'"' => self.string(after)?,
                b'-' | b'0'..=b'9' => self.number()?,
                b't' => self.word(b"true")?,
                b'f' => self.word(b"false")?,
                b'n' => self.word(b"null")?,
                _ => {
                    self.punctuation(b)?;
                    self.out.push(b);
                    self.rest = after;
                }
            }
        }
        (self.depth == 0).then_some(self.out.len() <= self.bytes_max)
    }

    fn punctuation(&mut self, b: u8) -> Option<()> {
        match b {
            b'{' | b'[' => {
                if let Some(slot) = self.stack.get_mut(self.depth) {
                    *slot = self.place;
                }
                self.depth = self.depth.checked_add(1)?;
                self.place = self.container();
            }
            b'}' | b']' => self.depth = self.depth.checked_sub(1)?,
            b',' => self.place = self.container(),
            b':' => {}
            _ => return None,
        }
        Some(())
    }

    /// Place of the innermost open container; elements of an array have the place of the array.
    fn container(&self) -> Place {
        match (self.depth.checked_sub(1).and_then(|top| self.stack.get(top)), self.stack.last()) {
            (Some(place), _) => *place,
            (None, Some(Place::Clear)) if self.depth > 0 => Place::Clear,
            _ => Place::Hidden,
        }
    }

    /// A member's name or a string value; `after` begins behind the opening quote.
    fn string(&mut self, after: &[u8]) -> Option<()> {
        let (content_bytes, has_escapes) = string_end(after)?;
        let whole = self.rest.get(..content_bytes.checked_add(2)?)?;
        let content = after.get(..content_bytes)?;
        self.rest = self.rest.get(whole.len()..)?;
        let is_name = self.rest.iter().find(|b| !b.is_ascii_whitespace()) == Some(&b':');
        if is_name {
            self.place = self.member(content);
            self.out.extend_from_slice(whole);
        } else if self.place == Place::Clear || (self.place == Place::Form && has_known_form(content)) {
            self.out.extend_from_slice(whole);
        } else if has_escapes {
            self.out.push(b'"');
            let mut context = self.key.context();
            update_unescaped(&mut context, content)?;
            push_tag(self.out, &context.sign());
            self.out.push(b'"');
        } else {
            self.key.push_quoted(self.out, content);
        }
        Some(())
    }

    /// Place of a member. SECURITY: names are compared as written, so an escaped spelling only ever hides more.
    fn member(&self, name: &[u8]) -> Place {
        if self.depth == 1 && self.data.clear_keys.iter().any(|k| k.as_bytes() == name) {
            return Place::Clear;
        }
        self.data.clear.child(self.container(), name)
    }

    fn number(&mut self) -> Option<()> {
        let is_end = |b: &u8| matches!(b, b',' | b']' | b'}') || b.is_ascii_whitespace();
        let bytes = self.rest.iter().position(is_end).unwrap_or(self.rest.len());
        let (text, rest) = self.rest.split_at_checked(bytes)?;
        self.rest = rest;
        match self.place {
            Place::Clear | Place::Form => self.out.extend_from_slice(text),
            _ => self.key.push_quoted(self.out, text),
        }
        Some(())
    }

    fn word(&mut self, word: &[u8]) -> Option<()> {
        self.rest = self.rest.strip_prefix(word)?;
        self.out.extend_from_slice(word);
        Some(())
    }
}

/// A number or duration such as `30m`, or a flag.
fn has_known_form(content: &[u8]) -> bool {
    let is_duration = content.len() <= 12
        && content.first().is_some_and(u8::is_ascii_digit)
        && content.iter().all(|b| b.is_ascii_digit() || matches!(b, b'd' | b'h' | b'm' | b's' | b'.'));
    is_duration || matches!(content, b"true" | b"false")
}

/// Bytes up to the closing quote, and whether there are escapes before it.
fn string_end(text: &[u8]) -> Option<(usize, bool)> {
    let mut from = 0usize;
    let mut has_escapes = false;
    loop {
        let at = memchr::memchr2(b'"', b'\\', text.get(from..)?)?.checked_add(from)?;
        if text.get(at) == Some(&b'"') {
            return Some((at, has_escapes));
        }
        has_escapes = true;
        from = at.checked_add(2)?;
    }
}

/// Feeds what the escaped text means, piece by piece, so that no decoded copy of a secret is ever made.
fn update_unescaped(context: &mut hmac::Context, mut text: &[u8]) -> Option<()> {
    while let Some(at) = memchr::memchr(b'\\', text) {
        let (plain, escape) = text.split_at_checked(at)?;
        context.update(plain);
        let (letter, after) = escape.get(1..)?.split_first()?;
        text = after;
        let simple = match letter {
            b'"' | b'\\' | b'/' => *letter,
            b'b' => 8,
            b'f' => 12,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'u' => {
                let (c, after) = unicode_escape(text)?;
                context.update(c.encode_utf8(&mut [0; 4]).as_bytes());
                text = after;
                continue;
            }
            _ => return None,
        };
        context.update(&[simple]);
    }
    context.update(text);
    Some(())
}

/// The character behind `\u`, with the second half of a surrogate pair. Half a pair is U+FFFD, as in Go.
fn unicode_escape(text: &[u8]) -> Option<(char, &[u8])> {
    let (high, after) = hex4(text)?;
    if let (0xd800..=0xdbff, Some(second)) = (high, after.strip_prefix(b"\\u")) {
        let (low, after_pair) = hex4(second)?;
        if let Some(Ok(c)) = char::decode_utf16([high, low]).next() {
            return Some((c, after_pair));
        }
    }
    Some((char::from_u32(u32::from(high)).unwrap_or(char::REPLACEMENT_CHARACTER), after))
}

fn hex4(text: &[u8]) -> Option<(u16, &[u8])> {
    let (digits, after) = text.split_at_checked(4)?;
    let mut bytes = [0u8; 2];
    hex::decode_to_slice(digits, &mut bytes).ok()?;
    Some((u16::from_be_bytes(bytes), after))
}
