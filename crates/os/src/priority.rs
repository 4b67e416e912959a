//! Priority of threads.

/// Ten steps of niceness: beside threads of usual priority this gets about a tenth of a processor, and all of an idle one.
const STEPS: i32 = 10;

/// Lowers the priority of the calling thread for good; on Linux niceness belongs to the thread, not to the process. A system that
/// refuses leaves it as it is.
pub fn give_way() {
    let _ = rustix::process::nice(STEPS);
}

#[cfg(test)]
mod tests {
    use super::give_way;

    fn niceness() -> i32 {
        rustix::process::nice(0).unwrap()
    }

    #[test]
    fn one_thread_gives_way_and_no_other() {
        let before = niceness();
        let of_thread = std::thread::spawn(|| {
            give_way();
            niceness()
        });
        assert_eq!((of_thread.join().unwrap(), niceness()), ((before + super::STEPS).min(19), before));
    }
}
