//! Makes what differs from run to run alike: ids, tokens, times and addresses. The length of a table's cells stays what it was
//! when they were laid out.

pub fn filtered(text: &str, secrets: &[(String, String)]) -> String {
    let mut text = text.to_owned();
    for (value, name) in secrets {
        text = text.replace(value, name);
    }
    let mut out = String::new();
    let mut word = String::new();
    for letter in text.chars() {
        if letter.is_ascii_alphanumeric() || "-_.:+".contains(letter) {
            word.push(letter);
        } else {
            out.push_str(kind(&std::mem::take(&mut word)));
            out.push(letter);
        }
    }
    out.push_str(kind(&word));
    out
}

/// The word itself, or what stands for all of its kind.
fn kind(word: &str) -> &str {
    if is_uuid(word) {
        "<uuid>"
    } else if is_time(word) {
        "<time>"
    } else if word.starts_with("s.") && word.len() > 20 || word.starts_with("b.") && word.len() > 40 {
        "<token>"
    } else if is_random(word) {
        "<random>"
    } else {
        word
    }
}

fn is_uuid(word: &str) -> bool {
    let parts: Vec<usize> = word.split('-').map(str::len).collect();
    parts == [8, 4, 4, 4, 12] && word.chars().all(|letter| letter == '-' || letter.is_ascii_hexdigit())
}

/// `2026-01-02T03:04:05.6Z`
fn is_time(word: &str) -> bool {
    word.len() >= 20 && word.as_bytes()[4] == b'-' && word.as_bytes()[10] == b'T' && word.ends_with('Z')
}

/// Letters of both cases and digits, or eight hexadecimal digits behind a name.
fn is_random(word: &str) -> bool {
    let has = |test: fn(&char) -> bool| word.chars().any(|letter| test(&letter));
    let is_mixed = has(char::is_ascii_uppercase) && has(char::is_ascii_lowercase) && has(char::is_ascii_digit);
    let accessor = word.rsplit_once('_').map(|(_, end)| end);
    let is_accessor = accessor.is_some_and(|end| end.len() == 8 && end.chars().all(|letter| letter.is_ascii_hexdigit()));
    word.len() >= 20 && is_mixed || is_accessor
}
