//! Prints key ceremonies. New keys and tokens are shown once, on standard output.

use strongroom_client::api::{GenerateRootStatus, KeyBackup, ReplaceStatus, VerifyStatus};

use super::{Failure, Format, Printed, table};

const WARNING: &str = "\
WARNING! The new keys are shown once, and nobody can bring them back. With -verify they come into force only when enough
of them were given back; with -pgp-keys each is for its holder's eyes alone, and -backup keeps those until they are deleted.

";

pub(crate) fn started(status: &ReplaceStatus, format: Format) -> Result<Printed, Failure> {
    let printed = replace(status, format)?;
    let is_risky = format == Format::Table && !status.verification_required && status.pgp_fingerprints.is_none();
    Ok(Printed { err: if is_risky { WARNING.to_owned() } else { String::new() }, ..printed })
}

pub(crate) fn replace(status: &ReplaceStatus, format: Format) -> Result<Printed, Failure> {
    if format != Format::Table {
        return Printed::structured(status, format);
    }
    let mut rows = vec![("Nonce", status.nonce.clone()), ("Started", status.started.to_string())];
    if status.started {
        rows.push(("Progress", format!("{}/{}", status.progress, status.required)));
        rows.push(("New Shares", status.shares.to_string()));
        rows.push(("New Threshold", status.threshold.to_string()));
        rows.push(("Verification Required", status.verification_required.to_string()));
        rows.extend(Some(("Verification Nonce", status.verification_nonce.clone())).filter(|row| !row.1.is_empty()));
    }
    if let Some(fingerprints) = &status.pgp_fingerprints {
        rows.push(("PGP Fingerprints", format!("[{}]", fingerprints.join(" "))));
        rows.push(("Backup", status.backup.to_string()));
    }
    Ok(Printed::text(table::pairs(&rows)))
}

/// The new keys. `before` has the shape that they were asked in.
pub(crate) fn new_keys(done: &ReplaceStatus, before: &ReplaceStatus, format: Format) -> Result<Printed, Failure> {
    if format != Format::Table {
        return Printed::structured(done, format);
    }
    let mut text = String::from("\n");
    let fingerprints = done.pgp_fingerprints.as_deref().unwrap_or_default();
    for (index, (key, number)) in done.keys_base64.iter().zip(1u64..).enumerate() {
        let line = match fingerprints.get(index) {
            Some(fingerprint) => format!("Key {number} fingerprint: {fingerprint}; value: {}\n", key.expose()),
            None => format!("Key {number}: {}\n", key.expose()),
        };
        text.push_str(&line);
    }
    text.push_str(&format!("\nOperation nonce: {}\n", done.nonce));
    if done.backup {
        text.push_str("\nThe encrypted keys are kept in the store until -backup-delete deletes them.\n");
    }
    let (shares, threshold) = (before.shares, before.threshold);
    if done.verification_required {
        text.push_str(&format!(
            "\nThese {shares} keys, {threshold} of which open the seal, are NOT in force yet. Give {threshold} of them back with -verify; until\n\
             then the old ones count, and sealing or canceling forgets the new ones.\n\nVerification Nonce: {}\n",
            done.verification_nonce
        ));
    } else {
        text.push_str(&format!(
            "\nThese {shares} keys are in force, {threshold} of which open the seal after each start; the old ones open nothing any more.\n\
             Give each to another person.\n"
        ));
    }
    Ok(Printed::text(text))
}

pub(crate) fn verify(status: &VerifyStatus, format: Format) -> Result<Printed, Failure> {
    if format != Format::Table {
        return Printed::structured(status, format);
    }
    if status.complete {
        return Ok(Printed::line("Verification successful. The new keys are in force, the old ones open nothing any more."));
    }
    let rows = [
        ("Started", status.started.to_string()),
        ("New Shares", status.shares.to_string()),
        ("New Threshold", status.threshold.to_string()),
        ("Verification Nonce", status.nonce.clone()),
        ("Verification Progress", format!("{}/{}", status.progress, status.threshold)),
    ];
    Ok(Printed::text(table::pairs(&rows)))
}

pub(crate) fn backup(backup: &KeyBackup, format: Format) -> Result<Printed, Failure> {
    if format != Format::Table {
        return Printed::structured(&serde_json::json!({ "data": backup }), format);
    }
    let mut rows = vec![("Nonce".to_owned(), backup.nonce.clone())];
    for (fingerprint, messages) in &backup.keys_base64 {
        rows.extend(messages.iter().map(|message| (fingerprint.clone(), message.clone())));
    }
    Ok(Printed::text(table::pairs(&rows)))
}

pub(crate) fn generate_root(status: &GenerateRootStatus, format: Format) -> Result<Printed, Failure> {
    if format != Format::Table {
        return Printed::structured(status, format);
    }
    let mut rows = vec![
        ("Nonce", status.nonce.clone()),
        ("Started", status.started.to_string()),
        ("Progress", format!("{}/{}", status.progress, status.required)),
        ("Complete", status.complete.to_string()),
    ];
    for (title, text) in [
        ("PGP Fingerprint", status.pgp_fingerprint.as_str()),
        ("Encoded Token", status.encoded_token.expose()),
        ("OTP", status.otp.expose()),
    ] {
        rows.extend(Some((title, text.to_owned())).filter(|_| !text.is_empty()));
    }
    rows.extend(Some(("OTP Length", status.otp_length.to_string())).filter(|_| status.otp_length > 0));
    let rows: Vec<(&str, String)> =
        rows.into_iter().map(|(key, text)| (key, if text.is_empty() { "n/a".to_owned() } else { text })).collect();
    let text = table::plain_pairs(&rows);
    if status.otp.is_empty() {
        return Ok(Printed::text(text));
    }
    let hint = "A One-Time-Password has been generated for you and is shown in the OTP field.\n\
                You will need this value to decode the resulting root token, so keep it safe.\n";
    Ok(Printed { err: hint.to_owned(), ..Printed::text(text) })
}
