//! Entities, aliases and groups, and what they mean for tokens. Rows of security.md A.1 and A.2 are named.

use serde_json::{Value, json};
use strongroom_testkit::{Options, Reply, TestServer};

/// A server with the auth method `vouch` at `auth/v/` and `auth/w/`, which believe what they are told.
pub struct People {
    pub server: TestServer,
    pub v: String,
    pub w: String,
}

impl People {
    pub async fn start() -> Self {
        Self::on(TestServer::start(Options::default()).await).await
    }

    pub async fn on(server: TestServer) -> Self {
        let mut accessors = Vec::new();
        for path in ["v", "w"] {
            assert_eq!(server.call(&format!("POST sys/auth/{path}"), "root", json!({ "type": "vouch" })).await.status, 204);
            accessors.push(server.call(&format!("GET sys/auth/{path}"), "root", json!(null)).await.text("/accessor"));
        }
        for name in ["a", "b", "c"] {
            let policy = format!("path \"secret/data/{name}\" {{ capabilities = [\"read\"] }}");
            server.call(&format!("POST sys/policies/acl/{name}"), "root", json!({ "policy": policy })).await;
            server.call(&format!("POST secret/data/{name}"), "root", json!({ "data": { "k": name } })).await;
        }
        let w = accessors.pop().unwrap();
        Self { server, v: accessors.pop().unwrap(), w }
    }

    pub async fn root(&self, what: &str, body: Value) -> Reply {
        self.server.call(what, "root", body).await
    }

    pub async fn login(&self, body: Value) -> Reply {
        self.server.call("POST auth/v/login", "", body).await
    }

    /// Token and entity of a login that must succeed.
    pub async fn person(&self, body: Value) -> (String, String) {
        let reply = self.login(body).await;
        assert_eq!(reply.status, 200, "{reply:?}");
        (reply.text("/auth/client_token"), reply.text("/auth/entity_id"))
    }

    pub async fn reads(&self, token: &str, name: &str) -> bool {
        self.server.call(&format!("GET secret/data/{name}"), token, json!(null)).await.status == 200
    }

    pub async fn entity(&self, body: Value) -> String {
        let reply = self.root("POST identity/entity", body).await;
        assert_eq!(reply.status, 200, "{reply:?}");
        reply.text("/data/id")
    }

    pub async fn group(&self, body: Value) -> String {
        let reply = self.root("POST identity/group", body).await;
        assert_eq!(reply.status, 200, "{reply:?}");
        reply.text("/data/id")
    }

    pub async fn get(&self, path: &str) -> Reply {
        self.root(&format!("GET identity/{path}"), json!(null)).await
    }
}

#[tokio::test]
async fn a_login_makes_one_entity_and_finds_it_again() {
    let people = People::start().await;
    let (_, first) = people.person(json!({ "alias": "Bob", "metadata": { "mail": "b@x" } })).await;
    let (_, again) = people.person(json!({ "alias": " bob ", "metadata": { "mail": "b@y" } })).await;
    assert_eq!(first, again, "case and blanks tell nobody apart");
    let entity = people.get(&format!("entity/id/{first}")).await;
    assert_eq!(entity.at("/data/aliases/0/name"), json!("Bob"));
    assert_eq!(entity.at("/data/aliases/0/metadata"), json!({ "mail": "b@y" }), "as the newest login said");
    let updated = entity.at("/data/aliases/0/last_update_time");
    people.person(json!({ "alias": "bob", "metadata": { "mail": "b@y" } })).await;
    let entity = people.get(&format!("entity/id/{first}")).await;
    assert_eq!(entity.at("/data/aliases/0/last_update_time"), updated, "nothing new, nothing written");
    let (_, other) = people.person(json!({ "alias": "eve" })).await;
    assert_ne!(first, other);
    assert_eq!(people.login(json!({ "alias": "ro\u{200b}ot" })).await.status, 400);
    assert_eq!(people.login(json!({ "alias": "" })).await.at("/auth/entity_id"), json!(""));
}

#[tokio::test]
async fn entities_are_not_made_where_that_is_switched_off() {
    let people = People::start().await;
    let tuned = people.root("POST sys/auth/v/tune", json!({ "entity_creation": "disabled" })).await;
    assert_eq!(tuned.status, 204);
    assert_eq!(people.root("GET sys/auth/v/tune", json!(null)).await.at("/data/entity_creation"), json!("disabled"));
    assert_eq!(people.person(json!({ "alias": "bob" })).await.1, "");
    let known = people.entity(json!({ "name": "known" })).await;
    people.root("POST identity/entity-alias", json!({ "name": "bob", "mount_accessor": people.v, "canonical_id": known })).await;
    assert_eq!(people.person(json!({ "alias": "bob" })).await.1, known);
    assert_eq!(people.root("POST sys/auth/v/tune", json!({ "entity_creation": "maybe" })).await.status, 400);
    people.root("POST sys/auth/v/tune", json!({ "entity_creation": "enabled" })).await;
    assert_ne!(people.person(json!({ "alias": "eve" })).await.1, "");
}

#[tokio::test]
async fn cve_2020_10660_rights_of_entity_and_groups_come_and_go_with_the_next_request() {
    let people = People::start().await;
    let (token, id) = people.person(json!({ "alias": "bob" })).await;
    assert!(!people.reads(&token, "a").await);
    people.root(&format!("POST identity/entity/id/{id}"), json!({ "policies": ["a"] })).await;
    assert!(people.reads(&token, "a").await);
    people.root(&format!("POST identity/entity/id/{id}"), json!({ "policies": [] })).await;
    assert!(!people.reads(&token, "a").await);
    let inner = people.group(json!({ "name": "inner", "policies": ["b"], "member_entity_ids": [id] })).await;
    assert!(people.reads(&token, "b").await);
    let outer = people.group(json!({ "name": "outer", "policies": ["c"], "member_group_ids": [inner] })).await;
    assert!(people.reads(&token, "c").await);
    let entity = people.get(&format!("entity/id/{id}")).await;
    assert_eq!((entity.at("/data/direct_group_ids"), entity.at("/data/inherited_group_ids")), (json!([inner]), json!([outer])));
    people.root(&format!("POST identity/group/id/{outer}"), json!({ "member_group_ids": [] })).await;
    assert!(people.reads(&token, "b").await && !people.reads(&token, "c").await);
    people.root(&format!("POST identity/group/id/{inner}"), json!({ "member_entity_ids": [] })).await;
    assert!(!people.reads(&token, "b").await);
    people.root(&format!("POST identity/group/id/{inner}"), json!({ "member_entity_ids": [id] })).await;
    assert!(people.reads(&token, "b").await);
    assert_eq!(people.root(&format!("DELETE identity/group/id/{inner}"), json!(null)).await.status, 204);
    assert!(!people.reads(&token, "b").await);
}

#[tokio::test]
async fn cve_2020_10660_external_groups_hold_as_the_newest_login_says() {
    let people = People::start().await;
    let group = people.group(json!({ "name": "ops", "type": "external", "policies": ["a"] })).await;
    let alias = json!({ "name": "Ops", "mount_accessor": people.v, "canonical_id": group });
    let alias = people.root("POST identity/group-alias", alias).await.text("/data/id");
    let (token, id) = people.person(json!({ "alias": "bob", "groups": ["ops", "others"] })).await;
    assert!(people.reads(&token, "a").await);
    assert_eq!(people.get(&format!("group/id/{group}")).await.at("/data/member_entity_ids"), json!([id]));
    let (child, _) = people.person(json!({ "alias": "bob", "groups": [] })).await;
    assert!(!people.reads(&token, "a").await && !people.reads(&child, "a").await, "the older token too");
    assert_eq!(people.get(&format!("group/id/{group}")).await.at("/data/member_entity_ids"), json!(null));
    people.person(json!({ "alias": "bob", "groups": ["OPS"] })).await;
    assert!(people.reads(&token, "a").await);
    let elsewhere = people.server.call("POST auth/w/login", "", json!({ "alias": "eve", "groups": ["ops"] })).await;
    assert!(!people.reads(&elsewhere.text("/auth/client_token"), "a").await, "another mount's groups are other groups");
    let renamed = json!({ "name": "admins", "mount_accessor": people.v });
    assert_eq!(people.root(&format!("POST identity/group-alias/id/{alias}"), renamed).await.status, 200);
    assert!(!people.reads(&token, "a").await, "nobody vouched for the new name");
    people.person(json!({ "alias": "bob", "groups": ["admins"] })).await;
    assert!(people.reads(&token, "a").await);
    people.root(&format!("DELETE identity/group-alias/id/{alias}"), json!(null)).await;
    assert!(!people.reads(&token, "a").await);
}

#[tokio::test]
async fn cve_2025_5999_cve_2024_9180_cve_2025_64761_root_is_refused_in_every_spelling() {
    let people = People::start().await;
    for (kind, field) in [("entity", "name"), ("group", "name")] {
        for spelling in
            ["root", "ROOT", " root ", "Root\t", "ro\u{200b}ot", "root\u{0}", "\u{feff}root", "root\u{2066}", "r\u{ad}oot"]
        {
            for what in [format!("POST identity/{kind}"), format!("POST identity/{kind}/name/x")] {
                let reply = people.root(&what, json!({ field: "x", "policies": ["a", spelling] })).await;
                assert_eq!(reply.status, 400, "{what} {spelling:?}: {reply:?}");
            }
        }
        assert_eq!(people.get(&format!("{kind}/name/x")).await.status, 404, "nothing was made");
        assert_eq!(people.root(&format!("POST identity/{kind}"), json!({ "name": "x", "policies": "a,root" })).await.status, 400);
    }
    let (token, _) = people.person(json!({ "alias": "bob", "policies": ["root", " ROOT "] })).await;
    assert_eq!(people.server.call("GET sys/mounts", &token, json!(null)).await.status, 403);
}

#[tokio::test]
async fn cve_2021_41802_an_alias_update_to_a_taken_name_changes_neither_entity() {
    let people = People::start().await;
    let (_, bob) = people.person(json!({ "alias": "bob" })).await;
    let (_, eve) = people.person(json!({ "alias": "eve" })).await;
    let before = (people.get(&format!("entity/id/{bob}")).await.body, people.get(&format!("entity/id/{eve}")).await.body);
    let alias = before.1.pointer("/data/aliases/0/id").and_then(Value::as_str).unwrap().to_owned();
    for name in ["bob", "BOB", " bob"] {
        for body in [
            json!({ "name": name }),
            json!({ "name": name, "mount_accessor": people.v }),
            json!({ "name": name, "mount_accessor": people.v, "canonical_id": eve }),
            json!({ "name": name, "mount_accessor": people.v, "canonical_id": bob }),
        ] {
            assert_eq!(people.root(&format!("POST identity/entity-alias/id/{alias}"), body.clone()).await.status, 400, "{body}");
        }
    }
    let after = (people.get(&format!("entity/id/{bob}")).await.body, people.get(&format!("entity/id/{eve}")).await.body);
    assert_eq!((before.0["data"].clone(), before.1["data"].clone()), (after.0["data"].clone(), after.1["data"].clone()));
}

#[tokio::test]
async fn cve_2021_43998_cve_2022_40186_a_template_reads_the_alias_of_the_mount_it_names() {
    let people = People::start().await;
    let id = people.entity(json!({ "name": "bob", "metadata": { "team": "red" } })).await;
    for (accessor, side) in [(&people.v, "left"), (&people.w, "right")] {
        let alias =
            json!({ "name": "same", "mount_accessor": accessor, "canonical_id": id, "custom_metadata": { "side": side } });
        assert_eq!(people.root("POST identity/entity-alias", alias).await.status, 200);
        let second = json!({ "name": "other", "mount_accessor": accessor, "canonical_id": id });
        assert_eq!(people.root("POST identity/entity-alias", second).await.status, 400, "one alias for each mount");
    }
    let text = format!(
        "path \"secret/data/v/{{{{identity.entity.aliases.{v}.custom_metadata.side}}}}\" {{ capabilities = [\"read\"] }}
         path \"secret/data/w/{{{{identity.entity.aliases.{w}.metadata.side}}}}\" {{ capabilities = [\"read\"] }}
         path \"secret/data/n/{{{{identity.entity.aliases.{w}.name}}}}/{{{{identity.entity.name}}}}/{{{{identity.entity.id}}}}/{{{{identity.entity.metadata.team}}}}\" {{ capabilities = [\"read\"] }}",
        v = people.v, w = people.w,
    );
    people.root("POST sys/policies/acl/t", json!({ "policy": text })).await;
    people.root(&format!("POST identity/entity/id/{id}"), json!({ "policies": ["t"] })).await;
    people.server.call("POST auth/w/login", "", json!({ "alias": "same", "metadata": { "side": "w-said" } })).await;
    let (token, found) = people.person(json!({ "alias": "same", "metadata": { "side": "v-said" } })).await;
    assert_eq!(found, id);
    for (path, granted) in [
        ("secret/data/v/left", true),
        ("secret/data/v/right", false),
        ("secret/data/v/v-said", false),
        ("secret/data/w/w-said", true),
        ("secret/data/w/v-said", false),
        ("secret/data/w/right", false),
        (&format!("secret/data/n/same/bob/{id}/red"), true),
        (&format!("secret/data/n/same/eve/{id}/red"), false),
    ] {
        let shown = people.server.call("POST sys/capabilities-self", &token, json!({ "path": path })).await;
        assert_eq!(shown.at("/capabilities"), if granted { json!(["read"]) } else { json!(["deny"]) }, "{path}");
    }
}

#[tokio::test]
async fn cve_2026_5006_ghsa_59w7_v8rr_pr4p_unsafe_identity_values_grant_nothing() {
    let people = People::start().await;
    let policy = "path \"secret/data/{{identity.entity.metadata.team}}\" { capabilities = [\"read\"] }
path \"secret/data/{{identity.entity.metadata.team}}/*\" { capabilities = [\"read\"] }
path \"secret/data/b\" { capabilities = [\"read\"] }";
    people.root("POST sys/policies/acl/t", json!({ "policy": policy })).await;
    let (token, id) = people.person(json!({ "alias": "bob", "policies": ["t"] })).await;
    for team in ["*", "+", "a*", "x/a", "a/", "/", "a,b", "", "a+"] {
        let set = people.root(&format!("POST identity/entity/id/{id}"), json!({ "metadata": { "team": team } })).await;
        assert_eq!(set.status, 204);
        assert!(!people.reads(&token, "a").await, "{team:?}");
        assert!(people.reads(&token, "b").await, "the other rules stay");
    }
    people.root(&format!("POST identity/entity/id/{id}"), json!({ "metadata": { "team": "a" } })).await;
    assert!(people.reads(&token, "a").await);
}

#[tokio::test]
async fn a_deny_with_a_template_does_not_vanish_for_whom_it_has_no_value() {
    let people = People::start().await;
    let policy = "path \"secret/*\" { capabilities = [\"read\"] }
path \"secret/data/{{identity.entity.metadata.barred}}\" { capabilities = [\"deny\"] }";
    people.root("POST sys/policies/acl/t", json!({ "policy": policy })).await;
    let (token, id) = people.person(json!({ "alias": "bob", "policies": ["t"] })).await;
    assert!(!people.reads(&token, "a").await && !people.reads(&token, "b").await);
    people.root(&format!("POST identity/entity/id/{id}"), json!({ "metadata": { "barred": "a" } })).await;
    assert!(!people.reads(&token, "a").await && people.reads(&token, "b").await);
}

#[tokio::test]
async fn whoever_is_disabled_or_deleted_is_refused_at_once() {
    let people = People::start().await;
    let (token, id) = people.person(json!({ "alias": "bob", "policies": ["a"] })).await;
    let batch = people.person(json!({ "alias": "bob", "policies": ["a"], "token_type": "batch" })).await.0;
    for disabled in [true, false] {
        people.root(&format!("POST identity/entity/id/{id}"), json!({ "disabled": disabled })).await;
        for token in [&token, &batch] {
            assert_eq!(people.reads(token, "a").await, !disabled);
        }
        assert_eq!(people.login(json!({ "alias": "bob" })).await.status, if disabled { 403 } else { 200 });
    }
    assert_eq!(people.root(&format!("DELETE identity/entity/id/{id}"), json!(null)).await.status, 204);
    assert!(!people.reads(&token, "a").await && !people.reads(&batch, "a").await);
    let (_, new) = people.person(json!({ "alias": "bob" })).await;
    assert_ne!(new, id, "somebody else, with nothing of the old");
}

#[tokio::test]
async fn answers_tell_identity_policies_apart() {
    let people = People::start().await;
    let (token, id) = people.person(json!({ "alias": "bob", "policies": ["own"] })).await;
    let plain = people.server.call("GET auth/token/lookup-self", &token, json!(null)).await;
    assert!(plain.at("/data/identity_policies").is_null() && plain.at("/data/external_namespace_policies").is_null());
    people.root(&format!("POST identity/entity/id/{id}"), json!({ "policies": ["a", "own"] })).await;
    let shown = people.server.call("GET auth/token/lookup-self", &token, json!(null)).await;
    assert_eq!(
        (shown.at("/data/policies"), shown.at("/data/identity_policies")),
        (json!(["default", "own"]), json!(["a", "own"]))
    );
    assert_eq!(shown.at("/data/external_namespace_policies"), json!({}));
    let login = people.login(json!({ "alias": "bob", "policies": ["own"] })).await;
    let renewed = people.server.call("POST auth/token/renew-self", &token, json!({})).await;
    for reply in [&login, &renewed] {
        assert_eq!(reply.at("/auth/policies"), json!(["a", "default", "own"]), "{reply:?}");
        assert_eq!(reply.at("/auth/token_policies"), json!(["default", "own"]));
        assert_eq!(reply.at("/auth/identity_policies"), json!(["a", "own"]));
        assert_eq!(reply.at("/auth/entity_id"), json!(id));
    }
}

#[tokio::test]
async fn cve_2026_14886_batch_delete_touches_only_entities() {
    let people = People::start().await;
    let mut ids = Vec::new();
    for n in 0..150 {
        ids.push(people.entity(json!({ "name": format!("e{n}") })).await);
    }
    let (token, kept) = people.person(json!({ "alias": "kept", "policies": ["a"] })).await;
    let group = people.group(json!({ "name": "g", "member_entity_ids": [ids[0], kept] })).await;
    let mut asked: Vec<Value> = ids.iter().map(|id| json!(id)).collect();
    asked.extend([json!("../g"), json!(group), json!("e/x"), json!("00000000-0000-0000-0000-000000000000")]);
    let reply = people.root("POST identity/entity/batch-delete", json!({ "entity_ids": asked })).await;
    assert_eq!(reply.status, 204, "{reply:?}");
    assert_eq!(people.get("entity/name/e149").await.status, 404);
    assert!(people.reads(&token, "a").await);
    assert_eq!(people.get(&format!("group/id/{group}")).await.at("/data/member_entity_ids"), json!([kept]));
    assert_eq!(people.root("LIST identity/entity/id", json!(null)).await.at("/data/keys"), json!([kept]));
}

#[tokio::test]
async fn a_merge_moves_aliases_and_memberships_and_old_ids_still_lead_there() {
    let people = People::start().await;
    let (token, from) = people.person(json!({ "alias": "bob" })).await;
    let to = people.entity(json!({ "name": "to", "policies": ["a"] })).await;
    people.root(&format!("POST identity/entity/id/{from}"), json!({ "policies": ["c"] })).await;
    let group = people.group(json!({ "name": "g", "policies": ["b"], "member_entity_ids": [from] })).await;
    assert!(people.reads(&token, "b").await && people.reads(&token, "c").await && !people.reads(&token, "a").await);
    let merge = json!({ "to_entity_id": to, "from_entity_ids": [from] });
    assert_eq!(people.root("POST identity/entity/merge", merge.clone()).await.status, 204);
    assert!(people.reads(&token, "a").await && people.reads(&token, "b").await, "the old token stands for the remaining entity");
    assert!(!people.reads(&token, "c").await, "policies of the old one are gone");
    assert_eq!(people.person(json!({ "alias": "bob" })).await.1, to);
    assert_eq!(people.get(&format!("group/id/{group}")).await.at("/data/member_entity_ids"), json!([to]));
    assert_eq!(people.get(&format!("entity/id/{from}")).await.status, 404);
    assert_eq!(people.root("POST identity/entity/merge", merge).await.status, 400, "there is nothing left to merge");
    let last = people.entity(json!({ "name": "last" })).await;
    let again = json!({ "to_entity_id": last, "from_entity_ids": [to] });
    assert_eq!(people.root("POST identity/entity/merge", again).await.status, 204);
    assert!(people.reads(&token, "b").await && !people.reads(&token, "a").await, "over two merges");
    people.root(&format!("POST identity/entity/id/{last}"), json!({ "disabled": true })).await;
    assert!(!people.reads(&token, "b").await);
    people.root(&format!("DELETE identity/entity/id/{last}"), json!(null)).await;
    assert_eq!(people.server.call("GET auth/token/lookup-self", &token, json!(null)).await.status, 403);
}

#[tokio::test]
async fn many_entities_are_merged_by_one_request() {
    let people = People::start().await;
    let to = people.entity(json!({ "name": "to" })).await;
    let mut from = Vec::new();
    for n in 0..60 {
        from.push(people.entity(json!({ "name": format!("f{n}") })).await);
    }
    let merged = people.root("POST identity/entity/merge", json!({ "to_entity_id": to, "from_entity_ids": from })).await;
    assert_eq!(merged.status, 204, "{merged:?}");
    let shown = people.get(&format!("entity/id/{to}")).await;
    assert_eq!(shown.at("/data/merged_entity_ids").as_array().unwrap().len(), 60);
}

#[tokio::test]
async fn a_disabled_mounts_aliases_lead_nowhere_and_go_away() {
    let people = People::start().await;
    let group = people.group(json!({ "name": "ops", "type": "external", "policies": ["a"] })).await;
    people.root("POST identity/group-alias", json!({ "name": "ops", "mount_accessor": people.v, "canonical_id": group })).await;
    let id = people.entity(json!({ "name": "bob" })).await;
    for accessor in [&people.v, &people.w] {
        let alias = json!({ "name": "bob", "mount_accessor": accessor, "canonical_id": id });
        people.root("POST identity/entity-alias", alias).await;
    }
    people.person(json!({ "alias": "bob", "groups": ["ops"] })).await;
    let token = people.server.call("POST auth/w/login", "", json!({ "alias": "bob" })).await.text("/auth/client_token");
    assert!(people.reads(&token, "a").await);
    assert_eq!(people.root("DELETE sys/auth/v", json!(null)).await.status, 204);
    assert!(!people.reads(&token, "a").await, "what the mount vouched for ended with it");
    for _ in 0..100 {
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        if people.get(&format!("entity/id/{id}")).await.at("/data/aliases").as_array().is_some_and(|a| a.len() == 1) {
            break;
        }
    }
    let shown = people.get(&format!("entity/id/{id}")).await;
    assert_eq!(shown.at("/data/aliases/0/mount_accessor"), json!(people.w));
    assert_eq!(shown.at("/data/aliases/1"), json!(null));
    assert_eq!(people.get(&format!("group/id/{group}")).await.at("/data/alias"), json!({}));
}

#[tokio::test]
async fn bad_input_is_told_by_field_and_changes_nothing() {
    let people = People::start().await;
    let many: serde_json::Map<String, Value> = (0..65).map(|n| (n.to_string(), json!("x"))).collect();
    for (what, body, says) in [
        ("entity", json!({ "name": "x".repeat(513) }), "entity name"),
        ("entity", json!({ "name": "x", "metadata": many.clone() }), "metadata"),
        ("entity", json!({ "name": "x", "metadata": { "k": "x".repeat(513) } }), "metadata"),
        ("entity", json!({ "name": "x", "policies": ["a\u{0}b"] }), "policies"),
        ("entity", json!({ "name": "x", "disabled": "perhaps" }), "disabled"),
        ("group", json!({ "name": "x", "member_entity_ids": ["../e"] }), "member_entity_ids"),
        ("group", json!({ "name": "x", "member_group_ids": ["00000000-0000-0000-0000-000000000000"] }), "member_group_ids"),
        ("group", json!({ "name": "x", "type": "strange" }), "type"),
        ("entity-alias", json!({ "name": "x", "mount_accessor": "cubbyhole" }), "mount_accessor"),
        ("entity-alias", json!({ "name": "x", "mount_accessor": people.v, "custom_metadata": many }), "custom_metadata"),
    ] {
        let reply = people.root(&format!("POST identity/{what}"), body.clone()).await;
        assert_eq!(reply.status, 400, "{body}: {reply:?}");
        assert!(reply.text("/errors/0").contains(says), "{reply:?}");
    }
    assert_eq!(people.root("LIST identity/entity/id", json!(null)).await.status, 404);
    assert_eq!(people.root("LIST identity/group/id", json!(null)).await.status, 404);
    let sudo_mount = people.root("GET sys/mounts", json!(null)).await.text("/data/sys~1/accessor");
    let alias = json!({ "name": "x", "mount_accessor": sudo_mount });
    assert_eq!(people.root("POST identity/entity-alias", alias).await.status, 400, "not an auth mount");
}

#[tokio::test]
async fn renamed_things_are_found_by_their_new_names_only() {
    let people = People::start().await;
    let id = people.entity(json!({ "name": "Old" })).await;
    people.root(&format!("POST identity/entity/id/{id}"), json!({ "name": "New/er" })).await;
    assert_eq!(people.get("entity/name/old").await.status, 404);
    assert_eq!(people.get("entity/name/new/ER").await.at("/data/name"), json!("New/er"));
    let group = people.group(json!({ "name": "Old" })).await;
    people.root(&format!("POST identity/group/id/{group}"), json!({ "name": "New" })).await;
    assert_eq!(people.get("group/name/old").await.status, 404);
    assert_eq!(people.get("group/name/new").await.at("/data/id"), json!(group));
    assert_eq!(people.root("LIST identity/entity/name", json!(null)).await.at("/data/keys"), json!(["New/er"]));
    let free = people.entity(json!({ "name": "old" })).await;
    assert_ne!(free, id);
}

#[tokio::test]
async fn a_token_role_gives_tokens_of_an_alias() {
    let people = People::start().await;
    people.root("POST auth/token/roles/r", json!({ "allowed_entity_aliases": ["bob"] })).await;
    let made = people.root("POST auth/token/create/r", json!({ "policies": ["default"], "entity_alias": "bob" })).await;
    assert_eq!(made.status, 200, "{made:?}");
    let (token, id) = (made.text("/auth/client_token"), made.text("/auth/entity_id"));
    people.root(&format!("POST identity/entity/id/{id}"), json!({ "policies": ["a"] })).await;
    assert!(people.reads(&token, "a").await);
    let again = people.root("POST auth/token/create/r", json!({ "policies": ["default"], "entity_alias": "Bob" })).await;
    assert!(again.status == 400 || again.text("/auth/entity_id") == id, "{again:?}");
}
