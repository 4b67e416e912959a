//! `cargo xtask package`: the Debian package, out of a staged tree, without a network. `cargo xtask package-check` installs
//! it into an empty root, starts what the unit starts, looks whether dashboard and alerts name figures that exist, removes and
//! purges it again.

mod check;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::args::Args;
use crate::{Tally, build, place, run};

pub use check::check;

/// From `packaging/` to the root of the system, with the mode.
const FILES: &[(&str, &str, u32)] = &[
    ("strongroom.service", "usr/lib/systemd/system/strongroom.service", 0o644),
    ("sysusers.conf", "usr/lib/sysusers.d/strongroom.conf", 0o644),
    ("server.hcl", "etc/strongroom/server.hcl", 0o640),
    ("tls.conf", "usr/share/strongroom/tls.conf", 0o644),
    ("grafana.json", "usr/share/strongroom/grafana.json", 0o644),
    ("alerts.yaml", "usr/share/strongroom/alerts.yaml", 0o644),
];
const SCRIPTS: &[&str] = &["postinst", "prerm", "postrm"];
/// Of the documents that every package brings.
const DOCUMENTS: &[&str] = &["LICENSE", "NOTICE", "CHANGELOG.md", "README.md"];

pub fn run(args: &Args) -> Result<Tally> {
    let bin = build::chosen(args, "release")?;
    let out = args.path("out")?.unwrap_or_else(|| place::target().join("package"));
    args.finish()?;
    println!("{}", make(&bin, &out)?.display());
    Ok(Tally::default())
}

/// Makes the package and answers its file.
fn make(bin: &Path, out: &Path) -> Result<PathBuf> {
    let version = version(bin)?;
    let architecture = run::text(Command::new("dpkg").arg("--print-architecture"))?.trim().to_owned();
    let stage = place::work_dir("package")?;
    let root = stage.path().join("root");
    fs::create_dir_all(&root)?;
    fs::set_permissions(&root, fs::Permissions::from_mode(0o755))?;
    put(bin, &root.join("usr/bin/strongroom"), 0o755)?;
    for (from, to, mode) in FILES {
        put(&packaging(from), &root.join(to), *mode)?;
    }
    for name in DOCUMENTS {
        put(&place::root().join(name), &root.join("usr/share/doc/strongroom").join(name), 0o644)?;
    }
    for name in SCRIPTS {
        put(&packaging("deb").join(name), &root.join("DEBIAN").join(name), 0o755)?;
    }
    fs::write(root.join("DEBIAN/conffiles"), "/etc/strongroom/server.hcl\n")?;
    fs::write(root.join("DEBIAN/control"), control(&version, &architecture, size_kib(&root)?))?;
    fs::create_dir_all(out)?;
    let file = out.join(format!("strongroom_{version}_{architecture}.deb"));
    let mut command = Command::new("dpkg-deb");
    command.args(["--root-owner-group", "-Zxz", "--build"]).arg(&root).arg(&file).env("SOURCE_DATE_EPOCH", epoch());
    run::text(&mut command)?;
    Ok(file)
}

fn packaging(name: &str) -> PathBuf {
    place::root().join("packaging").join(name)
}

/// Whatever the umask is: folders that everybody may enter, files of this mode.
fn put(from: &Path, to: &Path, mode: u32) -> Result<()> {
    let folder = to.parent().context("a file without a folder")?;
    fs::create_dir_all(folder)?;
    for above in folder.ancestors().take_while(|f| f.file_name().is_some_and(|name| name != "root")) {
        fs::set_permissions(above, fs::Permissions::from_mode(0o755))?;
    }
    fs::copy(from, to).with_context(|| from.display().to_string())?;
    fs::set_permissions(to, fs::Permissions::from_mode(mode))?;
    Ok(())
}

/// `Strongroom v0.1.0 ...` gives `0.1.0`.
fn version(bin: &Path) -> Result<String> {
    let said = run::text(Command::new(bin).arg("version"))?;
    let word = said.split_whitespace().map(|w| w.trim_start_matches('v')).find(|w| w.starts_with(|c: char| c.is_ascii_digit()));
    word.map(|w| w.trim_end_matches([',', ')']).to_owned()).with_context(|| format!("no version in `{said}`"))
}

/// Of the newest commit, so that the same source makes the same package.
fn epoch() -> String {
    let of_commit = run::text(Command::new("git").current_dir(place::root()).args(["log", "-1", "--format=%ct"]));
    of_commit.map_or_else(|_| "0".to_owned(), |text| text.trim().to_owned())
}

fn size_kib(root: &Path) -> Result<u64> {
    let files = crate::server::files_below(root)?;
    let bytes: u64 = files.iter().filter_map(|f| fs::metadata(f).ok()).map(|m| m.len()).sum();
    Ok(bytes.div_ceil(1024))
}

fn control(version: &str, architecture: &str, size_kib: u64) -> String {
    format!(
        "Package: strongroom\nVersion: {version}\nArchitecture: {architecture}\nMaintainer: Strongroom maintainers <root@localhost>\n\
         Installed-Size: {size_kib}\nDepends: libc6 (>= 2.34), systemd | systemd-standalone-sysusers\nSection: admin\n\
         Priority: optional\nDescription: secrets manager that speaks the API of Vault and OpenBao\n \
         A server that keeps secrets, issues tokens and leases, and records every request in an\n \
         audit log whose completeness can be proven; and the command line for it.\n"
    )
}
