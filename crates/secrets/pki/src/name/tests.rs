use super::*;

fn role(domains: &[&str], change: fn(&mut Role)) -> Role {
    let mut role = Role { allowed_domains: domains.iter().map(|d| (*d).to_owned()).collect(), ..Role::default() };
    role.allow_localhost = false;
    change(&mut role);
    role
}

fn wanted(common_name: &str) -> Wanted {
    Wanted { common_name: common_name.into(), ..Wanted::default() }
}

/// As a common name and as an alternative name.
fn admits(role: &Role, name: &str) -> bool {
    let as_common_name = judge(role, "", &wanted(name)).is_ok();
    let open = Role { require_cn: false, ..role.clone() };
    let as_alternative = judge(&open, "", &Wanted { alternatives: vec![name.into()], ..Wanted::default() }).is_ok();
    assert_eq!(as_common_name, as_alternative, "{name}");
    as_common_name
}

#[test]
fn domains_are_matched_by_whole_labels() {
    let bare = role(&["example.com"], |r| r.allow_bare_domains = true);
    let below = role(&["example.com"], |r| r.allow_subdomains = true);
    let both = role(&["", "EXAMPLE.com"], |r| (r.allow_bare_domains, r.allow_subdomains) = (true, true));
    for (name, on_bare, on_below) in [
        ("example.com", true, false),
        ("EXAMPLE.COM", true, false),
        ("www.example.com", false, true),
        ("a.b.example.com", false, true),
        ("me@example.com", true, false),
        ("me@sub.example.com", false, true),
        ("*.example.com", false, true),
        ("*.sub.example.com", false, true),
    ] {
        assert_eq!((admits(&bare, name), admits(&below, name)), (on_bare, on_below), "{name}");
        assert!(admits(&both, name), "{name}");
    }
    for name in [
        "evilexample.com",
        "example.com.evil.org",
        "example.comevil",
        "www.evilexample.com",
        "*evilexample.com",
        "*.com",
        "*",
        "com",
        "me@evilexample.com",
        "me@example.com@evil.org",
        "example.com@evil.org",
        "www.example.com.",
        "www..example.com",
        ".example.com",
        "www.example.com\0.evil.org",
        "www.example.com\n",
        "www.example.com evil.org",
        "localhost",
    ] {
        for role in [&bare, &below, &both] {
            assert!(!admits(role, name), "{name:?}");
        }
    }
    assert!(!admits(&role(&["example.com"], |_| ()), "example.com"), "domains alone allow nothing");
}

/// CVE-2022-25243: a role without subdomains gave out wildcards.
#[test]
fn cve_2022_25243_no_wildcard_without_subdomains() {
    let bare = role(&["example.com"], |r| r.allow_bare_domains = true);
    let globs = role(&["example.com"], |r| (r.allow_bare_domains, r.allow_glob_domains) = (true, true));
    let without = role(&["example.com"], |r| (r.allow_subdomains, r.allow_wildcard_certificates) = (true, false));
    let any_without = role(&[], |r| (r.allow_any_name, r.allow_wildcard_certificates) = (true, false));
    for name in ["*.example.com", "*.www.example.com", "w*w.example.com", "*"] {
        for role in [&bare, &globs, &without, &any_without] {
            assert!(!admits(role, name), "{name} {role:?}");
        }
    }
    let loose = role(&["example.com"], |r| (r.allow_bare_domains, r.enforce_hostnames) = (true, false));
    assert!(judge(&loose, "", &wanted("*.example.com")).is_err() && judge(&loose, "", &wanted("*")).is_err());
    let local = role(&[], |r| r.allow_localhost = true);
    assert!(admits(&local, "localhost") && !admits(&local, "*.localhost") && !admits(&local, "a.localhost"));
}

/// CVE-2026-115369: networks were not asked for all addresses.
#[test]
fn cve_2026_115369_addresses_lie_in_the_networks() {
    let inside = role(&[], |r| {
        r.allow_any_name = true;
        r.allowed_ip_sans_cidr = vec!["10.0.0.0/8".into(), "fd00::/8".into()];
    });
    for (address, expected) in [
        ("10.1.2.3", true),
        ("::ffff:10.1.2.3", true),
        ("fd00::1", true),
        ("11.0.0.1", false),
        ("::ffff:11.0.0.1", false),
        ("::1", false),
    ] {
        let asked = Wanted { addresses: vec![address.parse().unwrap()], ..wanted("a") };
        assert_eq!(judge(&inside, "", &asked).is_ok(), expected, "{address}");
        assert_eq!(judge(&inside, "", &wanted(address)).is_ok(), expected, "{address} as a common name");
    }
    let none = role(&[], |r| (r.allow_any_name, r.allow_ip_sans) = (true, false));
    assert!(judge(&none, "", &Wanted { addresses: vec!["10.1.2.3".parse().unwrap()], ..wanted("a") }).is_err());
    assert!(judge(&none, "", &wanted("10.1.2.3")).is_err());
}

#[test]
fn an_address_never_becomes_a_host_name() {
    let names = wanted("10.0.0.1").general_names().unwrap();
    assert_eq!(names, vec![]);
    assert!(Wanted { alternatives: vec!["10.0.0.1".into()], ..Wanted::default() }.general_names().is_err());
}

#[test]
fn stars_in_domains_count_only_where_they_are_allowed() {
    let on = role(&["api-*.example.com"], |r| r.allow_glob_domains = true);
    let off = role(&["api-*.example.com"], |r| r.allow_bare_domains = true);
    assert!(admits(&on, "api-7.example.com") && admits(&on, "API-7.example.com") && !admits(&on, "web-7.example.com"));
    assert!(!admits(&off, "api-7.example.com"));
    assert!(!admits(&on, "api-7.example.com.evil.org"));
}

#[test]
fn common_names_are_of_the_kinds_that_the_role_takes() {
    let any = role(&[], |r| r.allow_any_name = true);
    let person = "Some Person";
    assert!(judge(&any, "", &wanted(person)).is_err());
    let loose = Role { enforce_hostnames: false, ..any.clone() };
    assert!(judge(&loose, "", &wanted(person)).is_ok());
    let mail_only = Role { cn_validations: vec!["email".into()], ..any.clone() };
    assert!(
        judge(&mail_only, "", &wanted("a.example.com")).is_err() && judge(&mail_only, "", &wanted("me@a.example.com")).is_ok()
    );
    let disabled = Role { cn_validations: vec!["disabled".into()], allow_any_name: false, ..any.clone() };
    assert!(judge(&disabled, "", &wanted(person)).is_ok());
    let host = wanted("www.example.com");
    assert!(judge(&disabled, "", &host).is_err(), "as an alternative name it is judged all the same");
    assert!(judge(&disabled, "", &Wanted { excludes_common_name: true, ..host }).is_ok());
    assert!(judge(&any, "", &wanted("")).is_err());
    assert!(judge(&Role { require_cn: false, ..any }, "", &wanted("")).is_ok());
}

#[test]
fn a_caller_may_have_its_own_name_only() {
    let own = role(&[], |r| r.allow_token_displayname = true);
    for (display_name, name, expected) in [
        ("host-a.example.com", "host-a.example.com", true),
        ("host-a", "host-b", false),
        ("", "host-a", false),
        ("host-a", "x.host-a", false),
    ] {
        assert_eq!(judge(&own, display_name, &wanted(name)).is_ok(), expected, "{display_name} {name}");
    }
    assert!(judge(&Role::default(), "host-a", &wanted("host-a")).is_err());
}

#[test]
fn other_names_serials_and_user_ids_fit_patterns() {
    let role = role(&[], |r| {
        r.allow_any_name = true;
        r.allowed_other_sans = vec!["1.3.6.1.4.1.311.20.2.3;UTF8:*@example.com".into()];
        r.allowed_serial_numbers = vec!["A-*".into()];
        r.allowed_user_ids = vec!["u*".into()];
    });
    let upn = |value: &str| other::parse(&[format!("1.3.6.1.4.1.311.20.2.3;utf-8:{value}")]).unwrap();
    assert!(judge(&role, "", &Wanted { others: upn("me@example.com"), ..wanted("a") }).is_ok());
    assert!(judge(&role, "", &Wanted { others: upn("me@evil.org"), ..wanted("a") }).is_err());
    assert!(judge(&role, "", &Wanted { others: other::parse(&["1.2.3;UTF8:x".into()]).unwrap(), ..wanted("a") }).is_err());
    for (serial, id, expected) in [("A-1", "u1", true), ("B-1", "u1", false), ("A-1", "v1", false), ("", "", true)] {
        let ids = if id.is_empty() { Vec::new() } else { vec![id.to_owned()] };
        let asked = Wanted { serial_number: serial.into(), user_ids: ids, ..wanted("a") };
        assert_eq!(judge(&role, "", &asked).is_ok(), expected, "{serial} {id}");
    }
    assert!(other::parse(&["nonsense".into()]).is_err() && other::parse(&["1.2.3;DER:x".into()]).is_err());
}

#[test]
fn each_name_comes_once_and_in_its_ascii_form() {
    let asked = Wanted { alternatives: vec!["a.example.com".into(), "münchen.example.com".into()], ..wanted("a.example.com") };
    let texts: Vec<String> = asked
        .general_names()
        .unwrap()
        .iter()
        .map(|name| match name {
            GeneralName::DnsName(name) => name.as_str().to_owned(),
            other => format!("{other:?}"),
        })
        .collect();
    assert_eq!(texts, ["a.example.com", "xn--mnchen-3ya.example.com"]);
    let without = Wanted { excludes_common_name: true, ..wanted("a.example.com") };
    assert!(without.general_names().unwrap().is_empty());
}
