//! The flat contract: `secrets/NAME` beside the ordinary API, on the same entries.

use serde_json::json;
use strongroom_core::wire::Headers;
use strongroom_testkit::{Options, TestServer};

const NAME: &str = "secrets/prod%2Fapp1%2Fdatabase%2Fpassword";

async fn server() -> TestServer {
    let server = TestServer::start(Options::default()).await;
    let made = server.call(&format!("PUT {NAME}"), "root", json!({ "value": "s3cret", "ttl": "1h" })).await;
    assert_eq!((made.status, made.text("/version")), (200, "1".to_owned()), "{made:?}");
    server
}

#[tokio::test]
async fn both_apis_see_one_entry() {
    let server = server().await;
    let flat = server.call(&format!("GET {NAME}"), "root", json!(null)).await;
    assert_eq!(flat.status, 200);
    assert_eq!(flat.body.as_object().unwrap().keys().collect::<Vec<_>>(), ["expiresAt", "value", "version"]);
    assert_eq!(flat.text("/value"), "s3cret");
    assert!(flat.text("/expiresAt").ends_with('Z'));
    let full = server.call("GET secret/data/prod/app1/database/password", "root", json!(null)).await;
    assert_eq!(full.at("/data/data"), json!({ "value": "s3cret", "ttl": "3600s" }));

    server.call("POST secret/data/two words", "root", json!({ "data": { "value": "v", "port": 5432 } })).await;
    assert_eq!(server.call("GET secrets/two+words", "root", json!(null)).await.text("/value"), "v");
    assert_eq!(server.call("GET secrets/two+words?field=port", "root", json!(null)).await.text("/value"), "5432");
    assert_eq!(server.call("GET secrets/two+words?field=none", "root", json!(null)).await.status, 404);
}

#[tokio::test]
async fn what_is_deleted_or_absent_is_404_and_versions_count_on() {
    let server = server().await;
    assert_eq!(server.call(&format!("DELETE {NAME}"), "root", json!(null)).await.status, 204);
    let gone = server.call(&format!("GET {NAME}"), "root", json!(null)).await;
    assert_eq!((gone.status, gone.body), (404, json!({ "errors": [] })));
    assert_eq!(server.call("GET secrets/never", "root", json!(null)).await.status, 404);
    let again = server.call(&format!("PUT {NAME}"), "root", json!({ "value": "new" })).await;
    assert_eq!(again.text("/version"), "2");
    let back = server.call("POST secret/undelete/prod/app1/database/password", "root", json!({ "versions": [1] })).await;
    assert_eq!(back.status, 204, "a soft delete can be undone");
}

#[tokio::test]
async fn expires_at_is_the_earlier_of_cache_time_and_deletion() {
    let server = server().await;
    let in_s = |reply: &strongroom_testkit::Reply, clock: &strongroom_testkit::ManualClock| {
        use strongroom_types::{Clock as _, Timestamp};
        // Each look at the test's clock moves it on by a microsecond.
        Timestamp::parse_rfc3339(&reply.text("/expiresAt")).unwrap().seconds_since(clock.now()) + 1
    };
    let flat = server.call(&format!("GET {NAME}"), "root", json!(null)).await;
    assert_eq!(in_s(&flat, &server.clock), 3600);
    server.call("POST secret/data/plain", "root", json!({ "data": { "value": "v" } })).await;
    let plain = server.call("GET secrets/plain", "root", json!(null)).await;
    assert_eq!(in_s(&plain, &server.clock), 300, "five minutes when nothing is said");
    server.call("POST secret/metadata/short", "root", json!({ "delete_version_after": "60s" })).await;
    server.call("PUT secrets/short", "root", json!({ "value": "v", "ttl": 7200 })).await;
    let short = server.call("GET secrets/short", "root", json!(null)).await;
    assert_eq!(in_s(&short, &server.clock), 60);
}

#[tokio::test]
async fn the_policy_that_counts_is_that_of_the_entry() {
    let server = server().await;
    let policy = "path \"secret/data/prod/app1/*\" { capabilities = [\"read\"] }";
    server.call("POST sys/policies/acl/app1", "root", json!({ "policy": policy })).await;
    let token = server.token(json!({ "policies": ["app1"] })).await;
    assert_eq!(server.call(&format!("GET {NAME}"), &token, json!(null)).await.status, 200);
    assert_eq!(server.call(&format!("PUT {NAME}"), &token, json!({ "value": "x" })).await.status, 403);
    assert_eq!(server.call("GET secrets/prod%2Fapp2", &token, json!(null)).await.status, 403);
    assert_eq!(server.call(&format!("GET {NAME}"), "", json!(null)).await.status, 403);
    for sly in ["secrets/prod%2Fapp1%2F..%2Fapp2", "secrets/prod%2Fapp1%2F%2e%2e%2Fapp2", "secrets/..%2F..%2Fsys%2Fmounts"] {
        assert_eq!(server.call(&format!("GET {sly}"), &token, json!(null)).await.status, 400, "{sly}");
    }
}

#[tokio::test]
async fn bad_input_names_the_field_and_quotes_nothing() {
    let server = server().await;
    for (what, body) in [
        (format!("PUT {NAME}"), r#"{"ttl":"1h"}"#),
        (format!("PUT {NAME}"), r#"{"value":{"hush":1}}"#),
        (format!("PUT {NAME}"), r#"{"value":"hush","ttl":"soon"}"#),
        (format!("PUT {NAME}"), r#"{"value":"hush","ttl":-1}"#),
        (format!("PUT {NAME}"), "hush"),
        ("GET secrets/a/b".to_owned(), ""),
        ("GET secrets/".to_owned(), ""),
        (format!("GET {NAME}?field="), ""),
    ] {
        let refused = server.raw(&what, "root", body).await;
        assert_eq!(refused.status, 400, "{what} {body}");
        assert!(!refused.body.to_string().contains("hush"), "{refused:?}");
    }
    assert_eq!(server.call(&format!("LIST {NAME}"), "root", json!(null)).await.status, 405);
    let flat = server.call(&format!("GET {NAME}"), "root", json!(null)).await;
    assert_eq!(flat.text("/version"), "1", "nothing was written");
}

#[tokio::test]
async fn wrapping_works_and_a_real_mount_wins() {
    let server = server().await;
    let headers = Headers { wrap_ttl: Some("60".into()), ..Headers::default() };
    let wrapped = server.with_headers(&format!("GET {NAME}"), "root", "", headers).await;
    let token = wrapped.text("/wrap_info/token");
    let inner = server.call("POST sys/wrapping/unwrap", &token, json!(null)).await;
    assert_eq!(inner.at("/data/data/value"), json!("s3cret"));

    server.call("POST sys/mounts/secrets", "root", json!({ "type": "kv" })).await;
    assert_eq!(server.call("POST secrets/x", "root", json!({ "value": "kv1" })).await.status, 204);
    assert_eq!(server.call("GET secrets/x", "root", json!(null)).await.at("/data/value"), json!("kv1"));
}
