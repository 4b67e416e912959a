//! Prints the seal's state, the barrier key's state and the outcome of initialisation. Must never leave out that a server is
//! sealed.

use serde_json::{Value, json};
use strongroom_client::api::{InitAnswer, InitRequest, KeyStatus, Leader, SealStatus};
use strongroom_types::SecretString;

use super::secret::print_field;
use super::{Failure, Format, Printed, table};

/// `leader` is None when the server did not tell.
pub(crate) fn status(status: &SealStatus, leader: Option<&Leader>, format: Format) -> Result<Printed, Failure> {
    if format == Format::Table {
        return Ok(Printed::text(table::pairs(&status_rows(status, leader))));
    }
    Printed::structured(&with_leader(status, leader), format)
}

/// One field by the name that it has in JSON.
pub(crate) fn status_field(status: &SealStatus, leader: Option<&Leader>, name: &str, format: Format) -> Result<Printed, Failure> {
    let shown = serde_json::to_value(with_leader(status, leader)).unwrap_or_default();
    let value = shown.get(name).filter(|value| !value.is_null()).cloned();
    let missing = || Failure::local(format!("Field {name:?} not present in seal status"));
    print_field(Some(value.ok_or_else(missing)?), name, format)
}

fn with_leader(status: &SealStatus, leader: Option<&Leader>) -> SealStatus {
    let mut shown = status.clone();
    if let Some(leader) = leader {
        shown.other.insert("ha_enabled".to_owned(), json!(leader.ha_enabled));
    }
    shown
}

fn status_rows(status: &SealStatus, leader: Option<&Leader>) -> Vec<(&'static str, String)> {
    let mut rows = vec![
        ("Seal Type", status.seal_type.clone()),
        ("Initialized", status.initialized.to_string()),
        ("Sealed", status.sealed.to_string()),
        ("Total Shares", status.shares.to_string()),
        ("Threshold", status.threshold.to_string()),
    ];
    if status.sealed {
        rows.push(("Unseal Progress", format!("{}/{}", status.progress, status.threshold)));
        rows.push(("Unseal Nonce", status.nonce.clone()));
    }
    rows.push(("Version", status.version.clone()));
    for (title, key) in [("Build Date", "build_date"), ("Commit Date", "commit_date")] {
        let text = status.other.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
        rows.extend(text.map(|text| (title, text.to_owned())));
    }
    rows.push(("Storage Type", status.storage_type.clone()));
    for (title, text) in [("Cluster Name", &status.cluster_name), ("Cluster ID", &status.cluster_id)] {
        rows.extend(text.as_ref().map(|text| (title, text.clone())));
    }
    rows.extend(leader.map(|leader| ("HA Enabled", leader.ha_enabled.to_string())));
    if let Some(leader) = leader.filter(|leader| leader.ha_enabled && !status.sealed) {
        rows.push(("HA Mode", if leader.is_self { "active" } else { "standby" }.to_owned()));
        rows.push(("Active Node Address", leader.leader_address.clone()));
    }
    rows
}

pub(crate) fn key_status(status: &KeyStatus, heading: &str, format: Format) -> Result<Printed, Failure> {
    if format != Format::Table {
        return Printed::structured(status, format);
    }
    let rows = [
        ("Key Term", status.term.to_string()),
        ("Install Time", short_time(&status.install_time)),
        ("Encryption Count", status.encryptions.to_string()),
    ];
    Ok(Printed::text(format!("{heading}{}", table::plain_pairs(&rows))))
}

/// `2026-11-24T20:01:00.27Z` as `24 Nov 26 20:01 UTC`; any other form as it is. Source: RFC 822 dates as Go writes them.
fn short_time(time: &str) -> String {
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let short = || {
        let (date, clock) = time.strip_suffix('Z')?.split_once('T')?;
        let mut parts = date.splitn(3, '-');
        let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
        let month = MONTHS.get(month.parse::<usize>().ok()?.checked_sub(1)?)?;
        Some(format!("{day} {month} {} {} UTC", year.get(2..4)?, clock.get(..5)?))
    };
    short().unwrap_or_else(|| time.to_owned())
}

/// The only time that these secrets are seen. JSON has the keys that scripts read, those of recovery shares included, which a
/// shamir seal has none of.
pub(crate) fn init(answer: &InitAnswer, request: &InitRequest, format: Format) -> Result<Printed, Failure> {
    if format == Format::Table {
        return Ok(Printed::text(init_text(answer, request)));
    }
    let exposed = |keys: &[SecretString]| keys.iter().map(|key| json!(key.expose())).collect::<Vec<_>>();
    let shown = json!({
        "unseal_keys_b64": exposed(&answer.keys_base64),
        "unseal_keys_hex": exposed(&answer.keys),
        "unseal_shares": request.secret_shares,
        "unseal_threshold": request.secret_threshold,
        "recovery_keys_b64": null,
        "recovery_keys_hex": null,
        "recovery_keys_shares": 0,
        "recovery_keys_threshold": 0,
        "root_token": answer.root_token.expose(),
    });
    Printed::structured(&shown, format)
}

fn init_text(answer: &InitAnswer, request: &InitRequest) -> String {
    let numbered = answer.keys_base64.iter().zip(1..);
    let keys: String = numbered.map(|(key, number): (_, u64)| format!("Unseal Key {number}: {}\n", key.expose())).collect();
    let (shares, threshold) = (request.secret_shares, request.secret_threshold);
    let root_token = answer.root_token.expose();
    format!(
        "{keys}\nInitial Root Token: {root_token}\n\n\
         This is the only time that these keys are shown. {threshold} of the {shares} open the seal after each start;\n\
         with fewer the data is lost for good. Give each key to another person, and revoke the root token\n\
         when the first administrators can log in.\n"
    )
}
