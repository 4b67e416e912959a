//! Promises of the inner parts: templates, patterns, values, durations.

use serde_json::{Value, from_str};

use crate::pattern::{Pattern, Piece};
use crate::{template, value};

#[test]
fn templates_need_paired_braces() {
    for (path, is_fine) in [
        ("a/{{x}}/b", true),
        ("{{ x }}{{y}}", true),
        ("a/{{}}", true),
        ("a", true),
        ("a/{{x", false),
        ("a/x}}", false),
        ("}}{{", false),
        ("{{a{{b}}", false),
        ("{{a}}}}", false),
    ] {
        assert_eq!(template::parse(path).is_some(), is_fine, "{path}");
    }
}

#[test]
fn a_template_fills_with_plain_values_only() {
    let parts = template::parse("a/{{ identity.entity.name }}/b").expect("template");
    let fill = |value: &str| {
        template::fill(&parts, &|selector| {
            assert_eq!(selector, "identity.entity.name");
            Some(value.to_owned())
        })
    };
    assert_eq!(fill("joe the {{x}} one"), Some("a/joe the {{x}} one/b".to_owned()));
    for unsafe_value in ["", "a/b", "*", "a*", "+", "a+b", "/", "a\n", "a\0"] {
        assert_eq!(fill(unsafe_value), None, "{unsafe_value:?}");
    }
    assert_eq!(template::fill(&parts, &|_| None), None);
}

#[test]
fn only_whole_segments_are_plus_and_only_a_last_star_is_a_glob() {
    use Piece::{Plus, Text};
    let check = |path: &str, pieces: &[Piece<'_>], is_glob: bool| {
        let pattern = Pattern::parse(path).expect(path);
        assert_eq!((pattern.pieces().as_slice(), pattern.is_glob()), (pieces, is_glob), "{path}");
        assert_eq!(pattern.to_string(), path);
    };
    check("", &[Text("")], false);
    check("*", &[Text("")], true);
    check("a*b/a+b/c", &[Text("a*b/a+b/c")], false);
    check("+", &[Text(""), Plus, Text("")], false);
    check("a/+/+/b*", &[Text("a/"), Plus, Text("/"), Plus, Text("/b")], true);
    check("ä/+/", &[Text("ä/"), Plus, Text("/")], false);
    check("a**", &[Text("a*")], true);
}

#[test]
fn patterns_are_ordered_from_weak_to_strong() {
    let order = ["*", "+/+/c", "+/b/*", "+/b/c", "a*", "a/*", "a/+/*", "a/+/+", "a/+/c", "a/+/d", "a/+/cc", "a/b*"];
    let mut sorted = order;
    sorted.sort_by_cached_key(|path| Pattern::parse(path).expect("pattern").precedence());
    let position = |path: &str| sorted.iter().position(|p| *p == path).expect("known");
    for (weak, strong) in [
        ("*", "a*"),
        ("a/*", "a/b*"),
        ("a/+/c", "a/b*"),
        ("*", "a/+/c"),
        ("a/+/*", "a/+/c"),
        ("a/+/+", "a/+/c"),
        ("a/+/c", "a/+/cc"),
        ("a/+/c", "a/+/d"),
        ("+/b/*", "+/b/c"),
        ("+/+/c", "+/b/c"),
    ] {
        assert!(position(weak) < position(strong), "{weak} before {strong} in {sorted:?}");
    }
}

#[test]
fn allowed_values_are_strict_and_denied_ones_loose() {
    let check = |wanted: &str, sent: &str, allowed: bool, denied: bool| {
        let (w, s): (Value, Value) = (from_str(wanted).expect(wanted), from_str(sent).expect(sent));
        assert_eq!((value::is_allowed(&w, &s), value::is_denied(&w, &s)), (allowed, denied), "{wanted} {sent}");
    };
    check(r#""a""#, r#""a""#, true, true);
    check(r#""a""#, r#""b""#, false, false);
    check(r#""a*""#, r#""abc""#, true, true);
    check(r#""*c""#, r#""abc""#, true, true);
    check(r#""*b*""#, r#""abc""#, true, true);
    check(r#""**""#, r#""abc""#, true, true);
    check(r#""*""#, r#""abc""#, false, false);
    check(r#""*""#, r#""*""#, true, true);
    check("5", "5", true, true);
    check("5", "5.0", true, true);
    check("10", "1e1", true, true);
    check("5", r#""5""#, false, true);
    check(r#""5""#, "5", false, true);
    check("true", r#""true""#, false, true);
    check("true", "true", true, true);
    check(r#""root""#, r#"["x","root"]"#, false, true);
    check(r#"["a","b"]"#, r#"["a","b"]"#, true, true);
    check(r#"["a","b"]"#, r#"["a"]"#, false, false);
    check(r#"["a*"]"#, r#"["ab"]"#, false, false);
    check(r#""a""#, "null", false, false);
    check(r#""a""#, r#"{"a":"a"}"#, false, false);
}
