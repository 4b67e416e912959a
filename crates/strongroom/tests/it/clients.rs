//! What official clients send and nobody else does; `cargo xtask clients` runs the clients themselves.

use serde_json::json;
use strongroom_testkit::{Options, TestServer};

#[tokio::test]
async fn a_list_is_asked_for_in_every_spelling_of_a_flag_that_clients_use() {
    let server = TestServer::start(Options::default()).await;
    for value in ["true", "True", "TRUE", "t", "T", "1"] {
        let listed = server.call(&format!("GET auth/token/accessors?list={value}"), "root", json!(null)).await;
        assert!(listed.at("/data/keys").is_array(), "{value}: {listed:?}");
    }
    for value in ["false", "False", "FALSE", "f", "F", "0", ""] {
        let refused = server.call(&format!("GET auth/token/accessors?list={value}"), "root", json!(null)).await;
        assert!(refused.status == 405, "{value}: {refused:?}");
        let read = server.call(&format!("GET auth/token/lookup-self?list={value}"), "root", json!(null)).await;
        assert_eq!(read.status, 200, "{value}");
    }
}

#[tokio::test]
async fn a_flag_that_is_none_is_an_error_that_names_it_and_not_its_value() {
    let server = TestServer::start(Options::default()).await;
    for name in ["list", "scan", "help"] {
        let refused = server.call(&format!("GET auth/token/accessors?{name}=s3cret"), "root", json!(null)).await;
        let want = format!("the parameter '{name}' must be true or false");
        assert_eq!((refused.status, refused.text("/errors/0")), (400, want));
    }
    // On a write the name may be a field.
    assert_eq!(server.call("POST auth/token/create?list=s3cret", "root", json!({})).await.status, 200);
}

/// The reference's command line sends an empty text for each duration that it was not given.
#[tokio::test]
async fn a_tune_with_empty_durations_leaves_those_that_are_set() {
    let server = TestServer::start(Options::default()).await;
    server.call("POST sys/mounts/m", "root", json!({ "type": "kv" })).await;
    server.call("POST sys/mounts/m/tune", "root", json!({ "default_lease_ttl": "1h", "max_lease_ttl": "2h" })).await;
    let ttls = async || {
        let shown = server.call("GET sys/mounts/m/tune", "root", json!(null)).await;
        (shown.at("/data/default_lease_ttl"), shown.at("/data/max_lease_ttl"))
    };
    let tune = async |body| server.call("POST sys/mounts/m/tune", "root", body).await.status;
    assert_eq!(tune(json!({ "default_lease_ttl": "30m", "max_lease_ttl": "" })).await, 204);
    assert_eq!(ttls().await, (json!(1800), json!(7200)));
    assert_eq!(tune(json!({ "default_lease_ttl": "3h", "max_lease_ttl": "" })).await, 400);
    assert_eq!(tune(json!({ "default_lease_ttl": "", "max_lease_ttl": "3h" })).await, 204);
    assert_eq!(ttls().await, (json!(1800), json!(10800)));
    assert_eq!(tune(json!({ "max_lease_ttl": "system" })).await, 204);
    assert_eq!(ttls().await, (json!(1800), json!(2_764_800)));
}

/// `write identity/entity metadata=team=red` sends one text.
#[tokio::test]
async fn metadata_can_be_one_pair_as_a_command_line_sends_it() {
    let server = TestServer::start(Options::default()).await;
    let made = server.call("POST identity/entity", "root", json!({ "name": "e", "metadata": "team=red" })).await;
    assert_eq!(made.status, 200, "{made:?}");
    let shown = server.call("GET identity/entity/name/e", "root", json!(null)).await;
    assert_eq!(shown.at("/data/metadata"), json!({ "team": "red" }));
    let refused = server.call("POST identity/entity", "root", json!({ "name": "f", "metadata": "s3cret" })).await;
    assert_eq!((refused.status, refused.body.to_string().contains("s3cret")), (400, false));
}
