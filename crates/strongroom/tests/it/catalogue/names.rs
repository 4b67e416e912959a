//! Names that are found in any spelling, and rules that were written for one of them.

use serde_json::{Value, json};
use strongroom_testkit::{Options, TestServer};

/// A kind of thing that is found by its name in any case: what lies before and behind the name in its path, how to write one,
/// and whether blanks around the name are no part of it.
struct Kind {
    before: &'static str,
    behind: &'static str,
    body: Value,
    is_trimmed: bool,
}

fn kinds() -> Vec<Kind> {
    let kind = |before, body| Kind { before, behind: "", body, is_trimmed: false };
    let trimmed = |before, body| Kind { is_trimmed: true, ..kind(before, body) };
    let policy = || json!({ "policy": "path \"x\" { capabilities = [\"read\"] }" });
    vec![
        kind("auth/up/users/", json!({ "password": "changed", "token_policies": "changed" })),
        Kind { behind: "/password", ..kind("auth/up/users/", json!({ "password": "changed" })) },
        Kind { behind: "/policies", ..kind("auth/up/users/", json!({ "token_policies": "changed" })) },
        kind("auth/ar/role/", json!({ "token_policies": "changed" })),
        Kind { behind: "/role-id", ..kind("auth/ar/role/", json!({ "role_id": "changed" })) },
        Kind { behind: "/secret-id", ..kind("auth/ar/role/", json!({})) },
        Kind { behind: "/custom-secret-id", ..kind("auth/ar/role/", json!({ "secret_id": "changed" })) },
        trimmed("sys/policies/acl/", policy()),
        trimmed("sys/policy/", policy()),
        trimmed("identity/entity/name/", json!({ "metadata": { "a": "changed" } })),
        trimmed("identity/group/name/", json!({ "metadata": { "a": "changed" } })),
        kind("sys/config/auditing/request-headers/x-", json!({ "hmac": true })),
        kind("sys/config/ui/headers/x-", json!({ "values": ["changed"] })),
    ]
}

/// What a server has of everything called `admin` and `other`.
async fn populated() -> TestServer {
    let server = TestServer::start(Options::default()).await;
    for (method, path) in [("userpass", "up"), ("approle", "ar")] {
        server.call(&format!("POST sys/auth/{path}"), "root", json!({ "type": method })).await;
    }
    for name in ["admin", "other"] {
        for (what, body) in [
            ("auth/up/users/", json!({ "password": "kept", "token_policies": "kept" })),
            ("auth/ar/role/", json!({ "token_policies": "kept", "role_id": format!("kept-{name}") })),
            ("sys/policies/acl/", json!({ "policy": "path \"kept\" { capabilities = [\"read\"] }" })),
            ("identity/entity/name/", json!({ "metadata": { "a": "kept" } })),
            ("identity/group/name/", json!({ "metadata": { "a": "kept" } })),
            ("sys/config/auditing/request-headers/x-", json!({ "hmac": false })),
            ("sys/config/ui/headers/x-", json!({ "values": ["kept"] })),
        ] {
            let made = server.call(&format!("POST {what}{name}"), "root", body).await;
            assert!(made.status < 300, "{what}{name}: {made:?}");
        }
    }
    server
}

/// All that a caller could have changed of what is called `admin`.
async fn state(server: &TestServer) -> Value {
    let mut state = Vec::new();
    for path in [
        "GET auth/up/users/admin",
        "GET auth/ar/role/admin",
        "GET auth/ar/role/admin/role-id",
        "LIST auth/ar/role/admin/secret-id",
        "GET sys/policies/acl/admin",
        "GET identity/entity/name/admin",
        "GET identity/group/name/admin",
        "GET sys/config/auditing/request-headers/x-admin",
        "GET sys/config/ui/headers/x-admin",
    ] {
        let reply = server.call(path, "root", json!(null)).await;
        state.push(json!([path, reply.status, reply.at("/data")]));
    }
    let login = server.call("POST auth/up/login/admin", "", json!({ "password": "kept" })).await;
    state.push(json!(login.status));
    json!(state)
}

async fn with_rules(server: &TestServer, rules: &[(String, &str)]) -> String {
    let policy: String =
        rules.iter().map(|(path, capabilities)| format!("path \"{path}\" {{ capabilities = [{capabilities}] }}\n")).collect();
    let written = server.call("POST sys/policies/acl/caller", "root", json!({ "policy": policy })).await;
    assert_eq!(written.status, 204, "{written:?}");
    server.token(json!({ "policies": ["caller"], "no_default_policy": true })).await
}

const ALL: &str = "\"create\", \"read\", \"update\", \"delete\", \"sudo\"";

fn spellings(kind: &Kind, name: &str) -> Vec<String> {
    let capital = format!("{}{}", name[..1].to_uppercase(), &name[1..]);
    let mut all =
        vec![name.to_owned(), name.to_uppercase(), capital, format!("%{:02X}{}", name.to_uppercase().as_bytes()[0], &name[1..])];
    if kind.is_trimmed {
        all.extend([
            format!("{name}%20"),
            format!("%20{name}"),
            format!("%20{}%20", name.to_uppercase()),
            format!("{name}%C2%A0"),
        ]);
    }
    all
}

/// A deny on one spelling of a name holds for the thing: whatever spelling the request has, and whatever the rule.
#[tokio::test]
async fn cve_2026_89322_no_spelling_of_a_name_dodges_a_deny() {
    let server = populated().await;
    let before = state(&server).await;
    for kind in kinds() {
        let Kind { before: head, behind, body, .. } = &kind;
        for denied in ["admin", "Admin", "adm*", "ADM*"] {
            let tail = if denied.ends_with('*') { "" } else { behind };
            let rules = [(format!("{head}*"), ALL), (format!("{head}{denied}{tail}"), "\"deny\"")];
            let token = with_rules(&server, &rules).await;
            for spelling in spellings(&kind, "admin") {
                for verb in ["GET", "POST", "DELETE"] {
                    let path = format!("{head}{spelling}{behind}");
                    let reply = server.call(&format!("{verb} {path}"), &token, body.clone()).await;
                    assert!(matches!(reply.status, 403 | 405), "{verb} {path} with a deny on {head}{denied}{tail}: {reply:?}");
                    let asked = server.call("POST sys/capabilities", "root", json!({ "token": token, "path": path })).await;
                    if !spelling.contains('%') {
                        assert_eq!(asked.at("/data/capabilities"), json!(["deny"]), "{path} with {denied}");
                    }
                }
            }
        }
    }
    assert_eq!(state(&server).await, before);
}

/// The other way round: a narrower rule on the name counts too, and what a rule means to grant is granted.
#[tokio::test]
async fn cve_2026_89322_a_narrower_rule_holds_and_a_rule_in_capitals_grants() {
    let server = populated().await;
    for kind in kinds().into_iter().filter(|kind| kind.behind.is_empty()) {
        let Kind { before: head, body, .. } = &kind;
        let token = with_rules(&server, &[(format!("{head}*"), ALL), (format!("{head}admin"), "\"read\", \"sudo\"")]).await;
        for spelling in spellings(&kind, "admin") {
            let read = server.call(&format!("GET {head}{spelling}"), &token, json!(null)).await;
            let wrote = server.call(&format!("POST {head}{spelling}"), &token, body.clone()).await;
            assert_eq!((read.status, wrote.status), (200, 403), "{head}{spelling}");
        }
        let all_but_sudo = "\"create\", \"read\", \"update\", \"sudo\"";
        let token = with_rules(&server, &[(format!("{head}Other"), all_but_sudo)]).await;
        for (name, status) in [("Other", 200), ("other", 403), ("OTHER", 403), ("admin", 403)] {
            let reply = server.call(&format!("GET {head}{name}"), &token, json!(null)).await;
            assert_eq!(reply.status, status, "{head}{name}: {reply:?}");
        }
        let token = with_rules(&server, &[(format!("{head}*"), all_but_sudo)]).await;
        for spelling in spellings(&kind, "other") {
            assert_eq!(server.call(&format!("GET {head}{spelling}"), &token, json!(null)).await.status, 200, "{head}{spelling}");
        }
    }
}

/// Locks are kept by name, too.
#[tokio::test]
async fn cve_2026_89322_no_spelling_of_a_locked_name_dodges_a_deny() {
    let server = populated().await;
    let accessor = server.call("GET sys/auth/up", "root", json!(null)).await.text("/data/accessor");
    for _ in 0..5 {
        server.call("POST auth/up/login/admin", "", json!({ "password": "wrong" })).await;
    }
    let head = format!("sys/locked-users/{accessor}/unlock/");
    let token = with_rules(&server, &[(format!("{head}*"), ALL), (format!("{head}admin"), "\"deny\"")]).await;
    for spelling in ["admin", "ADMIN", "Admin", "%41dmin"] {
        assert_eq!(server.call(&format!("POST {head}{spelling}"), &token, json!({})).await.status, 403, "{spelling}");
    }
    assert_eq!(server.call("GET sys/locked-users", "root", json!(null)).await.at("/data/total"), json!(1));
    assert_eq!(server.call(&format!("POST {head}Other"), &token, json!({})).await.status, 204);
}

/// A body that names something else than the path does is refused: the path was judged.
#[tokio::test]
async fn cve_2026_89322_no_body_leads_elsewhere_than_its_path() {
    let server = populated().await;
    server.call("POST sys/mounts/l", "root", json!({ "type": "leased" })).await;
    let lease = |name: &str| {
        let (server, what) = (&server, format!("GET l/creds/{name}?ttl=1h"));
        async move { server.call(&what, "root", json!(null)).await.text("/lease_id") }
    };
    let (theirs, mine) = (lease("admin").await, lease("other").await);
    let rules = [
        "identity/entity/name/mine",
        "identity/entity/name/other",
        "identity/group/name/mine",
        "identity/group/name/other",
        "sys/leases/renew/l/creds/other/*",
        "sys/leases/revoke/l/creds/other/*",
    ];
    let token = with_rules(&server, &rules.map(|path| (path.to_owned(), ALL))).await;
    let before = state(&server).await;
    for kind in ["entity", "group"] {
        let id = server.call(&format!("GET identity/{kind}/name/admin"), "root", json!(null)).await.text("/data/id");
        let own = server.call(&format!("GET identity/{kind}/name/other"), "root", json!(null)).await.text("/data/id");
        for name in ["mine", "other"] {
            let body = json!({ "id": id, "policies": "changed", "metadata": { "a": "changed" } });
            let reply = server.call(&format!("POST identity/{kind}/name/{name}"), &token, body).await;
            assert_eq!(reply.status, 400, "{kind} {name}: {reply:?}");
        }
        let reply = server.call(&format!("POST identity/{kind}/name/Other"), "root", json!({ "id": own, "policies": "p" })).await;
        assert_eq!(reply.status, 204, "its own id is no contradiction: {reply:?}");
    }
    for what in ["renew", "revoke"] {
        let reply = server.call(&format!("POST sys/leases/{what}/{mine}"), &token, json!({ "lease_id": theirs })).await;
        assert_eq!(reply.status, 400, "{what}: {reply:?}");
    }
    let looked_up = server.call("POST sys/leases/lookup", "root", json!({ "lease_id": theirs })).await;
    assert_eq!((looked_up.status, looked_up.at("/data/last_renewal")), (200, json!(null)));
    assert_eq!(state(&server).await, before);
}
