//! How flags, environment and files come together.

use std::fs;
use std::path::Path;

use clap::Parser;
use strongroom_types::{Clock as _, SecretString};

use super::plan::Plan;
use super::{Args, banner, dev_tls};
use crate::config::{Address, Storage};
use crate::environment::Environment;
use crate::log::{Format, Level};
use crate::system::WallClock;

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    args: Args,
}

fn args(words: &str) -> Args {
    let words = std::iter::once("server").chain(words.split_whitespace()).map(Into::into);
    Line::try_parse_from(strongroom_cli::normalize(words)).unwrap_or_else(|e| panic!("{e}")).args
}

fn settle(words: &str) -> anyhow::Result<Plan> {
    Plan::settle(args(words), Environment::default())
}

fn file(folder: &Path, text: &str) -> String {
    let path = folder.join("s.hcl");
    fs::write(&path, text).unwrap();
    format!("-config={}", path.display())
}

fn addresses(plan: &Plan) -> Vec<String> {
    let shown = |address: &Address| match address {
        Address::Tcp(address) => address.to_string(),
        Address::Unix { path, .. } => path.display().to_string(),
    };
    plan.config.listeners.iter().map(|listener| shown(&listener.address)).collect()
}

#[test]
fn a_dev_server_needs_no_configuration() {
    let plan = settle("-dev").unwrap();
    assert_eq!((addresses(&plan), &plan.storage), (vec!["127.0.0.1:8200".to_owned()], &Storage::Memory));
    assert!(plan.dev.as_ref().is_some_and(|dev| dev.root_token.is_none() && dev.certificate.is_none()));
    assert!(plan.audit_devices().is_empty());
    assert_eq!(plan.api_addr(), "http://127.0.0.1:8200");
    let plan =
        settle("-dev -dev-root-token-id=root -dev-listen-address=0.0.0.0:18200 -log-level=trace -log-format=json").unwrap();
    assert_eq!(addresses(&plan), ["0.0.0.0:18200"]);
    assert_eq!(plan.dev.as_ref().and_then(|dev| dev.root_token.as_ref()).map(|token| token.expose()), Some("root"));
    assert_eq!(
        (plan.log_level, plan.log_format, plan.api_addr().as_str()),
        (Level::Trace, Format::Json, "http://127.0.0.1:18200")
    );
}

#[test]
fn flags_win_over_environment_and_environment_over_files() {
    let folder = tempfile::tempdir().unwrap();
    let config = file(folder.path(), "log_level = \"error\"\nstorage \"inmem\" {}\nlistener \"tcp\" { tls_disable = true }");
    let level = |words: &str, variable: Option<&str>| {
        let environment = Environment { log_level: variable.map(str::to_owned), ..Environment::default() };
        Plan::settle(args(words), environment).unwrap().log_level
    };
    assert_eq!(level(&config, None), Level::Error);
    assert_eq!(level(&config, Some("warn")), Level::Warn);
    assert_eq!(level(&format!("{config} -log-level=debug"), Some("warn")), Level::Debug);
    let environment = Environment {
        dev_root_token_id: Some(SecretString::from("from-env")),
        dev_listen_address: Some("127.0.0.1:9".into()),
        ..Environment::default()
    };
    let plan = Plan::settle(args("-dev"), environment).unwrap();
    assert_eq!(addresses(&plan), ["127.0.0.1:9"]);
    assert_eq!(plan.dev.unwrap().root_token.unwrap().expose(), "from-env");
}

#[test]
fn a_dev_server_takes_listeners_and_audit_of_a_file_but_never_its_storage() {
    let folder = tempfile::tempdir().unwrap();
    let text =
        "storage \"embedded\" { path = \"d\" }\nlistener \"unix\" { address = \"/s\" }\naudit \"file\" { file_path = \"/a\" }";
    let plan = settle(&format!("{} -dev", file(folder.path(), text))).unwrap();
    assert_eq!(addresses(&plan), ["127.0.0.1:8200", "/s"]);
    assert_eq!(plan.storage, Storage::Memory);
    assert!(plan.config.warnings.iter().any(|warning| warning.contains("storage stanza is ignored")));
    assert_eq!(plan.audit_devices().len(), 1);
}

#[test]
fn durable_data_is_never_served_unrecorded() {
    let folder = tempfile::tempdir().unwrap();
    let plan = settle(&file(folder.path(), "storage \"embedded\" { path = \"/data\" }\nlistener \"tcp\" { tls_disable = true }"))
        .unwrap();
    let [device] = plan.audit_devices().try_into().unwrap();
    assert_eq!((device.name.as_str(), device.kind.place().as_str()), ("local/", "/data/audit/audit.log"));
    let shown = banner::text(&plan, &[]);
    assert!(shown.contains("Audit: local/ /data/audit/audit.log"), "{shown}");
}

#[test]
fn what_is_missing_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let refused = |words: &str, expected: &str| {
        let error = settle(words).err().unwrap_or_else(|| panic!("{words} was taken"));
        assert!(format!("{error:#}").contains(expected), "{words}: {error:#}");
    };
    refused("", "-config=FILE");
    refused("-dev=false", "-config=FILE");
    refused("-dev -log-level=loud", "log level: must be one of");
    refused("-dev -dev-listen-address=example.org:1", "-dev-listen-address must be");
    refused(&file(folder.path(), "storage \"inmem\" {}"), "no `listener` stanza");
    refused(&file(folder.path(), "listener \"tcp\" { tls_disable = true }"), "no `storage` stanza");
}

#[test]
fn a_dev_certificate_is_private_and_gone_at_the_end() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let wish = |own: Option<&Path>| dev_tls::Wish {
        folder: own.map(Into::into),
        temp_folder: folder.path().to_owned(),
        names: vec!["vault.example".into()],
        ip: [192, 0, 2, 1].into(),
    };
    let made = dev_tls::make(wish(None), WallClock.now()).unwrap();
    let tls = made.tls();
    let config = strongroom_http::TlsConfig::new(
        fs::read(&tls.cert_file).unwrap(),
        strongroom_types::SecretBytes::new(fs::read(&tls.key_file).unwrap()),
    );
    assert!(config.client_certificates);
    assert_eq!(fs::metadata(&tls.key_file).unwrap().permissions().mode() & 0o777, 0o600);
    drop(made);
    assert!(!tls.cert_file.exists());
    let kept = folder.path().join("kept");
    for _ in 0..2 {
        drop(dev_tls::make(wish(Some(&kept)), WallClock.now()).unwrap());
    }
    assert!(kept.join("strongroom-ca.pem").exists());
}

#[test]
fn cve_2026_115363_the_shown_configuration_holds_only_fields_that_are_public() {
    let folder = tempfile::tempdir().unwrap();
    let text = r#"
        api_addr = "https://seen.test:8200"
        cluster_name = "seen-cluster"
        pid_file = "/hush/pid"
        telemetry { circonus_api_token = "hush" }
        hush_unknown = "hush"
        storage "embedded" { path = "/hush/data" }
        listener "tcp" {
          address               = "127.0.0.1:8299"
          tls_cert_file         = "/hush/cert.pem"
          tls_key_file          = "/hush/key.pem"
          tls_acme_eab_key_id   = "hush"
          tls_acme_eab_mac_key  = "hush"
          x_forwarded_for_authorized_addrs = "10.99.88.77"
        }
        audit "file" "seen-device" {
          description = "hush"
          options { file_path = "/hush/audit.log" }
        }"#;
    let plan = settle(&file(folder.path(), text)).unwrap();
    let shown = super::public_config::shown(&plan);
    let all = shown.to_string();
    assert!(!all.contains("hush") && !all.contains("10.99.88.77"), "{all}");
    assert_eq!((&shown["api_addr"], &shown["cluster_name"]), (&"https://seen.test:8200".into(), &"seen-cluster".into()));
    assert_eq!((&shown["listeners"][0]["config"]["tls_disable"], &shown["storage"]["type"]), (&false.into(), &"embedded".into()));
    assert_eq!(shown["audit"][0]["path"], "seen-device/");
    let dev = settle("-dev -dev-root-token-id=hush").unwrap();
    let dev = super::public_config::shown(&dev);
    assert!(dev["dev"] == true && !dev.to_string().contains("hush"), "{dev}");
}
