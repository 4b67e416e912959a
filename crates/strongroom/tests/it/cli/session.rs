//! Runs the commands of one file. A line that begins with `$ ` is a command; what follows is what it printed.
//!
//! `KEY=VALUE` before the command sets its token (`TOKEN`) or its name (`AS`); `< text`, at the end, is its standard input; `> NAME` keeps its
//! output instead of showing it, and `${NAME}` or `${NAME/json/pointer}` stand for it later. `${DIR}` is a folder of the session's
//! own. A file that begins with `# new server` has one that nobody has initialised, at a listener that opens key ceremonies.

use std::collections::BTreeMap;

use clap::{Parser as _, Subcommand};
use strongroom_cli::{Aside, AuditCommand, ClientCommand, Environment, Files, OperatorCommand, Streams, normalize, run_with};
use strongroom_core::Server;
use strongroom_core::wire::Opens;
use strongroom_http::{Address, Config, Limits, Listener};
use strongroom_testkit::{Options, TestServer};

use super::filter::filtered;

/// The client's commands, as the binary puts them together.
#[derive(clap::Parser)]
#[command(name = "strongroom")]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    #[command(subcommand)]
    Operator(OperatorCommand),
    #[command(subcommand)]
    Audit(AuditCommand),
    #[command(flatten)]
    Client(ClientCommand),
}

pub struct Session {
    address: String,
    dir: tempfile::TempDir,
    kept: BTreeMap<String, String>,
}

/// What a command line asks for.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Line {
    pub words: Vec<String>,
    token: Option<String>,
    program: Option<String>,
    input: String,
    keeps: Option<String>,
}

impl Session {
    pub async fn start(text: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let (server, opens) = if text.starts_with("# new server") {
            (TestServer::make(Options::default()).0, Opens { rekey: true, generate_root: true, ..Opens::default() })
        } else {
            let options = Options { audit_api_folder: Some(dir.path().to_owned()), ..Options::default() };
            (TestServer::start(options).await.server, Opens::default())
        };
        let address = serve(server, opens).await;
        Self { address, dir, kept: BTreeMap::new() }
    }

    /// The text with what the commands print now.
    pub async fn run(mut self, text: &str) -> String {
        let mut printed = String::new();
        // Comments stay where they are: before the command that follows them.
        for line in text.lines().filter(|line| line.starts_with("$ ") || line.starts_with("# ") || line.is_empty()) {
            printed.push_str(line);
            printed.push('\n');
            if let Some(command) = line.strip_prefix("$ ") {
                printed.push_str(&self.command(command).await);
            }
        }
        // An empty line of the output is one of the file too: they were kept once as such and come back from the command.
        squeeze(&printed)
    }

    async fn command(&mut self, line: &str) -> String {
        let line = Line::parse(&self.filled(line));
        let (code, out, err) = self.execute(&line).await;
        if let Some(name) = &line.keeps {
            self.kept.insert(name.clone(), out.trim_end().to_owned());
            assert_eq!(code, 0, "{name}: {err}");
            return String::new();
        }
        let mut shown = marked(&out);
        if !err.is_empty() {
            shown += &format!("--- stderr\n{}", marked(&err));
        }
        if code != 0 {
            shown += &format!("--- exit code {code}\n");
        }
        let mut secrets: Vec<_> = self.kept.iter().map(|(name, value)| (value.clone(), format!("${{{name}}}"))).collect();
        secrets.push((self.address.clone(), "http://ADDRESS".to_owned()));
        secrets.push((self.dir.path().display().to_string(), "${DIR}".to_owned()));
        filtered(&shown, &secrets)
    }

    async fn execute(&self, line: &Line) -> (u8, String, String) {
        let args = normalize(std::iter::once("strongroom".to_owned()).chain(line.words.clone()).map(Into::into));
        let cli = match Cli::try_parse_from(args) {
            Ok(cli) => cli,
            Err(error) => return (1, String::new(), error.to_string()),
        };
        let token = line.token.clone().unwrap_or_else(|| self.kept.get("ROOT").cloned().unwrap_or_else(|| "root".to_owned()));
        let environment = Environment {
            address: Some(self.address.clone()),
            token: (!token.is_empty()).then(|| token.as_str().into()),
            files: Files { home: Some(self.dir.path().to_owned()), ..Files::default() },
            aside: Aside::new(line.program.as_deref().unwrap_or("strongroom"), line.program.is_some()),
            ..Environment::default()
        };
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let streams = Streams { input: &mut line.input.as_bytes(), out: &mut out, err: &mut err };
        let code = run_with(cli.command.into(), &environment, streams).await;
        (code, String::from_utf8(out).unwrap(), String::from_utf8(err).unwrap())
    }

    /// With the values of what was kept.
    fn filled(&self, line: &str) -> String {
        let mut text = line.replace("${DIR}", &self.dir.path().display().to_string());
        while let Some((before, rest)) = text.split_once("${") {
            let (name, after) = rest.split_once('}').unwrap();
            text = format!("{before}{}{after}", self.value(name));
        }
        text
    }

    fn value(&self, name: &str) -> String {
        let Some((name, pointer)) = name.split_once('/') else { return self.kept[name].clone() };
        let json: serde_json::Value = serde_json::from_str(&self.kept[name]).unwrap();
        json.pointer(&format!("/{pointer}")).and_then(serde_json::Value::as_str).unwrap().to_owned()
    }
}

impl From<Command> for ClientCommand {
    fn from(command: Command) -> Self {
        match command {
            Command::Operator(command) => Self::Operator(command),
            Command::Audit(command) => Self::Audit(command),
            Command::Client(command) => command,
        }
    }
}

impl Line {
    /// Words with single quotes around what has spaces.
    pub fn parse(line: &str) -> Self {
        let (line, input) = line.split_once(" < ").unwrap_or((line, ""));
        let mut parsed = Self { input: input.replace("\\n", "\n"), ..Self::default() };
        let mut words = words(line).into_iter().peekable();
        while let Some((key, value)) = words.peek().and_then(|word| word.split_once('=')) {
            match key {
                "TOKEN" => parsed.token = Some(value.to_owned()),
                "AS" => parsed.program = Some(value.to_owned()),
                _ => break,
            }
            words.next();
        }
        while let Some(word) = words.next() {
            match word.as_str() {
                ">" => parsed.keeps = words.next(),
                _ => parsed.words.push(word),
            }
        }
        parsed
    }
}

fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut is_quoted, mut has_word) = (Vec::new(), String::new(), false, false);
    for letter in line.chars() {
        match letter {
            '\'' => (is_quoted, has_word) = (!is_quoted, true),
            ' ' if !is_quoted => {
                if std::mem::take(&mut has_word) {
                    words.push(std::mem::take(&mut word));
                }
            }
            _ => {
                word.push(letter);
                has_word = true;
            }
        }
    }
    if has_word {
        words.push(word);
    }
    words
}

/// Lines of output that look like one of ours get a mark, and the last line its end.
fn marked(text: &str) -> String {
    let lines = text.lines().map(|line| match line {
        "" => "|\n".to_owned(),
        _ if line.starts_with("$ ") || line.starts_with("# ") || line.starts_with('|') => format!("|{line}\n"),
        _ => format!("{line}\n"),
    });
    let marked: String = lines.collect();
    if text.is_empty() || text.ends_with('\n') { marked } else { format!("{}<no line feed>\n", marked.trim_end_matches('\n')) }
}

fn squeeze(text: &str) -> String {
    format!("{}\n", text.trim_end())
}

/// Serves as long as the test runs.
async fn serve(server: std::sync::Arc<Server>, opens: Opens) -> String {
    let listener = Listener { opens, ..Listener::plain(Address::Tcp(([127, 0, 0, 1], 0).into())) };
    let bound = strongroom_http::bind(Config { listeners: vec![listener], limits: Limits::default() }).await.unwrap();
    let Some(Address::Tcp(address)) = bound.addresses().into_iter().next() else { panic!("a TCP address") };
    tokio::spawn(bound.serve(server, std::future::pending()));
    format!("http://{address}")
}
