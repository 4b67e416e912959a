//! The policies that come with the server.

use strongroom_policy::Operation::*;
use strongroom_policy::{DEFAULT_POLICY, RESPONSE_WRAPPING_POLICY};

use crate::{acl, acl_with, allows, policy};

#[test]
fn the_default_policy_grants_what_the_wire_contract_says() {
    let acl = acl(&[DEFAULT_POLICY]);
    for (path, names) in [
        ("auth/token/lookup-self", "read"),
        ("auth/token/renew-self", "update"),
        ("auth/token/revoke-self", "update"),
        ("sys/capabilities-self", "update"),
        ("sys/internal/ui/resultant-acl", "read"),
        ("sys/renew", "deny"),
        ("sys/leases/renew", "update"),
        ("sys/leases/lookup", "update"),
        ("cubbyhole/x", "create delete list read update"),
        ("cubbyhole/", "create delete list read update"),
        ("sys/wrapping/wrap", "update"),
        ("sys/wrapping/lookup", "update"),
        ("sys/wrapping/unwrap", "update"),
        ("sys/tools/hash", "update"),
        ("sys/tools/hash/sha2-256", "update"),
        ("identity/oidc/provider/default/authorize", "read update"),
        ("identity/entity/id/x", "deny"),
        ("auth/token/create", "deny"),
        ("sys/capabilities", "deny"),
        ("sys/policies/acl/default", "deny"),
        ("sys/mounts", "deny"),
        ("secret/data/x", "deny"),
    ] {
        assert_eq!(acl.capabilities(path).join(" "), names, "{path}");
    }
}

#[test]
fn the_default_policy_shows_the_own_entity_only() {
    assert!(policy("default", DEFAULT_POLICY).is_templated());
    let acl = acl_with(&[DEFAULT_POLICY], &|selector| match selector {
        "identity.entity.id" => Some("1-2".to_owned()),
        "identity.entity.name" => Some("joe".to_owned()),
        _ => None,
    });
    for (path, expected) in [("id/1-2", true), ("name/joe", true), ("id/1-3", false), ("name/jane", false), ("id/", false)] {
        assert_eq!(allows(&acl, Read, &format!("identity/entity/{path}")), expected, "{path}");
    }
}

#[test]
fn a_wrapping_token_may_unwrap_and_end_itself() {
    assert!(!policy("response-wrapping", RESPONSE_WRAPPING_POLICY).is_templated());
    let acl = acl(&[RESPONSE_WRAPPING_POLICY]);
    for (path, names) in [
        ("cubbyhole/response", "create read"),
        ("sys/wrapping/unwrap", "update"),
        ("auth/token/revoke-self", "update"),
        ("cubbyhole/other", "deny"),
        ("auth/token/lookup-self", "deny"),
    ] {
        assert_eq!(acl.capabilities(path).join(" "), names, "{path}");
    }
}
