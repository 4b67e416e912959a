//! `operator snapshot save|restore|inspect`: backups of the store. A file is written whole or not at all, and what is in it is
//! checked here too: an answer that broke off must not pass for a backup.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader, Read, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde_json::{Value, json};
use strongroom_snapshot::{Entries, Head, Header};

use crate::arguments::is_set;
use crate::connection::{Connection, Session};
use crate::environment::Environment;
use crate::output::{Failure, Format, Printed, table};

const PATH: &str = "sys/storage/snapshot";

#[derive(Subcommand)]
pub enum Raft {
    /// Save, restore and inspect snapshots of the store
    #[command(subcommand)]
    Snapshot(Snapshot),
}

#[derive(Subcommand)]
pub enum Snapshot {
    /// Write a snapshot of the server's whole store to a file
    Save(Save),
    /// Put a snapshot in the place of the server's store
    Restore(Restore),
    /// Show what a snapshot holds, without a server and without keys
    Inspect(Inspect),
}

#[derive(Args)]
pub struct Save {
    /// File to write; made for its owner only
    file: PathBuf,
    #[command(flatten)]
    connection: Connection,
}

#[derive(Args)]
pub struct Restore {
    /// Snapshot to restore
    file: PathBuf,
    /// Restore a snapshot of other unseal keys; the server seals itself and needs those keys from then on
    #[arg(long, short = 'f', num_args = 0..=1, require_equals = true, default_missing_value = "true", hide_possible_values = true)]
    force: Option<bool>,
    #[command(flatten)]
    connection: Connection,
}

#[derive(Args)]
pub struct Inspect {
    /// Snapshot to look at
    file: PathBuf,
    /// Also let the server check that its keys made this snapshot and open all of it; nothing changes there
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", hide_possible_values = true)]
    verify: Option<bool>,
    #[command(flatten)]
    connection: Connection,
}

impl Snapshot {
    pub(crate) async fn execute(self, environment: &Environment, input: &mut dyn Read) -> Result<Printed, Failure> {
        match self {
            Self::Save(Save { file, connection }) => save(&connection.open(environment, input)?, &file).await,
            Self::Restore(command) => command.execute(environment, input).await,
            Self::Inspect(command) => command.execute(environment, input).await,
        }
    }
}

/// Beside the file first, so that an older backup is replaced only by a whole new one.
async fn save(session: &Session<'_>, path: &Path) -> Result<Printed, Failure> {
    let mut name = path.as_os_str().to_owned();
    name.push(".part");
    let part = PathBuf::from(name);
    let saved = write_part(session, &part).await.and_then(|header| {
        fs::rename(&part, path).and_then(|()| sync_folder_of(path)).map_err(|e| file_failure("writing", path, &e))?;
        Ok(header)
    });
    match saved {
        Ok(header) if session.format == Format::Table => Ok(Printed::line(format!(
            "Success! Saved {} entries at revision {} to: {}",
            header.entry_count,
            header.revision,
            path.display()
        ))),
        Ok(header) => Printed::structured(&header, session.format),
        Err(failure) => {
            // What is left of it helps nobody.
            let _ = fs::remove_file(&part);
            Err(failure)
        }
    }
}

async fn write_part(session: &Session<'_>, part: &Path) -> Result<Header, Failure> {
    let failed = |error| Failure::of(&error, "taking a snapshot");
    let mut download = session.client.download(PATH).await.map_err(failed)?;
    let writing = |e: io::Error| file_failure("writing", part, &e);
    let options = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(part);
    let mut file = options.map_err(writing)?;
    while let Some(piece) = download.piece().await.map_err(failed)? {
        file.write_all(&piece).map_err(writing)?;
    }
    file.sync_all().map_err(writing)?;
    Ok(look(part)?.header)
}

fn sync_folder_of(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}

fn file_failure(doing: &str, path: &Path, error: &dyn std::fmt::Display) -> Failure {
    Failure::local(format!("Error {doing} {}: {error}", path.display()))
}

/// What an untouched file says about itself.
struct Seen {
    header: Header,
    file_bytes: u64,
    /// First part of the keys, with how many entries and bytes are below it.
    areas: Vec<(String, u64, u64)>,
}

/// Reads a snapshot to its end. Errors: it is not whole.
fn look(path: &Path) -> Result<Seen, Failure> {
    let failed = |e: &dyn std::fmt::Display| file_failure("reading", path, e);
    let file = File::open(path).map_err(|e| failed(&e))?;
    let mut from = BufReader::new(file);
    let head = Head::read(&mut from).map_err(|e| failed(&e))?;
    let mut areas: Vec<(String, u64, u64)> = Vec::new();
    for entry in Entries::new(&head, from) {
        let entry = entry.map_err(|e| failed(&e))?;
        let bytes = (entry.key.len() as u64).saturating_add(entry.value.len() as u64);
        let area: Vec<u8> = entry.key.iter().copied().take_while(|b| *b != b'/').chain([b'/']).collect();
        let area = area.escape_ascii().to_string();
        match areas.last_mut().filter(|(name, ..)| *name == area) {
            Some((_, count, sum)) => (*count, *sum) = (count.saturating_add(1), sum.saturating_add(bytes)),
            None => areas.push((area, 1, bytes)),
        }
    }
    Ok(Seen { file_bytes: head.file_bytes(), header: head.header, areas })
}

impl Restore {
    async fn execute(self, environment: &Environment, input: &mut dyn Read) -> Result<Printed, Failure> {
        let session = self.connection.open(environment, input)?;
        // The server checks it too; but a file that can't be right need not travel.
        let seen = look(&self.file)?;
        let path = if is_set(self.force) { format!("{PATH}-force") } else { PATH.to_owned() };
        upload(&session, &path, &self.file, "restoring the snapshot").await?;
        if session.format != Format::Table {
            return Printed::structured(&seen.header, session.format);
        }
        let status = session.client.seal_status().await.map_err(|error| Failure::of(&error, "reading the seal status"))?;
        let done = format!("Success! Restored {} entries of revision {}", seen.header.entry_count, seen.header.revision);
        Ok(Printed::line(match status.sealed {
            true => format!("{done}. The server is sealed: unseal it with the snapshot's unseal keys."),
            false => done,
        }))
    }
}

async fn upload(session: &Session<'_>, path: &str, file: &Path, doing: &str) -> Result<(), Failure> {
    let opened = File::open(file).map_err(|e| file_failure("reading", file, &e))?;
    session.client.upload(path, opened).await.map_err(|error| Failure::of(&error, doing))?;
    Ok(())
}

impl Inspect {
    async fn execute(self, environment: &Environment, input: &mut dyn Read) -> Result<Printed, Failure> {
        let session = self.connection.open(environment, input)?;
        let seen = look(&self.file)?;
        if is_set(self.verify) {
            upload(&session, &format!("{PATH}-verify"), &self.file, "verifying the snapshot").await?;
        }
        let verified = if is_set(self.verify) { "by the server" } else { "no: use -verify" };
        if session.format != Format::Table {
            return Printed::structured(&seen.json(is_set(self.verify)), session.format);
        }
        Ok(Printed::text(seen.table(verified)))
    }
}

impl Seen {
    fn json(&self, is_verified: bool) -> Value {
        let area = |(name, count, bytes): &(String, u64, u64)| json!({ "area": name, "entries": count, "bytes": bytes });
        let areas: Vec<_> = self.areas.iter().map(area).collect();
        json!({ "header": self.header, "file_bytes": self.file_bytes, "verified": is_verified, "areas": areas })
    }

    fn table(&self, verified: &str) -> String {
        let header = &self.header;
        let facts = [
            ("Format", header.format.to_string()),
            ("Created", header.created.clone()),
            ("Server version", header.server_version.clone()),
            ("Revision", header.revision.to_string()),
            ("Entries", header.entry_count.to_string()),
            ("File size", format!("{} bytes", self.file_bytes)),
            ("Digest", format!("sha256:{}", header.sha256)),
            ("Keys verified", verified.to_owned()),
        ];
        let facts: Vec<_> = facts.into_iter().map(|(name, value)| vec![name.to_owned(), value]).collect();
        let areas = self.areas.iter().map(|(name, count, bytes)| vec![name.clone(), count.to_string(), bytes.to_string()]);
        let areas = table::columns(&["Area", "Entries", "Bytes"], &areas.collect::<Vec<_>>());
        format!("{}\n{areas}", table::columns(&["Key", "Value"], &facts))
    }
}
