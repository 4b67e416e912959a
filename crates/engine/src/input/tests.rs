//! The loose spellings, absent against null, unknown names, and that no error quotes a value.

use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::*;

#[derive(Deserialize)]
#[serde(default)]
#[derive(Default)]
struct Sample {
    path: String,
    ttl: Present<Seconds>,
    list: List,
    flag: Flag,
    number: Number,
    meta: StringMap,
    data: Option<Box<RawValue>>,
}

impl Input for Sample {
    const FIELDS: &'static [Field] = &[
        field::<String>("path", ""),
        field::<Present<Seconds>>("ttl", ""),
        field::<List>("list", ""),
        field::<Flag>("flag", ""),
        field::<Number>("number", ""),
        field::<StringMap>("meta", ""),
        field::<Option<Box<RawValue>>>("data", ""),
    ];
}

fn parse(body: &str) -> crate::Result<(Sample, Vec<String>)> {
    FieldSet::from_json(Bytes::copy_from_slice(body.as_bytes()), JsonLimits::default())?.parse::<Sample>()
}

#[test]
fn table_names_what_the_type_takes() {
    crate::testing::assert_fields_match::<Sample>();
}

#[test]
fn durations_lists_flags_come_in_every_spelling() {
    for (ttl, list, flag) in
        [("3600", r#"["a","b"]"#, "true"), (r#""3600""#, r#""a,b""#, r#""true""#), (r#""1h""#, r#"["a","b"]"#, "1")]
    {
        let (s, _) = parse(&format!(r#"{{"ttl":{ttl},"list":{list},"flag":{flag},"number":"8","meta":["k=v"]}}"#)).unwrap();
        assert_eq!(s.ttl, Present::Is(Seconds(strongroom_types::Ttl::from_s(3600))));
        assert_eq!((s.list.0, s.flag.0, s.number.0), (vec!["a".to_owned(), "b".to_owned()], true, 8));
        assert_eq!(s.meta.0.get("k").map(String::as_str), Some("v"));
    }
}

#[test]
fn names_and_texts_come_as_an_object_an_array_or_one_pair() {
    for (meta, want) in [
        (r#"{"a":"b","n":1}"#, Some(vec![("a", "b"), ("n", "1")])),
        (r#"["a=b","c=d=e"]"#, Some(vec![("a", "b"), ("c", "d=e")])),
        (r#""a=b,c=d""#, Some(vec![("a", "b,c=d")])),
        (r#""a=""#, Some(vec![("a", "")])),
        ("[]", Some(vec![])),
        (r#""""#, None),
        (r#""a""#, None),
        (r#""=b""#, None),
        (r#"["a=b",7]"#, None),
        ("7", None),
    ] {
        let got = parse(&format!(r#"{{"meta":{meta}}}"#)).ok().map(|(sample, _)| sample.meta.0);
        let want = want.map(|pairs| pairs.into_iter().map(|(k, v)| (k.to_owned(), v.to_owned())).collect());
        assert_eq!(got, want, "{meta}");
    }
}

#[test]
fn absent_null_and_zero_are_three_things() {
    let ttl = |body: &str| parse(body).unwrap().0.ttl;
    assert_eq!(ttl("{}"), Present::Absent);
    assert_eq!(ttl(r#"{"ttl":null}"#), Present::Null);
    assert_eq!(ttl(r#"{"ttl":0}"#), Present::Is(Seconds(strongroom_types::Ttl::ZERO)));
    assert_eq!(ttl(""), Present::Absent);
    assert_eq!(ttl("null"), Present::Absent);
}

#[test]
fn null_is_taken_as_left_out() {
    let (s, unknown) = parse(r#"{"path":"p","list":null,"flag":null,"number":null,"meta":null,"ttl":null,"data":null}"#).unwrap();
    assert_eq!(
        (s.list, s.flag, s.number, s.meta, unknown.len()),
        (List::default(), Flag(false), Number(0), StringMap::default(), 0)
    );
}

#[test]
fn numbers_come_back_as_written() {
    let (s, _) = parse(r#"{"data":{"a":1.10,"b":1e400,"c":12345678901234567890123}}"#).unwrap();
    assert_eq!(s.data.unwrap().get(), r#"{"a":1.10,"b":1e400,"c":12345678901234567890123}"#);
}

#[test]
fn unknown_fields_are_named_and_the_last_of_equal_names_counts() {
    let (s, unknown) = parse(r#"{"zz":[1,{"a":2}],"number":1,"number":2,"aa":"x"}"#).unwrap();
    assert_eq!((s.number.0, unknown), (2, vec!["aa".to_owned(), "zz".to_owned()]));
}

#[test]
fn a_body_cannot_replace_a_path_parameter() {
    let mut set = FieldSet::from_json(Bytes::from_static(br#"{"path":"evil"}"#), JsonLimits::default()).unwrap();
    set.set_path(vec![("path", "good")]);
    assert_eq!(set.parse::<Sample>().unwrap().0.path, "good");
}

#[test]
fn an_input_of_any_fields_keeps_one_named_like_the_path_parameter() {
    let mut set = FieldSet::from_json(Bytes::from_static(br#"{"path":"/etc","a":1}"#), JsonLimits::default()).unwrap();
    set.set_path(vec![("path", "name")]);
    assert_eq!(set.parse::<AnyFields>().unwrap().0.object_text(), br#"{"path":"/etc","a":1}"#);
}

#[test]
fn cve_2025_4166_errors_name_the_field_and_quote_nothing() {
    let marker = "s3cr3t-marker";
    for field in ["ttl", "list", "flag", "number", "meta"] {
        for value in [format!(r#""{marker}""#), format!(r#"{{"a":{{"{marker}":1}}}}"#), format!(r#"[["{marker}"]]"#)] {
            if let Err(e) = parse(&format!(r#"{{"{field}":{value}}}"#)) {
                assert!(!e.to_string().contains(marker), "{e}");
                assert!(e.to_string().contains(field), "{e}");
            }
        }
    }
    for body in [format!(r#""{marker}""#), format!("{{{marker}"), format!(r#"{{"a":1}} {marker}"#)] {
        let text = parse(&body).err().map(|e| e.to_string()).unwrap();
        assert!(!text.contains(marker), "{text}");
    }
}

#[test]
fn cve_2025_6203_deep_or_crowded_json_is_refused_before_it_is_built() {
    let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
    assert!(parse(&format!(r#"{{"a":{deep}}}"#)).err().unwrap().to_string().contains("deeper"));
    let crowded = format!(r#"{{"a":[{}1]}}"#, "1,".repeat(30_000));
    assert!(parse(&crowded).err().unwrap().to_string().contains("more than"));
}
