//! What a right gives, and what it does not.

use std::sync::Arc;

use serde_json::{Value, json};
use strongroom_core::wire::{Handler as _, Headers, Method, Peer, RawHeaders, Request};
use strongroom_engine::{
    AnyFields, Builtin, Ctx, Engine, EngineKind, Options as MountOptions, Output, Result, Route, Verb, route,
};
use strongroom_testkit::{Options, Reply, TestServer};

use super::server_with;

async fn tokens(server: &TestServer) -> Value {
    server.call("LIST auth/token/accessors", "root", json!(null)).await.at("/data/keys")
}

/// Whoever may read all settings gets no credential by it.
#[tokio::test]
async fn cve_2021_42135_no_read_or_list_gives_a_credential() {
    let (server, token) = server_with("path \"*\" { capabilities = [\"read\", \"list\", \"scan\"] }").await;
    for (method, path) in [("userpass", "up"), ("approle", "ar")] {
        server.call(&format!("POST sys/auth/{path}"), "root", json!({ "type": method })).await;
    }
    server.call("POST auth/up/users/x", "root", json!({ "password": "hush" })).await;
    server.call("POST auth/ar/role/x", "root", json!({})).await;
    server.call("POST auth/token/roles/x", "root", json!({})).await;
    let secret_ids = || server.call("LIST auth/ar/role/x/secret-id", "root", json!(null));
    let secret_id = server.call("POST auth/ar/role/x/secret-id", "root", json!({})).await.text("/data/secret_id");
    let before = (tokens(&server).await, secret_ids().await.at("/data/keys"));
    let document = server.call("GET sys/internal/specs/openapi", "root", json!(null)).await.body;
    let paths = document["paths"].as_object().unwrap().iter().filter(|(_, item)| item["get"].is_object());
    let mut answered = 0;
    for (path, _) in paths {
        let path = path.trim_start_matches('/').split('/').map(|part| if part.starts_with('{') { "x" } else { part });
        let path = path.collect::<Vec<_>>().join("/");
        for verb in ["GET", "LIST"] {
            let reply = server.call(&format!("{verb} {path}"), &token, json!(null)).await;
            answered += usize::from(reply.status == 200);
            assert_eq!((reply.at("/auth"), reply.text("/lease_id").as_str()), (Value::Null, ""), "{verb} {path}: {reply:?}");
            let text = reply.body.to_string();
            assert!(
                !text.contains(&secret_id) && !text.contains("hush") && !text.contains("client_token\":\"s."),
                "{verb} {path}"
            );
        }
    }
    assert!(answered > 30, "{answered}");
    assert_eq!((tokens(&server).await, secret_ids().await.at("/data/keys")), before);
}

/// The former spellings of the lease endpoints are gone; the present ones ask for the right on their own path, whoever has
/// heard of a lease, and both ways of naming it decide alike.
#[tokio::test]
async fn cve_2026_45808_cve_2026_55774_a_lease_id_opens_nothing_under_any_path() {
    let (server, token) = server_with("path \"secret/*\" { capabilities = [\"read\"] }").await;
    server.call("POST sys/mounts/l", "root", json!({ "type": "leased" })).await;
    let id = server.call("GET l/creds/r?ttl=1h", "root", json!(null)).await.text("/lease_id");
    let seen = || server.call("POST sys/leases/lookup", "root", json!({ "lease_id": id }));
    let before = seen().await.at("/data");
    let body = json!({ "lease_id": id });
    for what in ["renew", "revoke", "revoke-prefix", "revoke-force"] {
        for path in
            [format!("sys/{what}"), format!("sys/{what}/{id}"), format!("sys/leases/{what}"), format!("sys/leases/{what}/{id}")]
        {
            assert_eq!(server.call(&format!("PUT {path}"), &token, body.clone()).await.status, 403, "{path}");
            let former = !path.starts_with("sys/leases/");
            if former {
                assert_eq!(server.call(&format!("PUT {path}"), "root", body.clone()).await.status, 404, "{path}");
            }
        }
    }
    assert_eq!(server.call("PUT sys/leases/lookup", &token, body.clone()).await.status, 403);
    assert_eq!(seen().await.at("/data"), before);
}

/// Verbs of the server's own operations, as other servers call them, are no verbs of a request.
#[tokio::test]
async fn ghsa_rh46_vc3j_w2w3_no_request_is_an_internal_operation() {
    let server = TestServer::start(Options::default()).await;
    server.call("POST sys/auth/v", "root", json!({ "type": "vouch" })).await;
    server.call("POST secret/data/x", "root", json!({ "data": { "a": "kept" } })).await;
    let before = tokens(&server).await;
    for verb in [
        "RENEW",
        "REVOKE",
        "ROLLBACK",
        "ALIAS-LOOKAHEAD",
        "RESOLVE-ROLE",
        "HELP",
        "CREATE",
        "UPDATE",
        "LOGIN",
        "TRACE",
        "CONNECT",
    ] {
        for path in ["secret/data/x", "auth/v/login", "auth/token/create", "sys/wrapping/wrap", "sys/leases/revoke-force/secret"]
        {
            for token in ["", "root"] {
                let body = json!({ "alias": "ann", "operation": "update", "policies": "root", "internal": true });
                assert_eq!(server.call(&format!("{verb} {path}"), token, body).await.status, 405, "{verb} {path}");
            }
        }
    }
    assert_eq!(tokens(&server).await, before);
    // Headers that stand for a login of their own or for another caller say nothing here.
    let raw = |name: &str| RawHeaders::new(vec![(name.to_owned(), "root".to_owned())]);
    for name in
        ["x-vault-inline-auth-path", "x-vault-inline-auth-operation", "x-vault-inline-auth-parameter-token", "x-vault-forward"]
    {
        let headers = Headers { raw: raw(name), ..Headers::default() };
        assert_eq!(server.with_headers("GET secret/data/x", "", "", headers).await.status, 403, "{name}");
    }
    assert_eq!(server.call("GET secret/data/x", "root", json!(null)).await.at("/data/data/a"), json!("kept"));
}

/// Tells all that it is given.
struct Echo;

const ECHO: Builtin = Builtin { name: "echo", kind: EngineKind::Secrets, make: |_: &MountOptions| Ok(Arc::new(Echo)), docs: "" };

impl Engine for Echo {
    fn routes(&self) -> Vec<Route> {
        vec![route(Verb::Write, "tell", "Tells what an engine is given.", tell)]
    }
}

async fn tell(ctx: &mut Ctx, fields: AnyFields) -> Result<Output> {
    let Ctx { mount, path, caller, system, operation, remote, .. } = ctx;
    let told = format!("{mount:?} {path} {caller:?} {operation:?} {remote:?} {:?}", fields.0);
    Output::data(&json!({ "told": told, "has_core": system.is_some() }))
}

/// What authenticated a request goes no further, whatever a mount is told to pass on.
#[tokio::test]
async fn cve_2026_4525_engines_never_see_the_token_of_their_caller() {
    let server = TestServer::start(Options { engines: vec![ECHO], ..Options::default() }).await;
    server.call("POST sys/mounts/e", "root", json!({ "type": "echo" })).await;
    let all = ["Authorization", "X-Vault-Token", "Cookie", "X-Mine"];
    assert_eq!(server.call("POST sys/mounts/e/tune", "root", json!({ "passthrough_request_headers": all })).await.status, 204);
    server.call("POST sys/policies/acl/e", "root", json!({ "policy": "path \"e/*\" { capabilities = [\"update\"] }" })).await;
    let token = server.token(json!({ "policies": ["e"], "display_name": "seen" })).await;
    let bearer = format!("Bearer {token}");
    let raw = [("authorization", &bearer), ("x-vault-token", &token), ("cookie", &token), ("x-mine", &token)];
    let raw = raw.map(|(name, value)| (name.to_owned(), value.clone()));
    let headers = Headers { raw: RawHeaders::new(raw.to_vec()), ..Headers::default() };
    let reply: Reply = server.with_headers("POST e/tell", &token, r#"{"a":"sent"}"#, headers).await;
    assert_eq!((reply.status, reply.at("/data/has_core")), (200, json!(false)), "{reply:?}");
    let told = reply.text("/data/told");
    assert!(told.contains("seen") && told.contains("sent"), "it tells what it was given: {told}");
    assert!(!told.contains(&token), "{told}");
}

/// A redirect leads to a path of this server, whatever the path of the request looks like.
#[tokio::test]
async fn cve_2026_115360_no_redirect_leads_to_another_server() {
    let server = TestServer::start(Options::default()).await;
    let mut redirects = 0;
    for path in [
        "/evil.test/a",
        "//evil.test/a",
        "///evil.test",
        "/\\evil.test",
        "\\\\evil.test//",
        "https://evil.test/a",
        "a//evil.test",
        "a/../..//evil.test",
        "./..//evil.test/",
        "../../evil.test",
        "/%2f%2fevil.test",
        "%2f%2fevil.test//",
        "a//%0d%0aLocation:%20https://evil.test",
        "//user@evil.test",
        "/",
        "//",
    ] {
        let request = Request {
            method: Method::Get,
            path: path.to_owned(),
            query: "next=https://evil.test".to_owned(),
            headers: Headers::default(),
            body: bytes::Bytes::new(),
            peer: Peer::default(),
            upload: Default::default(),
        };
        let answer = server.server.handle(request).await;
        assert!(matches!(answer.status, 307 | 400 | 403), "{path}: {answer:?}");
        let Some(location) = answer.location else { continue };
        redirects += 1;
        let below = location.strip_prefix("/v1/").unwrap_or_else(|| panic!("{path} leads to {location}"));
        assert!(!below.starts_with('/') && !below.contains("//") && !below.contains(['\r', '\n']), "{path} leads to {location}");
    }
    assert!(redirects >= 8, "{redirects}");
}
