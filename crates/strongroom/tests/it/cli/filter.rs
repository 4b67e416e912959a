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
            flush(&mut word, &mut out);
            out.push(letter);
        }
    }
    flush(&mut word, &mut out);
    // Cells are as wide as what they held.
    out.split('\n').map(|line| if line.contains('>') { even(line) } else { line.to_owned() }).collect::<Vec<_>>().join("\n")
}

/// `name:value` is two words, unless it is a time.
fn flush(word: &mut String, out: &mut String) {
    let word = std::mem::take(word);
    match word.split_once(':') {
        Some((name, value)) if name.chars().all(|letter| letter.is_ascii_alphabetic() || letter == '_') => {
            out.push_str(&format!("{}:{}", kind(name), kind(value)));
        }
        _ => out.push_str(kind(&word)),
    }
}

/// Four spaces behind every cell that stands for others.
fn even(line: &str) -> String {
    let mut parts = line.split('>');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |line, part| {
        let rest = part.trim_start_matches(' ');
        let gap = if part.len() >= rest.len() + 2 && !rest.is_empty() { "    " } else { &part[..part.len() - rest.len()] };
        format!("{line}>{gap}{rest}")
    })
}

/// The word itself, or what stands for all of its kind.
fn kind(word: &str) -> &str {
    if is_uuid(word) {
        "<uuid>"
    } else if is_time(word) {
        "<time>"
    } else if word.starts_with("s.") && word.len() > 20 || word.starts_with("b.") && word.len() > 40 {
        "<token>"
    } else if word.starts_with("strongroom-cluster-") {
        "<cluster>"
    } else if is_date(word) {
        "<date>"
    } else if word.len() > 8 && word.as_bytes()[2] == b':' && word.as_bytes()[5] == b':' {
        "<clock>"
    } else if is_accessor(word) {
        "<accessor>"
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

/// `2026-01-02`
fn is_date(word: &str) -> bool {
    word.split('-').map(str::len).eq([4, 2, 2]) && word.chars().all(|letter| letter == '-' || letter.is_ascii_digit())
}

/// A kind, an underscore and eight letters or digits; some names look the same.
fn is_accessor(word: &str) -> bool {
    const KINDS: [&str; 8] = ["auth", "token", "kv", "system", "identity", "cubbyhole", "leased", "userpass"];
    const NAMES: [&str; 5] = ["accessor", "duration", "policies", "metadata", "username"];
    let Some((kind, end)) = word.rsplit_once('_') else { return false };
    let is_kind = KINDS.iter().any(|one| kind == *one || kind.starts_with(&format!("{one}_")));
    is_kind && end.len() == 8 && !NAMES.contains(&end)
}

/// Letters of both cases and digits.
fn is_random(word: &str) -> bool {
    let has = |test: fn(&char) -> bool| word.chars().any(|letter| test(&letter));
    word.len() >= 20 && has(char::is_ascii_uppercase) && has(char::is_ascii_lowercase) && has(char::is_ascii_digit)
}
