//! Random sequences of operations on one key, against a plain model of versions; after each step every version reads as
//! the model says, and the store holds a row for just those values that are not in the record.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

#[derive(Clone, Debug)]
enum Step {
    Write { large: bool },
    DeleteCurrent,
    Delete(u64),
    Undelete(u64),
    Destroy(u64),
    KeepOfKey(u32),
    KeepOfMount(u32),
    Remove,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => any::<bool>().prop_map(|large| Step::Write { large }),
        1 => Just(Step::DeleteCurrent),
        2 => (0u64..8).prop_map(Step::Delete),
        2 => (0u64..8).prop_map(Step::Undelete),
        2 => (0u64..8).prop_map(Step::Destroy),
        1 => (0u32..5).prop_map(Step::KeepOfKey),
        1 => (0u32..4).prop_map(Step::KeepOfMount),
        1 => Just(Step::Remove),
    ]
}

#[derive(Clone, PartialEq, Debug)]
struct Kept {
    value: String,
    large: bool,
    deleted: bool,
    destroyed: bool,
}

#[derive(Default)]
struct Model {
    versions: BTreeMap<u64, Kept>,
    current: u64,
    keep_of_key: u32,
    keep_of_mount: u32,
    exists: bool,
}

impl Model {
    fn apply(&mut self, step: &Step, value: String) {
        match *step {
            Step::Write { large } => {
                self.exists = true;
                self.current = self.current.saturating_add(1);
                self.versions.insert(self.current, Kept { value, large, deleted: false, destroyed: false });
                let keep = match self.keep_of_key.max(self.keep_of_mount) {
                    0 => 10,
                    n => n as usize,
                };
                while self.versions.len() > keep {
                    self.versions.pop_first();
                }
            }
            Step::DeleteCurrent => self.delete(self.current),
            Step::Delete(n) => self.delete(n),
            Step::Undelete(n) => {
                self.versions.entry(n).and_modify(|v| v.deleted &= v.destroyed);
            }
            Step::Destroy(n) => {
                self.versions.entry(n).and_modify(|v| v.destroyed = true);
            }
            Step::KeepOfKey(n) => (self.exists, self.keep_of_key) = (true, n),
            Step::KeepOfMount(n) => self.keep_of_mount = n,
            Step::Remove => *self = Self { keep_of_mount: self.keep_of_mount, ..Self::default() },
        }
    }

    fn delete(&mut self, n: u64) {
        self.versions.entry(n).and_modify(|v| v.deleted |= !v.destroyed);
    }

    fn rows(&self) -> usize {
        self.versions.iter().filter(|(n, v)| !v.destroyed && (v.large || **n != self.current)).count()
    }
}

async fn run(bench: &Bench, step: &Step, value: &str) {
    let versions = |n: u64| format!(r#"{{"versions":[{n}]}}"#);
    let (verb, target, body) = match *step {
        Step::Write { .. } => (Verb::Write, "data/k", format!(r#"{{"data":{value}}}"#)),
        Step::DeleteCurrent => (Verb::Delete, "data/k", String::new()),
        Step::Delete(n) => (Verb::Write, "delete/k", versions(n)),
        Step::Undelete(n) => (Verb::Write, "undelete/k", versions(n)),
        Step::Destroy(n) => (Verb::Write, "destroy/k", versions(n)),
        Step::KeepOfKey(n) => (Verb::Write, "metadata/k", format!(r#"{{"max_versions":{n}}}"#)),
        Step::KeepOfMount(n) => (Verb::Write, "config", format!(r#"{{"max_versions":{n}}}"#)),
        Step::Remove => (Verb::Delete, "metadata/k", String::new()),
    };
    let (status, answer) = ask(bench, verb, target, &body).await;
    assert!(status < 300, "{step:?}: {status} {answer}");
}

async fn check(bench: &Bench, model: &Model) {
    let (status, shown) = ask(bench, Verb::Read, "metadata/k", "").await;
    assert_eq!(status == 200, model.exists);
    if model.exists {
        let numbers: Vec<u64> = shown["versions"].as_object().unwrap().keys().map(|n| n.parse().unwrap()).collect();
        let mut expected: Vec<u64> = model.versions.keys().copied().collect();
        expected.sort_by_key(u64::to_string);
        assert_eq!(sorted(numbers), expected);
        assert_eq!(shown["current_version"], model.current);
        let oldest = model.versions.keys().next().copied().filter(|n| *n > 1).unwrap_or(0);
        assert_eq!(shown["oldest_version"], oldest);
    }
    for n in 1..=model.current.max(8) {
        let (status, text) = ask_text(bench, Verb::Read, &format!("data/k?version={n}"), "").await;
        match model.versions.get(&n) {
            Some(v) if !v.deleted && !v.destroyed => {
                assert!(status == 200 && text.starts_with(&format!(r#"{{"data":{},"#, v.value)), "{n}")
            }
            Some(v) => {
                let shown: Value = serde_json::from_str(&text).unwrap();
                assert_eq!((status, &shown["data"]), (404, &Value::Null), "{n}");
                assert_eq!(shown["metadata"]["destroyed"], v.destroyed, "{n}");
                assert_eq!(shown["metadata"]["deletion_time"] != "", v.deleted, "{n}");
            }
            None => assert_eq!((status, text.as_str()), (404, ""), "{n}"),
        }
    }
    assert_eq!(rows(bench).await, model.rows());
}

fn sorted(mut numbers: Vec<u64>) -> Vec<u64> {
    numbers.sort_by_key(u64::to_string);
    numbers
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn versions_behave_as_the_model(steps in prop::collection::vec(step(), 1..40)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let mut bench = mount("2").await;
            let mut model = Model::default();
            for (i, step) in steps.iter().enumerate() {
                let padding = if matches!(step, Step::Write { large: true }) { "x".repeat(33 * 1024) } else { String::new() };
                let value = format!(r#"{{"i":{i},"p":"{padding}"}}"#);
                run(&bench, step, &value).await;
                model.apply(step, value);
                check(&bench, &model).await;
                later(&mut bench, u64::from(i % 2 == 0));
            }
        });
    }
}
