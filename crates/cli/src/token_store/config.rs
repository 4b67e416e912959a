//! The configuration file of command lines of this API: one setting, `token_helper`. Must never run a program that is named by
//! less than its whole path: another one of that name may be found first.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use strongroom_hcl::Value;

use super::below_home;
use crate::environment::Files;
use crate::output::Failure;

/// Ours wins, then the two that scripts already have.
const NAMES: [&str; 3] = [".strongroom", ".bao", ".vault"];

/// Errors: a file that was named and isn't there, and one that can't be understood.
pub(super) fn token_helper(files: &Files) -> Result<Option<PathBuf>, Failure> {
    let home = files.home.as_deref();
    if let Some(path) = &files.config {
        let path = below_home(path, home);
        return read(&path, home)?.ok_or_else(|| bad(&path, "there is no such file"));
    }
    let below = home.into_iter().flat_map(|home| NAMES.map(|name| home.join(name)));
    for path in below.filter(|path| path.is_file()) {
        if let Some(found) = read(&path, home)? {
            return Ok(found);
        }
    }
    Ok(None)
}

/// None: no such file. Some(None): it names no helper.
fn read(path: &Path, home: Option<&Path>) -> Result<Option<Option<PathBuf>>, Failure> {
    match std::fs::read_to_string(path) {
        Ok(text) => parse(&text, home).map(Some).map_err(|why| bad(path, &why)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(bad(path, &error.to_string())),
    }
}

fn parse(text: &str, home: Option<&Path>) -> Result<Option<PathBuf>, String> {
    let body = strongroom_hcl::parse(text).map_err(|error| error.to_string())?;
    if body.items.iter().any(|item| item.keys != ["token_helper"]) {
        return Err("only token_helper is known here".to_owned());
    }
    let helper = match body.attribute("token_helper").map_err(|error| error.to_string())? {
        None => None,
        Some(Value::String(path)) => Some(path).filter(|path| !path.is_empty()).map(|path| below_home(Path::new(path), home)),
        Some(_) => return Err("token_helper must be a text".to_owned()),
    };
    match helper {
        Some(path) if !path.is_absolute() => Err("token_helper must be a whole path".to_owned()),
        helper => Ok(helper),
    }
}

fn bad(path: &Path, why: &str) -> Failure {
    Failure::local(format!("Error reading {}: {why}", path.display()))
}
