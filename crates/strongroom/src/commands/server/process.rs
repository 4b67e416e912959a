//! What the kernel counts of this process, under the names that Prometheus' own libraries use, with the reference's beside
//! them where it has some. Read anew for each page.

use std::fs;

use strongroom_metrics::{Page, Report};

const TICKS_PER_S: f64 = 100.0;
const KIB: f64 = 1024.0;

pub struct Process;

impl Report for Process {
    fn report(&self, page: &mut Page) {
        memory(page);
        cpu(page);
        let threads = tokio::runtime::Handle::try_current().map(|runtime| runtime.metrics().num_alive_tasks());
        if let Ok(tasks) = threads {
            page.gauge("strongroom.runtime.tasks", "Asynchronous tasks alive.", &[], tasks as f64);
        }
        if let Ok(files) = fs::read_dir("/proc/self/fd") {
            page.gauge("process.open_fds", "Open file descriptors.", &[], files.count() as f64);
        }
        if let Some(max) = limit("Max open files") {
            page.gauge("process.max_fds", "Most file descriptors.", &[], max);
        }
    }
}

fn memory(page: &mut Page) {
    let Ok(status) = fs::read_to_string("/proc/self/status") else { return };
    let bytes = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
        line.split_whitespace().next()?.parse::<f64>().ok().map(|kib| kib * KIB)
    };
    for (name, help, key) in [
        ("process.resident_memory_bytes", "Memory in RAM.", "VmRSS"),
        ("process.virtual_memory_bytes", "Address space.", "VmSize"),
        ("process.swap_bytes", "Memory in swap.", "VmSwap"),
        ("vault.runtime.alloc_bytes", "Memory in RAM that no file backs.", "RssAnon"),
        ("vault.runtime.sys_bytes", "Most memory that was in RAM at once.", "VmHWM"),
    ] {
        if let Some(bytes) = bytes(key) {
            page.gauge(name, help, &[], bytes);
        }
    }
}

/// Fields 14 and 15 of `stat`, counted behind the name, which may hold anything.
fn cpu(page: &mut Page) {
    let Ok(stat) = fs::read_to_string("/proc/self/stat") else { return };
    let Some((_, fields)) = stat.rsplit_once(") ") else { return };
    let ticks: f64 = fields.split(' ').skip(11).take(2).filter_map(|n| n.parse::<f64>().ok()).sum();
    page.gauge("process.cpu_seconds_total", "Processor time.", &[], ticks / TICKS_PER_S);
}

fn limit(name: &str) -> Option<f64> {
    let limits = fs::read_to_string("/proc/self/limits").ok()?;
    let soft = limits.lines().find_map(|line| line.strip_prefix(name))?;
    soft.split_whitespace().next()?.parse().ok()
}
