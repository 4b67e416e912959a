//! The commands on a small real log.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Parser;
use strongroom_audit::{Device as _, FileConfig, FileDevice, Limits};
use strongroom_types::{SecretBytes, Timestamp, Ttl};
use tempfile::TempDir;

use super::*;
use crate::system::SystemRng;

#[derive(Parser)]
struct Line {
    #[command(subcommand)]
    command: Audit,
}

struct Log {
    folder: TempDir,
    key: String,
}

impl Log {
    /// Five records after the one that appoints the key; stopped in order.
    async fn new() -> Self {
        Self::with(5).await
    }

    async fn with(records: u64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let log_key = SecretBytes::new(vec![42; 32]);
        let key = FileDevice::public_key_text(&log_key).unwrap();
        let config = FileConfig {
            path: folder.path().join("audit.log"),
            hash_key: SecretBytes::new(vec![7; 32]),
            log_key,
            expected: None,
            limits: Limits::default(),
            is_sync: false,
            store_head: Arc::new(|| 1),
            accepts_older_store: false,
            rng: Arc::new(SystemRng::new()),
        };
        let at = |s| Timestamp::from_s(1_764_014_482).plus(Ttl::from_s(s));
        let device = FileDevice::open(config, at(0)).unwrap();
        for n in 1..=records {
            let time = at(n).rfc3339().replace('Z', ".000000000Z");
            let rest = format!("\"time\":\"{time}\",\"type\":\"request\",\"n\":{n}}}");
            device.append(rest.as_bytes()).unwrap().await.unwrap();
        }
        device.close(at(records.saturating_add(4))).unwrap();
        Self { folder, key }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// `{log}` stands for the log's file, `{key}` for its key, `{dir}` for its folder.
    fn run(&self, words: &str) -> anyhow::Result<Outcome> {
        let fill = |word: &str| {
            let word = word.replace("{log}", &self.file("audit.log").display().to_string());
            word.replace("{key}", &self.key).replace("{dir}", &self.folder.path().display().to_string()).into()
        };
        let args = strongroom_cli::normalize(std::iter::once("audit".into()).chain(words.split(' ').map(fill)));
        match Line::try_parse_from(args).unwrap_or_else(|e| panic!("{e}")).command {
            Audit::Verify(args) => verify::run(args),
            Audit::Prove(args) => proof::prove(args),
            Audit::CheckProof(args) => proof::check(args),
            Audit::Client(_) => panic!("not an offline command"),
        }
    }

    fn text(&self, words: &str, is_good: bool) -> String {
        let outcome = self.run(words).unwrap();
        assert_eq!(outcome.is_good, is_good, "{words}: {}", outcome.text);
        outcome.text
    }
}

#[tokio::test]
async fn an_untouched_log_is_intact_and_its_restarts_are_listed() {
    let log = Log::new().await;
    let table = log.text("verify {log} -key={key}", true);
    for part in ["intact\n", "Records         6\n", "Uncheckpointed  0 ", "Restart         record 0, 2025-"] {
        assert!(table.contains(part), "{part} in {table}");
    }
    let json: serde_json::Value = serde_json::from_str(&log.text("verify {log} -format=json", true)).unwrap();
    assert_eq!((&json["intact"], &json["records"], &json["key_given"]), (&true.into(), &6.into(), &false.into()));
    assert!(log.text("verify {log}", true).contains("found beside the log"));
}

#[tokio::test]
async fn a_changed_line_fails_and_is_named() {
    let log = Log::new().await;
    let text = fs::read_to_string(log.file("audit.log")).unwrap();
    fs::write(log.file("audit.log"), text.replace("\"n\":3", "\"n\":8")).unwrap();
    let table = log.text("verify {log} -key={key}", false);
    assert!(table.contains("NOT INTACT") && table.contains("Problem"), "{table}");
}

#[tokio::test]
async fn a_checkpoint_kept_elsewhere_shows_a_log_that_was_cut() {
    let log = Log::new().await;
    let notes = fs::read_to_string(log.file("audit.log.tree/checkpoints")).unwrap();
    fs::write(log.file("kept"), &notes).unwrap();
    log.text("verify {log} -key={key} -checkpoint={dir}/kept", true);
    // Back to the state after the first record, in every file.
    let first: String = notes.split_inclusive('\n').take(strongroom_audit::Checkpoint::LINES + 1).collect();
    fs::write(log.file("audit.log.tree/checkpoints"), first).unwrap();
    let line = fs::read_to_string(log.file("audit.log")).unwrap().split_inclusive('\n').next().unwrap().to_owned();
    fs::write(log.file("audit.log"), line).unwrap();
    log.text("verify {log} -key={key}", true);
    log.text("verify {log} -key={key} -checkpoint={dir}/kept", false);
}

/// Deletes the first lines of a log that has their hashes. Only somebody who moved them away can say that this is fine.
#[tokio::test]
async fn missing_lines_at_the_beginning_need_the_archived_flag() {
    let log = Log::with(300).await;
    let text = fs::read_to_string(log.file("audit.log")).unwrap();
    fs::write(log.file("audit.log"), text.split_inclusive('\n').skip(2).collect::<String>()).unwrap();
    let table = log.text("verify {log} -key={key}", false);
    assert!(table.contains("begin at record 2") && table.contains("Pruned          records below 2:"), "{table}");
    assert!(log.text("verify {log} -key={key} -archived", true).contains("Pruned          records below 2:"));
}

#[tokio::test]
async fn a_proof_holds_for_its_record_and_key_only() {
    let log = Log::new().await;
    log.text("prove {log} 3 -o {dir}/proof", true);
    assert!(log.text("check-proof {dir}/proof -key={key}", true).contains("\"n\":3"));
    fs::write(log.file("key"), format!("{}\n", log.key)).unwrap();
    log.text("check-proof {dir}/proof -key=@{dir}/key", true);
    let other = FileDevice::public_key_text(&SecretBytes::new(vec![43; 32])).unwrap();
    log.text(&format!("check-proof {{dir}}/proof -key={other}"), false);
    let forged = fs::read_to_string(log.file("proof")).unwrap().replace("\\\"n\\\":3", "\\\"n\\\":4");
    fs::write(log.file("proof"), forged).unwrap();
    log.text("check-proof {dir}/proof -key={key}", false);
}

#[tokio::test]
async fn what_cannot_be_read_is_an_error() {
    let log = Log::new().await;
    for words in [
        "verify {dir}/none",
        "verify {log} -key=AAAA",
        "verify {log} -checkpoint={dir}/none",
        "prove {log} 77",
        "check-proof {dir}/none -key={key}",
    ] {
        assert!(log.run(words).is_err(), "{words}");
    }
}

#[test]
fn the_commands_for_a_servers_devices_stand_beside_the_offline_ones() {
    for line in [
        "audit enable -path=a -description=d -local file file_path=a.log mode=0600",
        "audit enable socket address=127.0.0.1:9000 socket_type=udp",
        "audit disable a/",
        "audit list -detailed -format=json",
    ] {
        let args = strongroom_cli::normalize(line.split(' ').map(Into::into));
        assert!(matches!(Line::try_parse_from(args).map(|l| l.command), Ok(Audit::Client(_))), "{line}");
    }
}
