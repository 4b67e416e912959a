use rustix::process::{DumpableBehavior, Resource, dumpable_behavior, getrlimit};

use super::{Report, Step, harden, swap::warning_for};

#[test]
fn hardened_process_leaves_no_core_and_cannot_be_traced() {
    let report = harden(false);
    assert_eq!(report.core_dumps_off, Step::Done);
    assert_eq!(report.tracing_off, Step::Done);
    assert_eq!(getrlimit(Resource::Core).maximum, Some(0));
    assert_eq!(dumpable_behavior().unwrap(), DumpableBehavior::NotDumpable);
    let mask_now = rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
    assert_eq!(mask_now.as_raw_mode(), 0o077);
}

#[test]
fn memory_is_locked_exactly_where_the_limit_is_unlimited() {
    let unlimited = getrlimit(Resource::Memlock).current.is_none();
    match harden(true).memory_locked {
        Step::Done => assert!(unlimited),
        Step::Skipped(reason) => assert!(!unlimited && reason.contains("memlock")),
        // A sandbox may refuse the call though the limit allows it.
        Step::Failed(_) => assert!(unlimited),
    }
}

#[test]
fn switched_off_locking_is_not_tried() {
    assert!(matches!(harden(false).memory_locked, Step::Skipped(reason) if reason.contains("configuration")));
}

#[test]
fn swap_areas_are_named_and_their_absence_is_silent() {
    let heading = "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n";
    assert_eq!(warning_for(heading), None);
    assert_eq!(warning_for(""), None);
    let two = format!("{heading}/dev/sda2 partition 2097148 0 -2\n/swapfile file 1048572 0 -3\n");
    assert!(warning_for(&two).unwrap().contains("/dev/sda2, /swapfile"));
}

#[test]
fn every_step_that_is_not_done_is_a_warning() {
    let all_well = Report { core_dumps_off: Step::Done, tracing_off: Step::Done, memory_locked: Step::Done, swap_warning: None };
    assert!(all_well.warnings().is_empty());
    let bad = Report {
        core_dumps_off: Step::Failed("no permission".into()),
        tracing_off: Step::Failed("no permission".into()),
        memory_locked: Step::Skipped("limit".into()),
        swap_warning: Some("swap is on".into()),
    };
    assert_eq!(bad.warnings().len(), 4);
}

#[test]
fn the_space_of_a_file_system_adds_up() {
    let space = crate::disk_space(std::path::Path::new("/")).unwrap();
    assert!(space.bytes_total > 0 && space.bytes_free <= space.bytes_unused && space.bytes_unused <= space.bytes_total);
    assert!(crate::disk_space(std::path::Path::new("/no/such/folder")).is_err());
}
