//! Promises of the reader: one meaning, precise places, bounds, no panic.

use proptest::prelude::*;

use crate::{Body, DEPTH_MAX, TEXT_BYTES_MAX, Value, parse};

/// The tree on one line, to compare with: `a=1 b{c=[x,y]}`.
fn shown(body: &Body) -> String {
    body.items.iter().map(|item| format!("{}{}", item.keys.join(":"), shown_value(&item.value))).collect::<Vec<_>>().join(" ")
}

fn shown_value(value: &Value) -> String {
    match value {
        Value::String(text) => format!("=\"{text}\""),
        Value::Number(text) => format!("={text}"),
        Value::Bool(value) => format!("={value}"),
        Value::List(values) => format!("=[{}]", values.iter().map(shown_value).collect::<Vec<_>>().join(",")),
        Value::Object(body) => format!("{{{}}}", shown(body)),
    }
}

#[track_caller]
fn reads(text: &str, expected: &str) {
    assert_eq!(parse(text).map(|body| shown(&body)).map_err(|e| e.to_string()), Ok(expected.to_owned()), "{text:?}");
}

#[track_caller]
fn refuses(text: &str, expected: &str) {
    assert_eq!(parse(text).map(|body| shown(&body)).map_err(|e| e.to_string()), Err(expected.to_owned()), "{text:?}");
}

#[test]
fn items_blocks_and_labels_are_read_in_order() {
    reads("", "");
    reads("# only\n// comments\n/* here\n */", "");
    reads("a = 1 b = true\nc = \"x\", d = -1.5e3", "a=1 b=true c=\"x\" d=-1.5e3");
    reads("path \"a\" { capabilities = [\"read\"] }", "path:a{capabilities=[=\"read\"]}");
    reads("\"path\" \"x\" {} path x { y {} }", "path:x{} path:x{y{}}");
    reads("path\n\"a\"\n{\n}", "path:a{}");
    reads("m = { a = 1, \"b\" = 2 }", "m{a=1 b=2}");
    reads("a = 1\na = 2", "a=1 a=2");
    reads("pa-th.x_1 = 0x1F # note", "pa-th.x_1=0x1F");
}

#[test]
fn lists_may_end_in_a_comma_and_hold_anything() {
    reads("l = []", "l=[]");
    reads("l = [1, \"a\", true, [2,], {b = 3},]", "l=[=1,=\"a\",=true,=[=2],{b=3}]");
    refuses("l = [1 2]", "At 1:8: error parsing list, expected comma or list end, got: NUMBER");
    refuses("l = [,]", "At 1:6: unexpected token while parsing list: COMMA");
    refuses("l = [1,,2]", "At 1:8: unexpected token while parsing list: COMMA");
    refuses("l = [read]", "At 1:6: unexpected token while parsing list: IDENT");
    refuses("l = [1,", "At 1:9: unexpected token while parsing list: EOF");
}

#[test]
fn strings_know_escapes_and_keep_interpolation_as_text() {
    reads(r#"s = "a\n\t\"\\\x41\u00e4\U0001F511""#, "s=\"a\n\t\"\\Aä🔑\"");
    reads(r#"s = "${env.HOME}/x$y{z}""#, "s=\"${env.HOME}/x$y{z}\"");
    reads(r#"s = "${f("a")}" t = 1"#, "s=\"${f(\"a\")}\" t=1");
    reads(r#"s = "${", t = "}""#, "s=\"${\", t = \"}\"");
    reads(r#"s = "${a\"}" "#, r#"s="${a\"}""#);
    refuses(r#"s = "\q""#, "At 1:6: illegal char escape");
    refuses(r#"s = "\xe4""#, "At 1:6: illegal char escape");
    refuses(r#"s = "\uD800""#, "At 1:6: illegal char escape");
    refuses("s = \"a\nb\"", "At 1:5: literal not terminated");
    refuses("s = \"a", "At 1:5: literal not terminated");
    refuses("s = \"a\0\"", "At 1:5: literal not terminated");
}

#[test]
fn heredocs_keep_their_lines_and_lose_only_the_common_indent() {
    reads("s = <<EOF\na\n  b\nEOF\nt = 1", "s=\"a\n  b\n\" t=1");
    reads("s = <<EOF\na\n  EOF\n", "s=\"a\n\"");
    reads("s = <<-EOF\n  a\n    b\n  EOF\n", "s=\"a\n  b\n\"");
    reads("s = <<-EOF\na\n    b\n  EOF\n", "s=\"a\n    b\n\"");
    reads("s = <<EOF\nEOF\n", "s=\"\"");
    reads("s = <<EOF\r\nx\r\nEOF\r\n", "s=\"x\r\n\"");
    reads("s = [<<EOF\nread\nEOF\n]", "s=[=\"read\n\"]");
    refuses("s = <<EOF\nfoo", "At 1:5: heredoc not terminated");
    refuses("s = <<E F\nfoo\nE F\n", "At 1:5: invalid characters in heredoc anchor");
    refuses("s = <EOF\n", "At 1:5: heredoc expected second '<'");
}

#[test]
fn numbers_have_one_reading() {
    for (text, value) in
        [("10", Some(10)), ("-7", Some(-7)), ("0x1F", Some(31)), ("-0x1", Some(-1)), ("1.5", None), ("1e3", None)]
    {
        let body = parse(&format!("n = {text}")).expect("number");
        assert_eq!(body.attribute("n").expect("once").and_then(Value::as_i64), value, "{text}");
    }
    for text in ["010", "08", "1.", "--1", "-", "0x", "1_000", "1e", "12ab"] {
        refuses(&format!("n = {text}"), "At 1:5: illegal number");
    }
}

#[test]
fn mistakes_are_told_with_their_place() {
    refuses("path \"a\" {", "At 1:12: object expected closing RBRACE got: EOF");
    refuses("path \"a\" {\n", "At 2:2: object expected closing RBRACE got: EOF");
    refuses("nonsense", "At 1:1: key expected start of object ('{') or assignment ('=')");
    refuses("path \"a\" }", "At 1:1: key expected start of object ('{') or assignment ('=')");
    refuses("path \"a\" = {}", "At 1:10: nested object expected: LBRACE got: ASSIGN");
    refuses("}", "At 1:1: expected: IDENT | STRING | ASSIGN | LBRACE got: RBRACE");
    refuses("a = 1,, b = 2", "At 1:7: expected: IDENT | STRING | ASSIGN | LBRACE got: COMMA");
    refuses("[]", "At 1:1: expected: IDENT | STRING | ASSIGN | LBRACE got: LBRACK");
    refuses("a = b", "At 1:5: expected a value got: IDENT");
    refuses("a 'b' {}", "At 1:3: illegal char");
    refuses("ä = 1\n\u{feff}b = 2", "At 2:1: illegal char");
    refuses("a {} /", "At 1:6: expected '/' for comment");
    refuses("a {} /* x", "At 1:6: comment not terminated");
    refuses("a = 1 \0", "At 1:7: illegal char");
}

#[test]
fn json_maps_to_the_same_tree() {
    let hcl = parse("path \"a\" { capabilities = [\"read\"] }").expect("hcl");
    for text in [
        r#"{"path":{"a":{"capabilities":["read"]}}}"#,
        r#" {"path":[{"a":{"capabilities":["read"]}}]}"#,
        r#"{"path":{"a":[{"capabilities":["read"],"x":null}]}}"#,
    ] {
        let json = parse(text).expect("json");
        let blocks = |body: &Body| -> Vec<(String, String)> {
            let blocks = body.blocks("path", 1).expect("blocks");
            blocks.iter().map(|b| (b.labels.join(":"), shown(b.body))).collect()
        };
        assert_eq!(blocks(&json), blocks(&hcl), "{text}");
    }
    reads(r#"{"a":1,"a":2,"b":[1,{"c":1.5}],"d":[]}"#, "a=1 a=2 b=[=1,{c=1.5}] d=[]");
    refuses(r#"{"a":"#, "At 1:5: eof while parsing a value");
    refuses(r#"{"a":1} x"#, "At 1:9: trailing characters");
    refuses(r#"{"a":[null]}"#, "At 1:11: null cannot stand in a list");
}

#[test]
fn blocks_need_exactly_their_labels_and_attributes_stand_once() {
    let count = |text: &str, labels| parse(text).expect("text").blocks("b", labels).map(|b| b.len()).map_err(|e| e.to_string());
    assert_eq!(count("b \"x\" {} b { y {} z {} } c {}", 1), Ok(3));
    assert_eq!(count("b {} b {}", 0), Ok(2));
    for (text, place) in [("b \"x\" \"y\" {}", "1:1"), ("b = 1", "1:1"), ("b { y = 1 }", "1:5")] {
        assert_eq!(count(text, 1), Err(format!("At {place}: \"b\" must be a block with 1 label(s)")));
    }
    let body = parse("a = 1\na = 2\nc \"x\" {}").expect("text");
    assert_eq!(body.attribute("a").map_err(|e| e.to_string()), Err("At 2:1: key \"a\" is given twice".to_owned()));
    assert_eq!(body.attribute("c").map_err(|e| e.to_string()), Err("At 3:1: key \"c\" takes no label".to_owned()));
    assert_eq!(body.attribute("d"), Ok(None));
}

#[test]
fn size_depth_and_count_are_bounded() {
    let message = |text: &str| parse(text).map(|_| ()).map_err(|e| e.message().to_owned());
    let nested = |open: &str, close: &str, n: usize| format!("{}{}", open.repeat(n), close.repeat(n));
    assert_eq!(message(&nested("a {", "}", DEPTH_MAX)), Ok(()));
    let deep = Err("nested deeper than 32 levels".to_owned());
    assert_eq!(message(&nested("a {", "}", DEPTH_MAX + 1)), deep);
    assert_eq!(message(&format!("a = {}", nested("[", "]", 100_000))), deep);
    assert_eq!(message(&format!("{{\"a\":{}}}", nested("[", "]", 60))), deep);
    assert_eq!(message(&"#".repeat(TEXT_BYTES_MAX)), Ok(()));
    assert_eq!(message(&"#".repeat(TEXT_BYTES_MAX + 1)), Err("text is longer than 1048576 bytes".to_owned()));
    let many = Err("text has more than 65536 values".to_owned());
    assert_eq!(message(&"a=1 ".repeat(70_000)), many);
    assert_eq!(message(&format!("{{\"a\":[{}1]}}", "1,".repeat(70_000))), many);
}

#[test]
fn values_stay_out_of_debug_output_and_errors() {
    let marker = "hunter2";
    let body = parse(&format!("seal \"x\" {{ token = \"{marker}\" list = [\"{marker}\"] }}")).expect("text");
    assert!(!format!("{body:?}").contains(marker));
    for text in
        [format!("a = \"{marker}"), format!("a = \"{marker}\" = 1"), format!("{{\"a\":\"{marker}\" 1}}"), format!("a = {marker}")]
    {
        let error = parse(&text).expect_err("broken");
        assert!(!error.to_string().contains(marker) && !format!("{error:?}").contains(marker), "{error}");
    }
}

const SAMPLE: &str = "# c\npath \"a/+/*\" {\n  capabilities = [\"read\", \"list\",]\n  allowed_parameters = { \"x\" = [1, -2.5, true, \"${y}\"] }\n}\n\
                      t = <<-EOF\n  a\n  EOF\n/* end */ n = 0x1F\n";

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in "\\PC*|[\\x00-\\x7f]*|[{}\\[\\]=,\"$\\\\#/*<E\\n a-c0-1.-]*") {
        let _ = parse(&text);
    }

    #[test]
    fn damaged_texts_are_read_or_refused(at in 0..SAMPLE.len(), drop in 0usize..4, put in "[{}\\[\\]=,\"$\\\\#/*<\\x00-\\x1f a-z0-9]{0,3}") {
        let mut chars: Vec<char> = SAMPLE.chars().collect();
        let end = at.saturating_add(drop).min(chars.len());
        chars.splice(at.min(end)..end, put.chars());
        let _ = parse(&chars.into_iter().collect::<String>());
    }

    #[test]
    fn any_string_survives_quoting(value in "[^\\x00]*") {
        // Without `${`, whose inside is kept as written.
        let value = value.replace("${", "$(");
        let quoted: String = value.chars().map(|c| format!("\\U{:08x}", u32::from(c))).collect();
        let body = parse(&format!("s = \"{quoted}\"")).expect("quoted");
        prop_assert_eq!(body.attribute("s").expect("once").and_then(Value::as_str), Some(value.as_str()));
    }
}
