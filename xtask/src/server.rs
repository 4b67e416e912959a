//! A server process for a rig: its configuration, start, initialisation, unsealing, kill and stop. It listens on free
//! ports, keeps everything in one folder and never outlives its value.

use std::fs::{self, File, OpenOptions};
use std::net::TcpListener;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use crate::api::Api;
use crate::certificate::Files;
use crate::run;

const START_LIMIT: Duration = Duration::from_secs(60);
const STOP_LIMIT: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(5);
pub const DEV_ROOT: &str = "root";

/// How a server is to run. All paths are below `dir`.
#[derive(Debug, Clone)]
pub struct Plan {
    pub bin: PathBuf,
    pub dir: PathBuf,
    pub port: u16,
    /// Of the listener of a dev server that serves key operations without a token.
    pub open_port: u16,
    pub tls: bool,
    /// Serve `sys/rekey/` without a token.
    pub open_rekey: bool,
    pub log_level: &'static str,
    /// Allow core files, so that a rig can see that none is written.
    pub allow_core: bool,
}

impl Plan {
    pub fn new(bin: &Path, dir: &Path) -> Result<Self> {
        fs::create_dir_all(dir)?;
        Ok(Self {
            bin: bin.into(),
            dir: dir.into(),
            port: free_port()?,
            open_port: free_port()?,
            tls: false,
            open_rekey: false,
            log_level: "info",
            allow_core: false,
        })
    }

    pub fn is_reference(&self) -> bool {
        self.bin.file_name().is_some_and(|n| n.to_string_lossy().contains("bao"))
    }

    pub fn addr(&self) -> String {
        format!("{}://127.0.0.1:{}", if self.tls { "https" } else { "http" }, self.port)
    }

    pub fn open_addr(&self) -> String {
        format!("http://127.0.0.1:{}", self.open_port)
    }

    /// A second listener for a dev server.
    fn write_open_listener(&self) -> Result<PathBuf> {
        let text = format!(
            "listener \"tcp\" {{\n  address = \"127.0.0.1:{}\"\n  tls_disable = true\n  \
             disable_unauthed_rekey_endpoints = false\n  disable_unauthed_generate_root_endpoints = false\n}}\n",
            self.open_port
        );
        let path = self.dir.join("open.hcl");
        fs::write(&path, text)?;
        Ok(path)
    }

    pub fn log(&self) -> PathBuf {
        self.dir.join("server.log")
    }

    pub fn data(&self) -> PathBuf {
        self.dir.join("data")
    }

    pub fn audit_dir(&self) -> PathBuf {
        self.dir.join("audit")
    }

    pub fn audit_file(&self) -> PathBuf {
        self.audit_dir().join("audit.log")
    }

    /// Writes the configuration (durable store, file audit) and makes the folders that it names.
    pub fn write_config(&self) -> Result<PathBuf> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(self.data())?;
        fs::create_dir_all(self.audit_dir())?;
        let (store, node) = if self.is_reference() { ("raft", "  node_id = \"one\"\n") } else { ("embedded", "") };
        let tls = if self.tls {
            let files = Files::below(&self.dir);
            files.write()?;
            format!("  tls_cert_file = {:?}\n  tls_key_file = {:?}\n", files.cert, files.key)
        } else {
            "  tls_disable = true\n".to_owned()
        };
        let rekey = if self.open_rekey { "  disable_unauthed_rekey_endpoints = false\n" } else { "" };
        let cluster =
            if self.is_reference() { format!("cluster_addr = \"https://127.0.0.1:{}\"\n", free_port()?) } else { String::new() };
        let text = format!(
            "api_addr = {:?}\n{cluster}log_level = {:?}\nlistener \"tcp\" {{\n  address = \"127.0.0.1:{}\"\n{tls}{rekey}}}\n\
             storage \"{store}\" {{\n  path = {:?}\n{node}}}\n\
             audit \"file\" \"file\" {{\n  options = {{\n    file_path = {:?}\n  }}\n}}\n",
            self.addr(),
            self.log_level,
            self.port,
            self.data(),
            self.audit_file(),
        );
        let path = self.dir.join("server.hcl");
        fs::write(&path, text)?;
        Ok(path)
    }
}

/// A port that nobody listens on at the moment.
pub fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// What `sys/init` gave out.
#[derive(Debug, Clone)]
pub struct Keys {
    pub unseal: String,
    pub root: String,
}

/// A running server; killed on drop.
pub struct Server {
    child: Child,
    pub addr: String,
    log: PathBuf,
}

impl Server {
    /// Starts from a configuration file and waits until it answers. Errors: it ended, or did not answer in a minute.
    pub fn start(plan: &Plan) -> Result<Self> {
        Self::start_with(plan, &[])
    }

    /// As `start`, with further flags.
    pub fn start_with(plan: &Plan, more: &[&str]) -> Result<Self> {
        let config = format!("-config={}", plan.write_config()?.display());
        let flags = std::iter::once(config).chain(more.iter().map(|flag| (*flag).to_owned()));
        Self::spawn(plan, &flags.collect::<Vec<_>>())?.ready()
    }

    /// Starts in memory with the root token `root`, unsealed.
    pub fn start_dev(plan: &Plan) -> Result<Self> {
        Self::start_dev_with(plan, Vec::new())
    }

    /// As `start_dev`, with further flags.
    pub fn start_dev_with(plan: &Plan, more: Vec<String>) -> Result<Self> {
        let mut flags = vec![
            "-dev".to_owned(),
            format!("-dev-root-token-id={DEV_ROOT}"),
            format!("-dev-listen-address=127.0.0.1:{}", plan.port),
            format!("-config={}", plan.write_open_listener()?.display()),
        ];
        flags.extend(more);
        if plan.tls {
            flags.push("-dev-tls".to_owned());
        }
        let server = Self::spawn(plan, &flags)?.ready()?;
        server.wait_serving(DEV_ROOT)?;
        Ok(server)
    }

    fn spawn(plan: &Plan, flags: &[String]) -> Result<Self> {
        let log = OpenOptions::new().create(true).append(true).open(plan.log())?;
        let mut command = if plan.allow_core {
            let mut shell = Command::new("sh");
            shell.args(["-c", "ulimit -c unlimited; exec \"$0\" \"$@\""]).arg(&plan.bin);
            shell
        } else {
            Command::new(&plan.bin)
        };
        let child = command
            .arg("server")
            .args(flags)
            .current_dir(&plan.dir)
            .env("HOME", &plan.dir) // the dev server leaves its token there
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .with_context(|| plan.bin.display().to_string())?;
        Ok(Self { child, addr: plan.addr(), log: plan.log() })
    }

    fn ready(mut self) -> Result<Self> {
        let (api, end) = (self.api(""), Instant::now() + START_LIMIT);
        loop {
            if let Some(status) = self.child.try_wait()? {
                bail!("the server ended at once ({status}):\n{}", self.last_words());
            }
            if api.call("GET", "sys/seal-status", None).is_ok_and(|a| a.ok()) {
                return Ok(self);
            }
            if Instant::now() > end {
                bail!("the server did not answer within {START_LIMIT:?}:\n{}", self.last_words());
            }
            sleep(POLL);
        }
    }

    fn last_words(&self) -> String {
        let text = fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<_> = text.lines().rev().take(15).collect();
        lines.into_iter().rev().collect::<Vec<_>>().join("\n")
    }

    /// The key that a dev server prints.
    pub fn unseal_key(&self) -> Result<String> {
        let text = fs::read_to_string(&self.log)?;
        let line = text.lines().find_map(|line| line.strip_prefix("Unseal Key: "));
        line.map(|key| key.trim().to_owned()).context("the dev server printed no unseal key")
    }

    pub fn api(&self, token: &str) -> Api {
        Api::new(&self.addr, token)
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Initialises with one key share and unseals.
    pub fn init(&self) -> Result<Keys> {
        let made = self.api("").must("PUT", "sys/init", Some(&json!({"secret_shares": 1, "secret_threshold": 1})))?;
        let text = |v: &Value| v.as_str().map(str::to_owned).context("sys/init answered without keys");
        let keys = Keys { unseal: text(&made["keys_base64"][0])?, root: text(&made["root_token"])? };
        self.unseal(&keys)?;
        Ok(keys)
    }

    /// Unseals and waits until the root token is served.
    pub fn unseal(&self, keys: &Keys) -> Result<()> {
        self.api("").must("PUT", "sys/unseal", Some(&json!({"key": keys.unseal})))?;
        self.wait_serving(&keys.root)
    }

    fn wait_serving(&self, root: &str) -> Result<()> {
        let (api, end) = (self.api(root), Instant::now() + START_LIMIT);
        loop {
            let answer = api.call("GET", "auth/token/lookup-self", None)?;
            if answer.ok() {
                return Ok(());
            }
            if Instant::now() > end {
                bail!("unsealed, but the root token is answered {} {}", answer.status, answer.text());
            }
            sleep(POLL);
        }
    }

    /// kill -9, and waits for the end.
    pub fn kill(&mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Sends a signal by name, such as `ABRT`.
    pub fn signal(&self, name: &str) -> Result<()> {
        run::text(Command::new("sh").args(["-c", "kill -s \"$0\" \"$1\"", name, &self.pid().to_string()])).map(drop)
    }

    /// Signals again and again until the process ends: Rust's runtime swallows the first SIGSEGV that is not a fault.
    /// Errors: it takes longer than half a minute.
    pub fn signal_until_end(&mut self, name: &str) -> Result<()> {
        let end = Instant::now() + STOP_LIMIT;
        while self.child.try_wait()?.is_none() {
            self.signal(name)?;
            if Instant::now() > end {
                bail!("SIG{name} does not end the server");
            }
            sleep(POLL);
        }
        Ok(())
    }

    /// SIGTERM: an orderly stop. Errors: it takes longer than half a minute.
    pub fn stop(&mut self) -> Result<()> {
        self.signal("TERM")?;
        let end = Instant::now() + STOP_LIMIT;
        while self.child.try_wait()?.is_none() {
            if Instant::now() > end {
                bail!("the server did not stop within {STOP_LIMIT:?}");
            }
            sleep(POLL);
        }
        Ok(())
    }

    /// Keeps running in the foreground until the process ends by itself or by Ctrl-C.
    pub fn stay(&mut self) -> Result<()> {
        self.child.wait().map(drop).context("waiting for the server")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// All plain files below a folder.
pub fn files_below(dir: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).with_context(|| dir.display().to_string())? {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(files_below(&path)?);
        } else if File::open(&path).is_ok() {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}
