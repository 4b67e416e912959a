//! `cargo xtask transcripts`: runs what the documents tell a reader to type. Every ```sh block of README.md and docs/
//! (decisions aside) is run, in order, in one shell per document, with `strongroom` on the PATH. A page starts in an empty
//! folder, logged in at a dev server; the README in the repository, and only what stands between `<!-- tour:begin -->`
//! and `<!-- tour:end -->`. Each command must succeed. A ```text block right behind a ```sh block is its expected output;
//! `...` stands for any text. A block that cannot be run here is marked ```sh no-run. Fixed addresses and folders that
//! the documents name are replaced, so that nothing meets what the machine already runs.

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result};

use crate::args::Args;
use crate::server::{DEV_ROOT, Plan, Server, files_below, free_port};
use crate::{Tally, build, needs, place};

const MARK: &str = "@@block";
/// The address of the dev server in the documents, and those of servers that they start themselves.
const DEV_ADDR: &str = "127.0.0.1:8200";
const OWN_ADDRS: [&str; 2] = ["127.0.0.1:8210", "127.0.0.1:8271"];
/// The folder that the README works in.
const TOUR_DIR: &str = "/tmp/strongroom-tour";
const TOUR: [&str; 2] = ["<!-- tour:begin -->", "<!-- tour:end -->"];

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
    needs::programs(&[("curl", "curl"), ("openssl", "openssl"), ("gpg", "gnupg")])?;
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
    let mut on_tour = !text.contains(TOUR[0]);
    while let Some((number, line)) = lines.next() {
        let Some(kind) = line.trim_start().strip_prefix("```") else {
            close &= line.trim().is_empty();
            on_tour = (on_tour || line.trim() == TOUR[0]) && line.trim() != TOUR[1];
            continue;
        };
        let body: String = lines.by_ref().map(|(_, l)| l).take_while(|l| l.trim() != "```").map(|l| format!("{l}\n")).collect();
        match (kind.trim(), blocks.last_mut()) {
            ("sh", _) if on_tour => blocks.push(Block { line: number + 1, shell: body, output: None }),
            ("text", Some(last)) if close => last.output = Some(body),
            _ => {}
        }
        close = kind.trim() == "sh" && on_tour;
    }
    blocks
}

fn run_document(document: &Path, blocks: &[Block], bin: &Path) -> Result<Tally> {
    let dir = place::work_dir("transcript")?;
    let server = Server::start_dev(&Plan::new(bin, &dir.path().join("server"))?)?;
    let home = dir.path().join("home");
    fs::create_dir_all(&home)?;
    fs::write(home.join(".vault-token"), DEV_ROOT)?; // as `strongroom login` leaves it
    let mut replaced = vec![
        (DEV_ADDR, server.addr.trim_start_matches("http://").to_owned()),
        (TOUR_DIR, home.join("tour").display().to_string()),
    ];
    for addr in OWN_ADDRS {
        replaced.push((addr, format!("127.0.0.1:{}", free_port()?)));
    }
    let mut script = String::new();
    for (i, block) in blocks.iter().enumerate() {
        let shell = replaced.iter().fold(block.shell.clone(), |text, (from, to)| text.replace(from, to));
        script.push_str(&format!("echo '{MARK} {i}'\n{shell}\n"));
    }
    script.push_str(&format!("echo '{MARK} end'\n"));
    let name = document.strip_prefix(place::root()).unwrap_or(document).display().to_string();
    let begin = if name == "README.md" { place::root() } else { home.clone() };
    let printed = bash(&script, &home, &begin, &server.addr, bin)?;
    Ok(judge(&name, blocks, &printed))
}

/// Runs the script in a process group of its own, ends what it left running, and returns all that it printed.
fn bash(script: &str, home: &Path, begin: &Path, addr: &str, bin: &Path) -> Result<String> {
    let (file, printed) = (home.with_file_name("script.sh"), home.with_file_name("printed.txt"));
    fs::write(&file, script)?;
    let output = fs::File::create(&printed)?;
    let path = std::env::var("PATH").unwrap_or_default();
    let mut command = Command::new("bash");
    keep_toolchain(&mut command);
    let mut child = command
        .args(["-eu", "-o", "pipefail"])
        .arg(file)
        .current_dir(begin)
        .env("HOME", home)
        .env("PATH", format!("{}:{path}", bin.parent().unwrap_or(bin).display()))
        .env("STRONGROOM_ADDR", addr)
        .stdin(Stdio::null())
        .stdout(output.try_clone()?)
        .stderr(output)
        .process_group(0)
        .spawn()?;
    let group = child.id();
    child.wait()?;
    let _ = Command::new("bash").args(["-c", "kill -9 -- -$0 2>/dev/null", &group.to_string()]).status();
    Ok(String::from_utf8_lossy(&fs::read(printed)?).into_owned())
}

/// Rust's tools look for themselves below the home folder, which is another one in the script.
fn keep_toolchain(command: &mut Command) {
    let Some(home) = std::env::var_os("HOME").map(PathBuf::from) else { return };
    for (name, folder) in [("CARGO_HOME", ".cargo"), ("RUSTUP_HOME", ".rustup")] {
        if std::env::var_os(name).is_none() && home.join(folder).is_dir() {
            command.env(name, home.join(folder));
        }
    }
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
    fn of_a_document_with_a_tour_only_the_tour_runs() {
        let text = "```sh\nno\n```\n<!-- tour:begin -->\n```sh\nyes\n```\n<!-- tour:end -->\n```sh\nno\n```\n";
        assert_eq!(blocks(text), [Block { line: 5, shell: "yes\n".into(), output: None }]);
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
