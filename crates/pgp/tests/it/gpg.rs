//! GnuPG with a folder of its own, and an agent that ends with it.

use std::io::Write as _;
use std::process::{Command, Stdio};

pub struct Gpg(tempfile::TempDir);

impl Gpg {
    pub fn new() -> Self {
        // Short: the agent's socket has to fit into its folder's path.
        let folder = tempfile::Builder::new().prefix("gpg").tempdir().unwrap();
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o700)).unwrap();
        Self(folder)
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new("gpg");
        command.env("GNUPGHOME", self.0.path());
        command.args(["--batch", "--quiet", "--no-tty", "--pinentry-mode", "loopback", "--passphrase", ""]).args(args);
        command
    }

    fn run(&self, args: &[&str], input: &[u8]) -> Option<Vec<u8>> {
        let mut command = self.command(args);
        let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let mut child = child.expect("GnuPG is needed: install the package `gnupg`");
        child.stdin.take().unwrap().write_all(input).unwrap();
        let output = child.wait_with_output().unwrap();
        output.status.success().then_some(output.stdout)
    }

    fn must(&self, args: &[&str]) -> Vec<u8> {
        self.run(args, b"").unwrap_or_else(|| panic!("gpg {args:?}"))
    }

    /// `subkey` is an algorithm, `default` for the same as the primary, or `none`.
    pub fn make(&self, name: &str, algorithm: &str, subkey: &str) {
        self.must(&["--quick-generate-key", name, algorithm, "cert,sign", "never"]);
        match subkey {
            "none" => {}
            "default" => self.add_subkey(name, algorithm, "encr", "never"),
            other => self.add_subkey(name, other, "encr", "never"),
        }
    }

    pub fn add_subkey(&self, name: &str, algorithm: &str, usage: &str, end: &str) {
        self.must(&["--quick-add-key", &self.fingerprint(name).to_uppercase(), algorithm, usage, end]);
    }

    pub fn fingerprint(&self, name: &str) -> String {
        let listed = String::from_utf8(self.must(&["--with-colons", "--list-keys", name])).unwrap();
        let line = listed.lines().find(|line| line.starts_with("fpr:")).unwrap();
        line.split(':').nth(9).unwrap().to_lowercase()
    }

    pub fn export(&self, name: &str) -> Vec<u8> {
        self.must(&["--export", name])
    }

    pub fn export_private(&self, name: &str) -> Vec<u8> {
        self.must(&["--export-secret-keys", name])
    }

    /// By the certificate that GnuPG keeps for every key; its armour has a colon in front, against accidents.
    pub fn revoke(&self, name: &str) {
        let file = self.0.path().join(format!("openpgp-revocs.d/{}.rev", self.fingerprint(name).to_uppercase()));
        let text = std::fs::read_to_string(file).unwrap().replace(":-----BEGIN", "-----BEGIN");
        self.run(&["--import"], text.as_bytes()).unwrap();
    }

    pub fn try_decrypt(&self, message: &[u8]) -> Option<Vec<u8>> {
        self.run(&["--decrypt"], message)
    }

    pub fn decrypt(&self, message: &[u8]) -> Vec<u8> {
        self.try_decrypt(message).expect("gpg --decrypt")
    }
}

impl Drop for Gpg {
    fn drop(&mut self) {
        let _ = Command::new("gpgconf").env("GNUPGHOME", self.0.path()).args(["--kill", "gpg-agent"]).status();
    }
}
