//! Parameters of the query that belong to the protocol.

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
        assert!(matches!(refused.status, 404 | 405), "{value}: {refused:?}");
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
