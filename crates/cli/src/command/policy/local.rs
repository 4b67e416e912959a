//! `policy fmt` and `policy lint`: work on files and ask no server. A file must never be left half written.

use std::io::Read;

use clap::Args;

use crate::EXIT_LOCAL;
use crate::input as given;
use crate::output::{Failure, Printed};
use crate::policy_text;

#[derive(Args)]
pub struct Fmt {
    /// File to lay out anew, or - to read it from standard input and print it
    file: String,
    /// Change nothing; exit with 1 if the file would change
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", hide_possible_values = true)]
    check: Option<bool>,
}

#[derive(Args)]
pub struct Lint {
    /// Files to look over, or - for standard input
    #[arg(required = true)]
    files: Vec<String>,
}

impl Fmt {
    pub(super) fn execute(self, input: &mut dyn Read) -> Result<Printed, Failure> {
        let text = given::text(&self.file, input)?;
        let refused = |why| Failure::local(format!("failed to parse policy: {why}"));
        let formatted = policy_text::format(&text).map_err(refused)?;
        if crate::arguments::is_set(self.check) {
            return if *text == formatted {
                Ok(Printed::line(format!("Success! {} needs no change", self.file)))
            } else {
                Err(Failure::local(format!("{} is not in the usual layout", self.file)))
            };
        }
        if self.file == "-" {
            return Ok(Printed::text(formatted));
        }
        if *text != formatted {
            replace(std::path::Path::new(&self.file), &formatted)
                .map_err(|error| Failure::local(format!("Error writing {}: {error}", self.file)))?;
        }
        Ok(Printed::line(format!("Success! Formatted policy: {}", self.file)))
    }
}

/// The new file takes the old one's place and mode at once.
fn replace(path: &std::path::Path, text: &str) -> std::io::Result<()> {
    let path = path.canonicalize()?;
    let draft = path.with_extension(format!("{}.draft", std::process::id()));
    let written = std::fs::write(&draft, text)
        .and_then(|()| std::fs::set_permissions(&draft, std::fs::metadata(&path)?.permissions()))
        .and_then(|()| std::fs::rename(&draft, &path));
    if written.is_err() {
        // The first error is the one to tell; the draft may not exist.
        let _ = std::fs::remove_file(&draft);
    }
    written
}

impl Lint {
    pub(super) fn execute(self, input: &mut dyn Read) -> Result<Printed, Failure> {
        let mut lines = String::new();
        for file in &self.files {
            let text = given::text(file, input)?;
            let file = if file == "-" { "standard input" } else { file };
            match policy_text::lint(&text) {
                Ok(found) => lines.extend(found.into_iter().map(|what| format!("{file}: {what}\n"))),
                Err(why) => lines.push_str(&format!("{file}: error: {why}\n")),
            }
        }
        if lines.is_empty() {
            return Ok(Printed::line("Nothing found"));
        }
        Ok(Printed::text(lines).with_code(EXIT_LOCAL))
    }
}
