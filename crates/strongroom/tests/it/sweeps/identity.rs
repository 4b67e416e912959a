//! Merges and deletions of many entities: all of it or nothing, and no alias is ever lost.

use serde_json::{Value, json};

use super::{House, Operation, soon, sweep};

struct People {
    accessor: String,
    to: String,
    from: Vec<String>,
}

impl People {
    async fn entity_of(&self, house: &House, n: usize) -> String {
        let body = json!({ "alias_name": format!("p{n}"), "alias_mount_accessor": self.accessor });
        house.root("POST identity/lookup/entity", body).await.text("/data/id")
    }

    async fn exists(&self, house: &House, id: &str) -> bool {
        let shown = house.root(&format!("GET identity/entity/id/{id}"), json!(null)).await;
        shown.status == 200 && shown.at("/data/id") == json!(id)
    }
}

/// So many people with an entity and an alias each, in one group, and one more entity.
async fn people(house: &House, count: usize) -> People {
    house.must("POST sys/auth/v", json!({ "type": "vouch" })).await;
    let accessor = house.must("GET sys/auth/v", json!(null)).await.text("/accessor");
    let to = house.must("POST identity/entity", json!({ "name": "all" })).await.text("/data/id");
    let mut from = Vec::new();
    for n in 0..count {
        let login = house.server.call("POST auth/v/login", "", json!({ "alias": format!("p{n}") })).await;
        from.push(login.text("/auth/entity_id"));
    }
    house.must("POST identity/group", json!({ "name": "g", "member_entity_ids": from })).await;
    People { accessor, to, from }
}

/// What the fresh process has to go on with is done.
async fn settled(house: &House, intents: &str, what: &str) {
    soon(&format!("{what}: the end of an intent"), async || {
        strongroom_storage::Store::scan(&*house.memory, intents.as_bytes(), None, 9).await.unwrap().is_empty()
    })
    .await;
}

struct Merge {
    count: usize,
}

impl Operation for Merge {
    type Before = People;
    type Told = bool;

    async fn prepare(&self, house: &House) -> People {
        let mut people = people(house, 1).await;
        for n in 1..self.count {
            let id = house.must("POST identity/entity", json!({ "name": format!("e{n}") })).await.text("/data/id");
            people.from.push(id);
        }
        let members = json!({ "name": "g", "member_entity_ids": people.from });
        house.must("POST identity/group", members).await;
        people
    }

    async fn run(&self, house: &House, people: &People) -> bool {
        let body = json!({ "to_entity_id": people.to, "from_entity_ids": people.from });
        house.root("POST identity/entity/merge", body).await.status == 204
    }

    async fn check(&self, house: &House, people: People, is_acknowledged: bool, what: &str) {
        let members = async || house.must("GET identity/group/name/g", json!(null)).await.at("/data/member_entity_ids");
        let merged = async || {
            let shown = house.must(&format!("GET identity/entity/id/{}", people.to), json!(null)).await;
            shown.at("/data/merged_entity_ids").as_array().map_or(0, Vec::len)
        };
        let is_whole = async || merged().await == people.from.len() && members().await == json!([people.to]);
        let mut sorted = people.from.clone();
        sorted.sort_unstable();
        let is_untouched = async || merged().await == 0 && members().await == json!(sorted);
        if is_acknowledged {
            assert!(is_whole().await, "{what}: an acknowledged merge is not whole");
        }
        let alias = people.entity_of(house, 0).await;
        assert!([&people.to, &people.from[0]].contains(&&alias), "{what}: the alias leads to {alias:?}");
        settled(house, "i/merge/", what).await;
        assert!(is_whole().await || is_untouched().await, "{what}: a part of it is merged");
        let holder = if is_whole().await { &people.to } else { &people.from[0] };
        assert_eq!(&people.entity_of(house, 0).await, holder, "{what}");
        let again = house.server.call("POST auth/v/login", "", json!({ "alias": "p0" })).await;
        assert_eq!(&again.text("/auth/entity_id"), holder, "{what}: a login makes no new entity");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn d8_a_merge_of_many_is_whole_or_not_there_at_whichever_write_the_server_dies() {
    sweep(Merge { count: 8 }, 0).await;
    sweep(Merge { count: 60 }, 60).await;
}

/// A merge that would be refused in its middle is refused before it begins.
#[tokio::test(flavor = "multi_thread")]
async fn a_merge_that_is_too_large_leaves_everybody_whole() {
    let house = House::new().await;
    let people = Merge { count: 70 }.prepare(&house).await;
    let body = json!({ "to_entity_id": people.to, "from_entity_ids": people.from });
    let refused = house.root("POST identity/entity/merge", body).await;
    assert_eq!(refused.status, 400, "{refused:?}");
    for id in &people.from {
        assert!(people.exists(&house, id).await);
    }
}

struct Delete {
    count: usize,
}

impl Operation for Delete {
    type Before = People;
    type Told = bool;

    async fn prepare(&self, house: &House) -> People {
        people(house, self.count).await
    }

    async fn run(&self, house: &House, people: &People) -> bool {
        house.root("POST identity/entity/batch-delete", json!({ "entity_ids": people.from })).await.status == 204
    }

    async fn check(&self, house: &House, people: People, is_acknowledged: bool, what: &str) {
        let left = async || {
            let mut left = 0;
            for id in &people.from {
                left += usize::from(people.exists(house, id).await);
            }
            left
        };
        if is_acknowledged {
            assert_eq!(left().await, 0, "{what}: an acknowledged deletion is not whole");
        }
        settled(house, "i/delete-entities/", what).await;
        let count = left().await;
        assert!([0, people.from.len()].contains(&count), "{what}: {count} of {} are left", people.from.len());
        for (n, id) in people.from.iter().enumerate() {
            assert_eq!(people.entity_of(house, n).await, if count == 0 { "" } else { id }, "{what}: where its alias leads");
        }
        if count == 0 {
            let members = async || house.must("GET identity/group/name/g", json!(null)).await.at("/data/member_entity_ids");
            soon("an empty group", async || matches!(members().await, Value::Null) || members().await == json!([])).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn d8_a_deletion_of_many_is_whole_or_not_there_at_whichever_write_the_server_dies() {
    sweep(Delete { count: 2 }, 0).await;
    sweep(Delete { count: 30 }, 8).await;
}
