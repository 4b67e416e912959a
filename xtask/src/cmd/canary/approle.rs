//! AppRole: chosen ids, and secret ids that the server made. Metadata is no secret: tokens and the audit log show it.

use anyhow::{Result, ensure};
use serde_json::json;

use super::storm::{Storm, place};
use crate::api::Api;

pub fn prepare(api: &Api) -> Result<()> {
    api.must("POST", "sys/auth/approle", Some(&json!({"type": "approle"})))?;
    Ok(())
}

pub fn approle(s: &mut Storm, mark: &str) -> Result<()> {
    let role = format!("auth/approle/role/{}", place(s));
    let role_id = format!("{mark}-role");
    s.json("POST", &role, json!({"role_id": role_id, "token_policies": "default", "secret_id_num_uses": 3}))?;
    let made = s.json("POST", &format!("{role}/secret-id"), json!({"metadata": {"note": "shown with every token"}}))?;
    let (own, accessor) = (made.json()["data"]["secret_id"].take(), made.json()["data"]["secret_id_accessor"].take());
    s.tokens.add(own.as_str().unwrap_or_default());
    s.accessors.add(accessor.as_str().unwrap_or_default());
    s.json("POST", &format!("{role}/custom-secret-id"), json!({"secret_id": mark}))?;
    s.json("POST", &format!("{role}/custom-secret-id"), json!({"secret_id": mark}))?;
    for secret_id in [own, json!(mark), json!(format!("{mark} wrong")), json!([mark]), json!({"a": mark})] {
        let login = s.json("POST", "auth/approle/login", json!({"role_id": role_id, "secret_id": secret_id}))?;
        s.learn(&login);
        s.json("POST", "auth/approle/login", json!({"role_id": mark, "secret_id": secret_id}))?;
        s.json("POST", &format!("{role}/secret-id/lookup"), json!({"secret_id": secret_id}))?;
    }
    for wrong in [json!({"cidr_list": mark}), json!({"metadata": mark}), json!({"ttl": mark}), json!({"num_uses": mark})] {
        ensure!(s.json("POST", &format!("{role}/secret-id"), wrong)?.status == 400, "a wrong field was taken");
    }
    s.json("POST", &format!("{role}/secret-id-accessor/destroy"), json!({"secret_id_accessor": accessor}))?;
    s.json("POST", &format!("{role}/secret-id-accessor/destroy"), json!({"secret_id_accessor": mark}))?;
    s.json("POST", &format!("{role}/secret-id/destroy"), json!({"secret_id": mark}))?;
    Ok(())
}
