//! Golden texts: recorded answers go in, `golden/<name>.txt` must come out. And what can be told of a command line without a
//! server.

use clap::{CommandFactory as _, Parser, Subcommand};
use serde_json::{Value, json};
use strongroom_client::KvVersion;
use strongroom_client::api::{Envelope, InitAnswer, InitRequest, KeyStatus, Leader, SealStatus};

use crate::arguments::without_stray_value;
use crate::output::{Failure, Format, Printed, kv, mounts, seal, secret};
use crate::{AuditCommand, ClientCommand, Environment, OperatorCommand, Streams, normalize, run_with};

#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

/// As the binary puts them together.
#[derive(Subcommand)]
enum Command {
    #[command(subcommand)]
    Operator(OperatorCommand),
    #[command(subcommand)]
    Audit(AuditCommand),
    #[command(flatten)]
    Client(ClientCommand),
}

impl From<Command> for ClientCommand {
    fn from(command: Command) -> Self {
        match command {
            Command::Operator(command) => Self::Operator(command),
            Command::Audit(command) => Self::Audit(command),
            Command::Client(command) => command,
        }
    }
}

fn golden(name: &str, printed: Result<Printed, Failure>) {
    let printed = printed.unwrap_or_else(Printed::from);
    let mut found = printed.out.to_string();
    if !printed.err.is_empty() {
        found += &format!("--- stderr\n{}", printed.err);
    }
    if printed.code != 0 {
        found += &format!("--- exit code {}\n", printed.code);
    }
    let path = format!("{}/golden/{name}.txt", env!("CARGO_MANIFEST_DIR"));
    let expected = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    assert_eq!(found, expected, "{name}");
}

fn read<T: serde::de::DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).unwrap()
}

fn kv2(data: Value, deletion_time: &str) -> Envelope {
    read(json!({"request_id": "r-1", "data": {"data": data, "metadata": {"created_time": "2026-11-24T20:01:27.244161741Z",
        "custom_metadata": null, "deletion_time": deletion_time, "destroyed": false, "version": 3}}}))
}

fn seal_status(sealed: bool) -> SealStatus {
    let mut status = json!({"type": "shamir", "initialized": true, "sealed": sealed, "t": 2, "n": 3, "progress": u8::from(sealed),
        "nonce": if sealed { "25061b2e-7f63-59f5-5e1a-f2a10004f097" } else { "" }, "version": "1.2.3",
            "build_date": "2026-10-26T20:32:27Z",
        "storage_type": "inmem", "recovery_seal": false});
    if !sealed {
        status["cluster_name"] = json!("cluster-1");
        status["cluster_id"] = json!("4606863a-ae1d-6181-fe3d-d509208581c5");
    }
    read(status)
}

#[test]
fn seal_and_keys() {
    let alone = Leader::default();
    golden("status_unsealed", seal::status(&seal_status(false), Some(&alone), Format::Table));
    golden("status_sealed", seal::status(&seal_status(true), None, Format::Table));
    golden("status_sealed_json", seal::status(&seal_status(true), Some(&alone), Format::Json));
    let standby = Leader { ha_enabled: true, is_self: false, leader_address: "https://node-1:8200".into() };
    golden("status_standby", seal::status(&seal_status(false), Some(&standby), Format::Table));
    let key: KeyStatus = read(json!({"term": 2, "install_time": "2026-11-24T20:01:00.275861568Z", "encryptions": 75}));
    golden("key_status", seal::key_status(&key, "", Format::Table));
    golden("rotate", seal::key_status(&key, "Success! Rotated key\n\n", Format::Table));
    golden("key_status_json", seal::key_status(&key, "", Format::Json));
}

#[test]
fn initialisation() {
    let answer: InitAnswer = read(json!({"keys": ["6b31", "6b32"], "keys_base64": ["azE=", "azI="], "root_token": "s.root"}));
    let request = InitRequest { secret_shares: 2, secret_threshold: 1, ..InitRequest::default() };
    golden("init", seal::init(&answer, &request, Format::Table));
    golden("init_json", seal::init(&answer, &request, Format::Json));
}

#[test]
fn key_value_secrets() {
    let two = |envelope: &Envelope, format, field| kv::print(envelope, KvVersion::Two, "secret/data/a", format, field);
    let found = kv2(json!({"x": "1", "ttl": 3600, "list": ["a", 2], "empty": ""}), "");
    golden("kv_get", two(&found, Format::Table, None));
    golden("kv_get_json", two(&found, Format::Json, None));
    golden("kv_get_field", two(&found, Format::Table, Some("x")));
    golden("kv_get_field_json", two(&found, Format::Json, Some("list")));
    golden("kv_get_field_missing", two(&found, Format::Table, Some("nope")));
    let deleted = kv2(Value::Null, "2026-11-24T20:01:29.82869869Z");
    golden("kv_get_deleted", two(&deleted, Format::Table, None));
    golden("kv_get_deleted_field", two(&deleted, Format::Table, Some("x")));
    // A secret of version 1 may look like one of version 2.
    let one: Envelope = read(json!({"lease_duration": 2764800, "data": {"data": {"a": 1}, "metadata": "m"}}));
    golden("kv1_get", kv::print(&one, KvVersion::One, "kv1/a", Format::Table, None));
}

#[test]
fn key_value_metadata() {
    let version = |destroyed| json!({"created_time": "2026-11-24T20:01:26Z", "deletion_time": "", "destroyed": destroyed});
    let data = json!({"cas_required": false, "current_version": 10, "custom_metadata": {"k": "v"},
        "delete_version_after": "0s", "max_versions": 0,
        "versions": {"10": version(false), "9": version(true)}});
    golden("kv_metadata_get", Ok(Printed::text(kv::metadata("secret/metadata/a", data.as_object().unwrap()))));
    let written = json!({"created_time": "2026-11-24T20:01:26Z", "custom_metadata": null, "deletion_time": "",
        "destroyed": false, "version": 1});
    golden("kv_put", Ok(Printed::text(kv::versioned("secret/data/zz", written.as_object(), None))));
}

#[test]
fn answers_of_any_path() {
    let print = |value: Value, format, field| secret::print(&read::<Envelope>(value), format, field);
    let leased = json!({"request_id": "r-1", "lease_id": "db/creds/app/1", "lease_duration": 5400, "renewable": true,
        "data": {"username": "u", "nested": {"b": [true, null], "a": 1.5}}});
    golden("read_leased", print(leased.clone(), Format::Table, None));
    golden("read_leased_json", print(leased.clone(), Format::Json, None));
    golden("read_lease_id", print(leased, Format::Table, Some("lease_id")));
    let cached = json!({"lease_duration": 60, "data": {"ttl": 60, "max_ttl": "7200", "note": ""}});
    golden("read_cached", print(cached, Format::Table, None));
    golden("read_warning_only", print(json!({"warnings": ["Invalid path", "second"]}), Format::Table, None));
}

#[test]
fn tokens_and_wrapping() {
    let print = |value: Value, format, field| secret::print(&read::<Envelope>(value), format, field);
    let token = json!({"request_id": "r-1", "warnings": ["Policy \"p\" does not exist"], "auth": {"client_token": "s.t",
        "accessor": "acc",
        "policies": ["default", "p"], "token_policies": ["default", "p"], "metadata": {"user": "ann"}, "lease_duration": 3600,
            "renewable": true, "token_type": "service"}});
    golden("token", print(token.clone(), Format::Table, None));
    golden("token_json", print(token.clone(), Format::Json, None));
    golden("token_field", print(token.clone(), Format::Table, Some("token")));
    golden("token_meta_field", print(token, Format::Table, Some("token_meta_user")));
    golden(
        "token_without_end",
        print(
            json!({"auth": {"client_token": null, "accessor": "acc", "policies": ["root"], "token_policies": ["root"]}}),
            Format::Table,
            None,
        ),
    );
    let wrapped = json!({"wrap_info": {"token": "s.w", "accessor": "acc", "ttl": 60, "creation_time": "2026-11-24T20:01:39.5Z",
        "creation_path": "auth/token/create", "wrapped_accessor": "inner"}});
    golden("wrapped", print(wrapped.clone(), Format::Table, None));
    golden("wrapped_token_field", print(wrapped, Format::Table, Some("wrapping_token")));
}

#[test]
fn lists() {
    let table = json!({"secret/": {"type": "kv", "description": "", "accessor": "kv_1", "uuid": "u-1",
        "options": {"version": "2"},
        "config": {"default_lease_ttl": 0, "max_lease_ttl": 7200}}, "sys/": {"type": "system",
            "description": "system endpoints", "accessor": "system_1", "uuid": "u-2", "options": null}});
    golden("secrets_list", Ok(Printed::text(mounts::mounts(&read(table.clone()), false))));
    golden("secrets_list_detailed", Ok(Printed::text(mounts::mounts(&read(table), true))));
    let auth = json!({
        "token/": {"type": "token", "description": "token based credentials", "accessor": "auth_token_1", "uuid": "u-1",
            "options": null, "config": {"token_type": "default-service"}, "running_plugin_version": "v1.2.3+builtin"},
        "up/": {"type": "userpass", "accessor": "auth_userpass_1", "uuid": "u-2", "options": {}, "local": true,
            "config": {"default_lease_ttl": 3600, "token_type": "batch"}, "running_plugin_version": "v1.2.3+builtin",
            "deprecation_status": "supported"},
    });
    golden("auth_list", Ok(Printed::text(mounts::auth_methods(&read(auth.clone()), false))));
    golden("auth_list_detailed", Ok(Printed::text(mounts::auth_methods(&read(auth), true))));
    golden("keys", mounts::keys(&[json!("a"), json!("b/")], Format::Table));
    golden("keys_json", mounts::keys(&[json!("a"), json!("b/")], Format::Json));
}

/// Runs a command line against a closed port. Returns exit code, stdout and stderr.
async fn run_offline(line: &[&str], input: &str) -> (u8, String, String) {
    let args = normalize(["strongroom"].iter().chain(line).map(std::ffi::OsString::from));
    let Ok(cli) = Cli::try_parse_from(args) else { return (1, String::new(), "usage".to_owned()) };
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let environment = Environment {
        address: Some(format!("http://{}", listener.local_addr().unwrap())),
        token: Some("s.canary".into()),
        ..Environment::default()
    };
    drop(listener);
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let code =
        run_with(cli.command.into(), &environment, Streams { input: &mut input.as_bytes(), out: &mut out, err: &mut err }).await;
    (code, String::from_utf8(out).unwrap(), String::from_utf8(err).unwrap())
}

#[tokio::test]
async fn the_exit_code_tells_whose_mistake_it_is() {
    for (line, code) in [
        (&["read", "a"][..], 2),
        (&["kv", "get", "secret/a"], 2),
        (&["operator", "unseal", "key"], 2),
        (&["status"], 1),
        (&["operator", "init", "-status"], 1),
        (&["read", "a/../b"], 1),
        (&["read", "-format=xml", "a"], 1),
        (&["list", "-format=raw", "a"], 1),
        (&["write", "a"], 1),
        (&["write", "a", "x"], 1),
        (&["kv", "put", "secret/a"], 1),
        (&["kv", "undelete", "secret/a"], 1),
        (&["kv", "list"], 1),
        (&["token", "lookup", "-accessor"], 1),
        (&["token", "revoke"], 1),
        (&["token", "revoke", "-self", "-mode=orphan"], 1),
        (&["token", "revoke", "-self", "s.x"], 1),
        (&["token", "create", "-ttl=soon"], 1),
        (&["policy", "write", "p", "/nonexistent"], 1),
        (&["login", "-method=ldap", "x"], 1),
        (&["nosuch"], 1),
    ] {
        let (found, out, err) = run_offline(line, "").await;
        assert_eq!(found, code, "{line:?}: {err}");
        assert!(out.is_empty() && !err.is_empty(), "{line:?}");
        assert!(!err.contains("canary"), "{line:?}: {err}");
    }
}

#[tokio::test]
async fn no_given_secret_comes_back_in_an_error() {
    for (line, input) in [
        (&["operator", "unseal", "hunter2"][..], ""),
        (&["operator", "unseal", "-"], "hunter2"),
        (&["write", "a", "password=hunter2"], ""),
        (&["write", "a", "hunter2"], ""),
        (&["kv", "put", "secret/a", "-"], r#"{"a":"hunter2"}"#),
        (&["login", "hunter2"], ""),
        (&["unwrap", "hunter2"], ""),
        (&["token", "lookup", "hunter2"], ""),
        (&["token", "revoke", "hunter2"], ""),
        (&["token", "create", "-id=hunter2"], ""),
        (&["read", "a", "password=hunter2"], ""),
        (&["login", "a", "hunter2"], ""),
        (&["login", "-method=userpass", "username=a", "password=hunter2"], ""),
        (&["login", "-method=userpass", "password=hunter2"], ""),
        (&["login", "-method=userpass", "hunter2"], ""),
        (&["login", "-method=hunter2"], ""),
    ] {
        let (code, out, err) = run_offline(line, input).await;
        assert!(code != 0 && !out.contains("hunter2") && !err.contains("hunter2"), "{line:?}: {err}");
    }
}

#[test]
fn an_argument_too_many_is_not_repeated() {
    for line in ["operator unseal hunter1 hunter2", "token lookup a hunter2"] {
        let error = Cli::try_parse_from(["strongroom"].into_iter().chain(line.split(' '))).err().unwrap();
        let shown = without_stray_value(error).to_string();
        assert!(shown.contains("one too many") && !shown.contains("hunter"), "{shown}");
    }
    let flag = Cli::try_parse_from(["strongroom", "status", "--nosuch"]).err().unwrap();
    assert!(without_stray_value(flag).to_string().contains("--nosuch"));
}

#[test]
fn the_commands_are_sound_and_take_flags_in_both_spellings() {
    Cli::command().debug_assert();
    for line in [
        "operator init -key-shares=1 -key-threshold=1 -format=json",
        "operator init --key-shares 1 --key-threshold 1",
        "operator init -n=1 -t=1",
        "operator unseal -reset",
        "operator rotate",
        "auth enable -path=people -description=d -token-type=batch -local userpass",
        "auth tune -default-lease-ttl=1h -user-lockout-threshold=3 -user-lockout-disable=false -audit-non-hmac-request-keys=a people/",
        "auth list -detailed",
        "auth move people/ staff/",
        "secrets move old/ new/",
        "auth disable staff/",
        "auth help userpass",
        "login -method=userpass -path=people username=a password=b",
        "kv put -mount=secret -cas=0 a x=1 -",
        "kv put secret/a @file.json -address=http://a",
        "kv patch -method=rw secret/a x=1",
        "kv delete -versions=1,2 secret/a",
        "kv destroy -versions=1 -versions=2 secret/a",
        "kv list -mount=secret",
        "kv metadata put -max-versions=5 -cas-required=false -delete-version-after=1h -custom-metadata=a=b \
          -custom-metadata=c=d secret/a",
        "write -f a/b",
        "write -force=true a/b",
        "token create -policy=a -policy=b -ttl=1h -period=30 -orphan -no-default-policy -use-limit=2 -display-name=x \
          -metadata=k=v -id=t -type=batch -explicit-max-ttl=2h -renewable=false",
        "token create -role=ci -entity-alias=web-1",
        "token renew -increment=30m -accessor acc",
        "token revoke -mode=path auth/token",
        "login -no-store -no-print -method=token -",
        "secrets enable -path=kv -version=2 -description=d -default-lease-ttl=1h -max-lease-ttl=2h -options=a=b -local kv",
        "secrets tune -listing-visibility=unauth kv",
        "status -tls-skip-verify -ca-cert=a.pem -ns=team -wrap-ttl=60s",
    ] {
        let args = normalize(["strongroom"].into_iter().chain(line.split(' ')).map(Into::into));
        assert!(Cli::try_parse_from(args).is_ok(), "{line}");
    }
}
