//! Proofs for single records.

use strongroom_audit::{Device, Limits, check_proof, prove};

use crate::support::{at, fill, filled, open, public_key};

#[tokio::test]
async fn every_record_can_be_proven_and_no_changed_proof_holds() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("audit.log");
    let limits = Limits { epoch_s: 100, segment_bytes_max: 60_000, ..Limits::default() };
    filled(dir.path(), limits, 900, 7).await;
    let device = open(dir.path(), limits, None).unwrap();
    fill(&device, 300, 7).await;
    device.close(at(2000)).unwrap();
    let size = device.head().unwrap().size;
    for seq in (0..size).step_by(13).chain([size - 1]) {
        let proof = serde_json::to_string(&prove(&path, seq).unwrap()).unwrap();
        let proven = check_proof(&proof, &public_key()).unwrap_or_else(|e| panic!("{seq}: {e}"));
        assert_eq!(proven.seq, seq);
        assert!(proven.line.starts_with(&format!("{{\"seq\":{seq},")));
        assert!(check_proof(&proof, &[9; 32]).is_err(), "another key");
    }
    assert!(prove(&path, size).is_err());

    for seq in [3, size - 2] {
        let proof = serde_json::to_string(&prove(&path, seq).unwrap()).unwrap();
        for at in 0..proof.len() {
            let mut bytes = proof.clone().into_bytes();
            bytes[at] ^= 1;
            let Ok(changed) = String::from_utf8(bytes) else { continue };
            if serde_json::from_str::<strongroom_audit::Proof>(&changed).is_ok_and(|p| p != prove(&path, seq).unwrap()) {
                assert!(check_proof(&changed, &public_key()).is_err(), "byte {at} of {proof}");
            }
        }
    }
}

#[tokio::test]
async fn proofs_of_old_records_are_short() {
    let dir = tempfile::tempdir().unwrap();
    let limits = Limits { epoch_s: 10, ..Limits::default() };
    filled(dir.path(), limits, 300, 10).await;
    drop(open(dir.path(), limits, None).unwrap());
    let proof = serde_json::to_string(&prove(&dir.path().join("audit.log"), 5).unwrap()).unwrap();
    assert!(proof.len() < 2048, "{}", proof.len());
}
