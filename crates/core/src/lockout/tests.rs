use strongroom_types::{Timestamp, Ttl};

use super::gate::Gates;
use super::record::Row;
use super::rules::Rules;

const RULES: Rules = Rules { threshold: 3, duration: Ttl::from_s(60), counter_reset: Ttl::from_s(30) };

fn at(s: u64) -> Timestamp {
    Timestamp::from_s(1_000).plus(Ttl::from_s(s))
}

#[test]
fn failures_lock_and_are_forgotten() {
    let mut row = Row::default();
    let count = |row: &Row, s| row.find("ann", &RULES, at(s)).map(|f| (f.count, f.is_locked(&RULES, at(s))));
    row.add("ann", &RULES, at(0));
    row.add("ann", &RULES, at(29));
    assert_eq!(count(&row, 58), Some((2, false)));
    assert_eq!(count(&row, 59), None, "no failure for as long as the counter is kept");
    row.add("ann", &RULES, at(59));
    assert_eq!(count(&row, 59), Some((1, false)), "what was forgotten does not count again");
    row.add("ann", &RULES, at(60));
    row.add("ann", &RULES, at(61));
    assert_eq!(count(&row, 120), Some((3, true)));
    assert_eq!(count(&row, 121), None, "the lock is over");
    assert!(row.find("bob", &RULES, at(61)).is_none());
    assert!(row.remove("ann") && !row.remove("ann"));
}

/// Random names neither fill the store nor push out a name that is nearly or fully locked.
#[test]
fn a_flood_of_names_stays_bounded_and_keeps_those_with_more_failures() {
    let mut row = Row::default();
    for s in 0..3 {
        row.add("ann", &RULES, at(s));
    }
    row.add("bob", &RULES, at(3));
    row.add("bob", &RULES, at(4));
    for n in 0..10_000 {
        row.add(&format!("random-{n}"), &RULES, at(5));
    }
    assert_eq!(row.names.len(), 64);
    assert!(row.find("ann", &RULES, at(5)).is_some_and(|f| f.is_locked(&RULES, at(5))));
    assert!(row.find("bob", &RULES, at(5)).is_some_and(|f| f.count == 2));
    row.forget_what_is_over(&RULES, at(70));
    assert!(row.names.is_empty());
}

#[tokio::test]
async fn gates_exist_only_while_somebody_is_there_and_seats_are_bounded() {
    let gates = Gates::default();
    let mut seats: Vec<_> = (0..256).map(|_| gates.seat("m", "ann").unwrap()).collect();
    assert!(gates.seat("m", "ann").is_err());
    assert!(gates.seat("m", "bob").is_ok() && gates.seat("n", "ann").is_ok());
    assert_eq!(gates.len(), 1);
    seats[0].enter();
    seats[0].enter();
    assert_eq!(seats[1].gate.in_flight(), 1);
    drop(seats.remove(0));
    assert_eq!(seats[0].gate.in_flight(), 0);
    seats.clear();
    assert_eq!(gates.len(), 0);
}
