//! How far two keys are apart: a key that is nearly one that guards something is a typing mistake, and a typing mistake
//! there must not pass as an unknown key (decisions.md 19).

/// Two letters wrong, missing or too many still count as a typing mistake.
const DISTANCE_MAX: usize = 2;

/// The known key that an unknown one was probably meant to be; the nearest one, the first of equals.
pub fn near_miss<'k>(key: &str, known: &[&'k str]) -> Option<&'k str> {
    let distances = known.iter().map(|name| (distance(key, name), *name));
    let nearest = distances.min_by_key(|(distance, _)| *distance)?;
    // A name of two letters is two steps from every other one.
    let allowed = DISTANCE_MAX.min(nearest.1.len().saturating_sub(1) / 2);
    (nearest.0 <= allowed).then_some(nearest.1)
}

/// Edit distance (Levenshtein) without regard to case.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.to_lowercase().chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (index, letter) in a.to_lowercase().chars().enumerate() {
        let mut diagonal = index;
        let mut left = index.saturating_add(1);
        if let Some(first) = row.first_mut() {
            *first = left;
        }
        for (cell, other) in row.iter_mut().skip(1).zip(&b) {
            let replaced = diagonal.saturating_add(usize::from(letter != *other));
            diagonal = *cell;
            left = replaced.min(cell.saturating_add(1)).min(left.saturating_add(1));
            *cell = left;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_count_single_letters() {
        for (a, b, expected) in [
            ("", "", 0),
            ("a", "", 1),
            ("kitten", "sitting", 3),
            ("TLS_Disable", "tls_disable", 0),
            ("tls_dsiable", "tls_disable", 2),
        ] {
            assert_eq!(distance(a, b), expected, "{a} {b}");
            assert_eq!(distance(b, a), expected, "{b} {a}");
        }
    }

    #[test]
    fn only_near_keys_are_meant() {
        let known = ["tls_disable", "address", "mode", "ui"];
        for (key, expected) in [
            ("tls_disabel", Some("tls_disable")),
            ("tls-disable", Some("tls_disable")),
            ("adress", Some("address")),
            ("mod", Some("mode")),
            ("a", None),
            ("x", None),
            ("mdoe", None),
            ("telemetry", None),
        ] {
            assert_eq!(near_miss(key, &known), expected, "{key}");
        }
    }
}
