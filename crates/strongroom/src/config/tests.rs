//! What the configuration promises: every key of the reference is taken, mistakes are named, nothing is guessed.

use std::fs;
use std::time::Duration;

use strongroom_core::AuditKind;
use strongroom_http::TlsVersion;

use super::*;
use crate::log::{Format, Level};

fn read(text: &str) -> std::result::Result<Config, String> {
    let mut config = Config::default();
    let file = Path::new("a.hcl");
    let read = config.add(file, text).and_then(|()| config.check(file));
    read.map(|()| config).map_err(|mistake| mistake.to_string())
}

fn good(text: &str) -> Config {
    read(text).unwrap_or_else(|mistake| panic!("{text}: {mistake}"))
}

/// Reads without complaint.
fn silent(text: &str) -> Config {
    let config = good(text);
    assert_eq!(config.warnings, Vec::<String>::new(), "{text}");
    config
}

fn refused(text: &str, expected: &str) {
    let mistake = read(text).err().unwrap_or_else(|| panic!("{text} was taken"));
    assert!(mistake.starts_with(expected), "{text}: {mistake}");
}

fn warned(text: &str, expected: &str) {
    let warnings = good(text).warnings;
    assert!(warnings.iter().any(|warning| warning.starts_with(expected)), "{text}: {warnings:?}");
}

const WHOLE: &str = r#"
ui = true
api_addr = "https://vault.example:8200"
cluster_addr = "https://vault.example:8201"
cluster_name = "one"
default_lease_ttl = "1h30m"
max_lease_ttl = 7200
log_level = "debug"
log_format = "json"
pid_file = "/run/strongroom.pid"
disable_mlock = true
plugin_directory = "/plugins"
telemetry { disable_hostname = true }
listener "tcp" {
  address = "0.0.0.0:8200"
  tls_cert_file = "cert.pem"
  tls_key_file = "key.pem"
  tls_min_version = "tls12"
  tls_disable_client_certs = "true"
  tls_client_ca_file = "ca.pem"
  max_request_size = "1048576"
  max_request_duration = "30s"
  http_idle_timeout = 60
  x_forwarded_for_authorized_addrs = "10.0.0.0/8, 192.0.2.1"
  x_forwarded_for_hop_skips = "1"
  x_forwarded_for_reject_not_present = "false"
}
listener "unix" {
  address = "/run/strongroom.sock"
  socket_mode = "0660"
}
storage "embedded" { path = "/data" }
audit "file" "main" {
  description = "all of it"
  options {
    file_path = "/log/audit.log"
    sync = true
  }
}
"#;

#[test]
fn every_key_means_what_it_says() {
    let config = silent(WHOLE);
    assert_eq!(config.leases, Leases { default_ttl: Ttl::from_s(5400), max_ttl: Ttl::from_s(7200) });
    assert_eq!(config.cluster, Cluster { name: "one".into(), api_addr: "https://vault.example:8200".into() });
    assert_eq!(config.log, Log { level: Some(Level::Debug), format: Some(Format::Json) });
    assert_eq!(config.process, Process { pid_file: Some("/run/strongroom.pid".into()), lock_memory: false });
    assert_eq!(config.storage, Some(Storage::Embedded { path: "/data".into(), size_bytes_max: None }));
    let [tcp, unix] = config.listeners.as_slice() else { panic!("two listeners") };
    assert_eq!(tcp.address, Address::Tcp("0.0.0.0:8200".parse().unwrap()));
    let tls = Tls {
        cert_file: "cert.pem".into(),
        key_file: "key.pem".into(),
        version_min: TlsVersion::V1_2,
        client_certificates: false,
    };
    assert_eq!(tcp.tls, Some(tls));
    assert_eq!(tcp.limits.body_bytes_max, Some(1 << 20));
    assert_eq!(tcp.limits.request_timeout, Some(Duration::from_secs(30)));
    assert_eq!(tcp.limits.idle_timeout, Some(Duration::from_secs(60)));
    assert_eq!(tcp.limits.header_timeout, None);
    assert_eq!((tcp.forwarded.authorized.len(), tcp.forwarded.hop_skips), (2, 1));
    assert!(!tcp.forwarded.reject_not_present && tcp.forwarded.reject_not_authorized);
    assert_eq!(unix.address, Address::Unix { path: "/run/strongroom.sock".into(), mode: 0o660 });
    let [audit] = config.audit.as_slice() else { panic!("one device") };
    assert_eq!((audit.name.as_str(), audit.description.as_str()), ("main/", "all of it"));
    assert_eq!(audit.kind, AuditKind::File { path: "/log/audit.log".into(), is_sync: true });
}

#[test]
fn nothing_given_means_the_documented_defaults() {
    let config = silent("listener \"tcp\" { tls_disable = \"true\" }");
    let [listener] = config.listeners.as_slice() else { panic!("one listener") };
    assert_eq!(listener.address, Address::Tcp("127.0.0.1:8200".parse().unwrap()));
    assert!(listener.tls.is_none() && listener.forwarded.authorized.is_empty());
    assert_eq!(listener.limits, Limits::default());
    assert_eq!(config.leases, Leases { default_ttl: Ttl::from_s(2_764_800), max_ttl: Ttl::from_s(2_764_800) });
    assert_eq!(config.process, Process { pid_file: None, lock_memory: true });
    let with_tls = silent("listener \"tcp\" { tls_cert_file = \"c\" tls_key_file = \"k\" }");
    let tls = with_tls.listeners[0].tls.as_ref().unwrap();
    assert_eq!((tls.version_min, tls.client_certificates), (TlsVersion::V1_3, true));
    let unix = silent("listener \"unix\" { address = \"/s\" }");
    assert_eq!(unix.listeners[0].address, Address::Unix { path: "/s".into(), mode: 0o600 });
}

#[test]
fn json_says_the_same_as_hcl() {
    let shown = |config: &Config| format!("{:?} {:?} {:?} {:?}", config.listeners, config.storage, config.audit, config.leases);
    for (json, hcl) in [
        (r#"{"backend":{"inmem":{}}}"#, "backend \"inmem\" {}"),
        (r#"{"storage":[{"embedded":{"path":"d"}}]}"#, "storage { path = \"d\" }"),
        (
            r#"{"listener":{"tcp":{"tls_disable":"true","address":"[::1]:1"}}}"#,
            "listener \"tcp\" { tls_disable = true address = \"[::1]:1\" }",
        ),
        (
            r#"{"listener":[{"tcp":{"tls_disable":1}},{"unix":{"address":"/s"}}]}"#,
            "listener \"tcp\" { tls_disable = true }\nlistener \"unix\" { address = \"/s\" }",
        ),
        (
            r#"{"audit":[{"file":{"x":{"options":{"file_path":"/a"}}}}]}"#,
            "audit \"file\" \"x\" { options = { file_path = \"/a\" } }",
        ),
        (r#"{"audit":{"file":{"options":{"file_path":"/a"}}}}"#, "audit \"file\" { file_path = \"/a\" }"),
        (r#"{"audit":{"type":"file","path":"x/","options":{"file_path":"/a"}}}"#, "audit \"file\" \"x\" { file_path = \"/a\" }"),
        (r#"{"max_lease_ttl":"768h","default_lease_ttl":60}"#, "default_lease_ttl = \"1m\""),
    ] {
        assert_eq!(shown(&silent(json)), shown(&silent(hcl)), "{json}");
    }
}

#[test]
fn other_storage_of_the_reference_is_served_or_refused() {
    for kind in ["raft", "file"] {
        let text =
            format!("storage \"{kind}\" {{\n path = \"d\"\n node_id = \"n\"\n retry_join {{ leader_api_addr = \"x\" }}\n}}");
        warned(&text, &format!("a.hcl:2: storage \"{kind}\": path: \"{kind}\" storage is served by the embedded store"));
        assert_eq!(good(&text).storage, Some(Storage::Embedded { path: "d".into(), size_bytes_max: None }));
    }
    refused("storage \"consul\" {}", "a.hcl:1: storage \"consul\": not supported by this build");
    refused("storage \"embedded\" {}", "a.hcl:1: storage \"embedded\": path: is required");
    refused("storage \"inmem\" {}\nbackend \"inmem\" {}", "a.hcl:2: backend \"inmem\": there can be one storage stanza only");
}

#[test]
fn unknown_keys_warn_with_their_place() {
    warned("\nfoo_bar = 1", "a.hcl:2: foo_bar: unknown key, ignored");
    warned("listener \"tcp\" {\n tls_disable = true\n colour = 1\n}", "a.hcl:3: listener \"tcp\": colour: unknown key, ignored");
    warned("storage \"inmem\" { pth = 1 }", "a.hcl:1: storage \"inmem\": pth: unknown key");
    warned("initialize \"x\" {}", "a.hcl:1: initialize: not supported by this build");
    warned(
        "listener \"tcp\" { tls_disable = true tls_cipher_suites = \"x\" }",
        "a.hcl:1: listener \"tcp\": tls_cipher_suites: has no effect",
    );
}

#[test]
fn a_misspelt_key_that_guards_is_an_error_naming_both() {
    for (text, expected) in [
        (
            "listener \"tcp\" {\n tls_dsiable = true\n}",
            "a.hcl:2: listener \"tcp\": tls_dsiable: unknown key; `tls_disable` was probably meant",
        ),
        ("listener \"tcp\" { TLS_Disable = true }", "a.hcl:1: listener \"tcp\": TLS_Disable: unknown key; `tls_disable`"),
        ("audit \"file\" { file_pth = \"/a\" }", "a.hcl:1: audit \"file\": file_pth: unknown key; `file_path`"),
        (
            "audit \"file\" { options { file_path = \"/a\" log_rw = true } }",
            "a.hcl:1: audit \"file\": options: log_rw: unknown key; `log_raw`",
        ),
        ("seal \"shamir\" { disbled = true }", "a.hcl:1: seal \"shamir\": disbled: unknown key; `disabled`"),
        ("\n\nlistner \"tcp\" {}", "a.hcl:3: listner: unknown stanza; `listener` was probably meant"),
        ("audits \"file\" {}", "a.hcl:1: audits: unknown stanza; `audit`"),
    ] {
        refused(text, expected);
    }
}

#[test]
fn a_rule_that_is_broken_is_named_and_no_value_shown() {
    for (text, expected) in [
        ("listener \"tcp\" {}", "a.hcl:1: listener \"tcp\": tls_cert_file: is required unless tls_disable"),
        ("listener \"tcp\" { tls_disable = \"hush\" }", "a.hcl:1: listener \"tcp\": tls_disable: must be true or false"),
        (
            "listener \"tcp\" { tls_disable = true address = \"hush\" }",
            "a.hcl:1: listener \"tcp\": address: must be an IP address and a port",
        ),
        ("listener \"tcp\" { tls_min_version = \"tls11\" }", "a.hcl:1: listener \"tcp\": tls_min_version: must be"),
        ("listener \"tcp\" { tls_max_version = \"tls12\" }", "a.hcl:1: listener \"tcp\": tls_max_version: must be"),
        (
            "listener \"tcp\" { tls_require_and_verify_client_cert = true }",
            "a.hcl:1: listener \"tcp\": tls_require_and_verify_client_cert: not supported: client certificates are accepted and never required",
        ),
        (
            "listener \"tcp\" { proxy_protocol_behavior = \"use_always\" }",
            "a.hcl:1: listener \"tcp\": proxy_protocol_behavior: not supported",
        ),
        (
            "listener \"tcp\" { tls_disable = true max_request_size = -1 }",
            "a.hcl:1: listener \"tcp\": max_request_size: must be a whole number",
        ),
        (
            "listener \"tcp\" { tls_disable = true x_forwarded_for_authorized_addrs = \"hush\" }",
            "a.hcl:1: listener \"tcp\": x_forwarded_for_authorized_addrs: must be",
        ),
        ("listener \"udp\" {}", "a.hcl:1: listener \"udp\": the listener's type must be"),
        (
            "listener \"unix\" { address = \"/s\" socket_mode = \"9\" }",
            "a.hcl:1: listener \"unix\": socket_mode: must be an octal mode",
        ),
        (
            "listener \"unix\" { address = \"/s\" socket_group = \"g\" }",
            "a.hcl:1: listener \"unix\": socket_group: not supported",
        ),
        ("listener = 1", "a.hcl:1: listener: must be a block"),
        ("seal \"transit\" {}", "a.hcl:1: seal \"transit\": not supported by this build"),
        ("audit \"syslog\" {}", "a.hcl:1: audit \"syslog\": not supported by this build"),
        ("audit \"socket\" {}", "a.hcl:1: audit \"socket\": address: is required"),
        ("audit \"socket\" { address = \"a\" }", "a.hcl:1: audit \"socket\": address: must be HOST:PORT"),
        ("audit \"socket\" { address = \"a:1\" socket_type = \"tls\" }", "a.hcl:1: audit \"socket\": socket_type: must be"),
        ("audit \"socket\" { address = \"a:1\" write_timeout = \"61s\" }", "a.hcl:1: audit \"socket\": write_timeout: must be"),
        ("audit \"socket\" { address = \"a:1\" sync = true }", "a.hcl:1: audit \"socket\": sync: is no option"),
        ("audit \"stdout\" { file_path = \"/a\" }", "a.hcl:1: audit \"stdout\": file_path: is no option"),
        ("unsafe_allow_api_audit_creation = true", "a.hcl:1: unsafe_allow_api_audit_creation: needs `audit_api_folder`"),
        ("audit_api_folder = \"relative\"", "a.hcl:1: audit_api_folder: must be an absolute path"),
        ("audit \"file\" {}", "a.hcl:1: audit \"file\": file_path: is required"),
        (
            "audit \"file\" \"a/../b\" { file_path = \"/x\" }",
            "a.hcl:1: audit \"file\" \"a/../b\": path: the device's name must be",
        ),
        (
            "audit \"file\" { file_path = \"discard\" }",
            "a.hcl:1: audit \"file\": file_path: must be \"stdout\" or a regular file",
        ),
        (
            "audit \"file\" { options { file_path = \"/a\" log_raw = \"true\" } }",
            "a.hcl:1: audit \"file\": options: log_raw: not supported",
        ),
        (
            "audit \"file\" { options { file_path = \"/a\" mode = \"0644\" } }",
            "a.hcl:1: audit \"file\": options: mode: must be \"0600\"",
        ),
        (
            "audit \"file\" \"a\" { file_path = \"/a\" }\naudit \"file\" \"a\" { file_path = \"/b\" }",
            "a.hcl:1: audit \"a/\": two devices have this name",
        ),
        (
            "audit \"file\" \"a\" { file_path = \"/a\" }\naudit \"file\" \"b\" { file_path = \"/a\" }",
            "a.hcl:1: audit \"b/\": two devices write to this file_path",
        ),
        ("default_lease_ttl = \"800h\"", "a.hcl:1: default_lease_ttl: must not be larger than max_lease_ttl"),
        ("default_lease_ttl = \"hush\"", "a.hcl:1: default_lease_ttl: must be a duration"),
        ("max_lease_ttl = -1", "a.hcl:1: max_lease_ttl: must be a duration"),
        ("log_level = \"hush\"", "a.hcl:1: log_level: must be trace"),
        ("log_format = \"hush\"", "a.hcl:1: log_format: must be standard or json"),
        ("pid_file = 7", "a.hcl:1: pid_file: must be a text"),
        ("\nlog_level = \"info\"\nlog_level = \"warn\"", "a.hcl:3: log_level: is given twice"),
        ("\n\nlistener {", "a.hcl:3: syntax: "),
    ] {
        refused(text, expected);
        assert!(!read(text).err().unwrap_or_default().contains("hush"), "{text}");
    }
}

#[test]
fn several_files_and_folders_add_up_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let put = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    put("b.json", r#"{"log_level":"warn","listener":{"tcp":{"tls_disable":true,"address":"127.0.0.1:2"}}}"#);
    put(
        "a.hcl",
        "log_level = \"debug\"\ncluster_name = \"a\"\nlistener \"tcp\" {\n tls_disable = true\n address = \"127.0.0.1:1\"\n}",
    );
    put("notes.txt", "not { read");
    let config = Config::read(&[folder.path().to_owned()]).unwrap();
    assert_eq!((config.log.level, config.cluster.name.as_str()), (Some(Level::Warn), "a"));
    let ports: Vec<Address> = config.listeners.iter().map(|listener| listener.address.clone()).collect();
    assert_eq!(ports, [1, 2].map(|port| Address::Tcp(([127, 0, 0, 1], port).into())));

    put("c.hcl", "\nnonsense");
    let mistake = Config::read(&[folder.path().to_owned()]).unwrap_err();
    assert!(mistake.file.ends_with("c.hcl") && mistake.key == "syntax", "{mistake}");
    let empty = tempfile::tempdir().unwrap();
    assert!(Config::read(&[empty.path().to_owned()]).unwrap_err().rule.contains("no .hcl or .json"));
    assert!(Config::read(&[empty.path().join("none.hcl")]).unwrap_err().rule.contains("can't be read"));
}

#[test]
fn lockouts_are_set_by_method_and_misspelt_ones_refused() {
    let config = silent(
        r#"
user_lockout "all" {
  lockout_threshold = "25"
  lockout_duration = "40m"
  lockout_counter_reset = "45m"
}
user_lockout "userpass" { disable_lockout = "true" }
"#,
    );
    let all = config.lockout.get("all").copied().unwrap();
    assert_eq!((all.threshold, all.duration, all.counter_reset), (25, Ttl::from_s(2400), Ttl::from_s(2700)));
    assert_eq!((all.disable, config.lockout.get("userpass").unwrap().disable), (None, Some(true)));
    refused("user_lockot \"all\" { lockout_threshold = 1 }", "a.hcl:1: user_lockot: unknown stanza; `user_lockout`");
    refused("user_lockout \"all\" { lockout_treshold = 1 }", "a.hcl:1: user_lockout \"all\": lockout_treshold: unknown key");
    refused("user_lockout \"cert\" {}", "a.hcl:1: user_lockout \"cert\": must have one label");
    refused("user_lockout \"all\" { lockout_threshold = -1 }", "a.hcl:1: user_lockout \"all\": lockout_threshold: must be");
}

#[test]
fn telemetry_says_who_reads_the_figures() {
    let config = silent(
        "telemetry {\n prometheus_retention_time = \"24h\"\n disable_hostname = true\n metrics_address = \"127.0.0.1:9102\"\n usage_gauge_period = \"1m\"\n}",
    );
    assert_eq!(config.telemetry.metrics_address, Some("127.0.0.1:9102".parse().unwrap()));
    assert_eq!((config.telemetry.served.prometheus, config.telemetry.served.usage_period), (true, Some(Duration::from_secs(60))));
    assert!(!good("telemetry { prometheus_retention_time = 0 }").telemetry.served.prometheus);
    assert!(silent("telemetry { usage_gauge_period = \"none\" }").telemetry.served.usage_period.is_none());
    let open = silent("listener \"tcp\" {\n tls_disable = true\n telemetry { unauthenticated_metrics_access = true }\n}");
    assert!(open.listeners[0].opens.metrics);
    assert!(!silent("listener \"tcp\" { tls_disable = true }").listeners[0].opens.metrics);
    warned("telemetry { metrics_address = \"0.0.0.0:9102\" }", "a.hcl:1: telemetry: metrics_address: everybody");
    warned("telemetry { statsd_address = \"x\" }", "a.hcl:1: telemetry: statsd_address: has no effect");
    refused("telemetry { metrics_adress = \"x\" }", "a.hcl:1");
    refused("telemetry { metrics_address = \"x\" }", "a.hcl:1");
}
