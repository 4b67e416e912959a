//! `cargo xtask transcripts`: runs what the documents tell a reader to type. Every ```sh block of README.md and docs/
//! (decisions aside) is run, in order, in one shell per document, in an empty folder, with `strongroom` on the PATH and
//! a dev server (root token `root`) in the place of 127.0.0.1:8200. Each command must succeed. A ```text block right
//! behind a ```sh block is its expected output; `...` stands for any text, on a line of its own for any lines.
//! A block that cannot be run here is marked ```sh no-run.

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result};

use crate::args::Args;
use crate::server::{DEV_ROOT, Plan, Server, files_below, free_port};
use crate::{Tally, build, needs, place};

const MARK: &str = "@@block";
/// What the documents call the server.
const USUAL_ADDR: &str = "127.0.0.1:8200";
/// Where a document's own second server listens.
const SECOND_ADDR: &str = "127.0.0.1:8210";

/// A shell block with the line where it starts.
#[derive(Debug, PartialEq, Eq)]
struct Block {
    line: usize,
    shell: String,
    output: Option<String>,
}

pub fn run(args: &Args) -> Result<Tally> {
    let bin = build::chosen(args, "ci")?;
    args.finish()?;
    needs::programs(&[("curl", "curl")])?;
    let mut tally = Tally::default();
    for document in documents(args.words())? {
        let blocks = blocks(&fs::read_to_string(&document).with_context(|| document.display().to_string())?);
        if !blocks.is_empty() {
            tally.add(run_document(&document, &blocks, &bin)?);
        }
    }
    Ok(tally)
}

fn documents(named: &[String]) -> Result<Vec<PathBuf>> {
    if !named.is_empty() {
        return named.iter().map(|n| std::path::absolute(n).context("document")).collect();
    }
    let mut all = vec![place::root().join("README.md")];
    all.retain(|p| p.exists());
    let docs = place::root().join("docs");
    if docs.exists() {
        let pages = files_below(&docs)?;
        all.extend(pages.into_iter().filter(|p| p.extension().is_some_and(|e| e == "md")));
    }
    all.retain(|p| !p.starts_with(docs.join("decisions")));
    Ok(all)
}

fn blocks(text: &str) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut lines = text.lines().enumerate();
    let mut close = false; // whether the last thing seen was a shell block
    while let Some((number, line)) = lines.next() {
        let Some(kind) = line.trim_start().strip_prefix("```") else {
            close &= line.trim().is_empty();
            continue;
        };
        let body: String = lines.by_ref().map(|(_, l)| l).take_while(|l| l.trim() != "```").map(|l| format!("{l}\n")).collect();
        match (kind.trim(), blocks.last_mut()) {
            ("sh", _) => blocks.push(Block { line: number + 1, shell: body, output: None }),
            ("text", Some(last)) if close => last.output = Some(body),
            _ => {}
        }
        close = kind.trim() == "sh";
    }
    blocks
}

fn run_document(document: &Path, blocks: &[Block], bin: &Path) -> Result<Tally> {
    let dir = place::work_dir("transcript")?;
    let server = Server::start_dev(&Plan::new(bin, &dir.path().join("server"))?)?;
    let (home, second) = (dir.path().join("home"), format!("127.0.0.1:{}", free_port()?));
    fs::create_dir_all(&home)?;
    let mut script = String::new();
    for (i, block) in blocks.iter().enumerate() {
        let shell = block.shell.replace(USUAL_ADDR, server.addr.trim_start_matches("http://")).replace(SECOND_ADDR, &second);
        script.push_str(&format!("echo '{MARK} {i}'\n{shell}\n"));
    }
    script.push_str(&format!("echo '{MARK} end'\n"));
    let printed = bash(&script, &home, bin)?;
    let name = document.strip_prefix(place::root()).unwrap_or(document).display().to_string();
    Ok(judge(&name, blocks, &printed))
}

/// Runs the script in a process group of its own, ends what it left running, and returns all that it printed.
fn bash(script: &str, home: &Path, bin: &Path) -> Result<String> {
    fs::write(home.join("../script.sh"), script)?;
    let printed = fs::File::create(home.join("../printed.txt"))?;
    let path = std::env::var("PATH").unwrap_or_default();
    let folder = bin.parent().unwrap_or(bin);
    let mut child = Command::new("bash")
        .args(["-eu", "-o", "pipefail", "../script.sh"])
        .current_dir(home)
        .env("HOME", home)
        .env("PATH", format!("{}:{path}", folder.display()))
        .env("VAULT_TOKEN", DEV_ROOT)
        .env_remove("VAULT_ADDR")
        .stdin(Stdio::null())
        .stdout(printed.try_clone()?)
        .stderr(printed)
        .process_group(0)
        .spawn()?;
    let group = child.id();
    child.wait()?;
    let _ = Command::new("bash").args(["-c", "kill -9 -- -$0 2>/dev/null", &group.to_string()]).status();
    Ok(String::from_utf8_lossy(&fs::read(home.join("../printed.txt"))?).into_owned())
}

fn judge(name: &str, blocks: &[Block], printed: &str) -> Tally {
    let mut tally = Tally::default();
    for (i, block) in blocks.iter().enumerate() {
        let begin = format!("{MARK} {i}\n");
        let Some(at) = printed.find(&begin) else {
            tally.check(false, || format!("{name}:{}: not reached", block.line));
            continue;
        };
        let rest = &printed[at + begin.len()..];
        let Some(end) = rest.find(MARK) else {
            tally.check(false, || format!("{name}:{}: a command failed; it printed:\n{rest}", block.line));
            continue;
        };
        let fits = block.output.as_deref().is_none_or(|want| matches(want.trim_end(), rest[..end].trim_end()));
        tally.check(fits, || format!("{name}:{}: another output than the document's:\n{}", block.line, &rest[..end]));
    }
    tally
}

/// Whether a text is as expected; `...` in the expectation stands for any text.
fn matches(want: &str, got: &str) -> bool {
    let Some((head, after)) = want.split_once("...") else { return want == got };
    let (middle, tail) = after.rsplit_once("...").unwrap_or(("", after));
    let Some(mut rest) = got.strip_prefix(head).and_then(|rest| rest.strip_suffix(tail)) else { return false };
    for part in middle.split("...") {
        match rest.split_once(part) {
            Some((_, behind)) => rest = behind,
            None => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_sh_blocks_run_and_text_behind_them_is_their_output() {
        let text = "a\n```sh\necho 1\n```\n\n```text\n1\n```\n```sh no-run\nx\n```\n```text\nnot ours\n```\n";
        assert_eq!(blocks(text), [Block { line: 2, shell: "echo 1\n".into(), output: Some("1\n".into()) }]);
    }

    #[test]
    fn dots_stand_for_any_text() {
        for (want, got, fits) in [
            ("a ... c", "a b c", true),
            ("a ... c", "a b d", false),
            ("a\n...\nb", "a\nx\ny\nb", true),
            ("a...", "abc", true),
            ("a", "ab", false),
            ("a ... c", "a b c c", true),
            ("a ... c", "a b c d", false),
        ] {
            assert_eq!(matches(want, got), fits, "{want:?} {got:?}");
        }
    }
}
