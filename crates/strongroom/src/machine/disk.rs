//! Mounted disks.

use serde_json::{Value, json};
use strongroom_os::DiskSpace;

use super::percent;

/// `/proc/self/mounts`: mount point and type of what lies on a local device, each point once. Network file systems are left out:
/// asking one that hangs would hang us.
pub fn mounted(text: &str) -> Vec<(String, String)> {
    let mut found: Vec<(String, String)> = Vec::new();
    for line in text.lines() {
        let mut words = line.split(' ');
        let (Some(device), Some(point), Some(kind)) = (words.next(), words.next(), words.next()) else { continue };
        if device.starts_with("/dev/") && found.iter().all(|(known, _)| known != point) {
            found.push((point.replace("\\040", " "), kind.to_owned()));
        }
    }
    found
}

/// None for a file system without size.
pub fn shown(point: &str, kind: &str, space: DiskSpace) -> Option<Value> {
    let used = space.bytes_total.saturating_sub(space.bytes_unused);
    let inodes_used = space.inodes_total.saturating_sub(space.inodes_free);
    (space.bytes_total > 0).then(|| {
        json!({
            "path": point,
            "fstype": kind,
            "total": space.bytes_total,
            "free": space.bytes_free,
            "used": used,
            // Of what a user without privileges can fill.
            "usedPercent": percent(used, used.saturating_add(space.bytes_free)),
            "inodesTotal": space.inodes_total,
            "inodesUsed": inodes_used,
            "inodesFree": space.inodes_free,
            "inodesUsedPercent": percent(inodes_used, space.inodes_total),
        })
    })
}

#[cfg(test)]
mod tests {
    use strongroom_os::DiskSpace;

    use super::{mounted, shown};

    #[test]
    fn local_devices_are_found_once() {
        let text = "/dev/vda / ext4 rw 0 0\nproc /proc proc rw 0 0\nnas:/x /mnt nfs rw 0 0\n/dev/vdb /a\\040b xfs rw 0 0\n\
            /dev/vda / ext4 rw 0 0\n";
        assert_eq!(mounted(text), [("/".into(), "ext4".into()), ("/a b".into(), "xfs".into())]);
    }

    #[test]
    fn shares_are_of_what_can_be_filled() {
        let space = DiskSpace { bytes_total: 100, bytes_free: 40, bytes_unused: 50, inodes_total: 10, inodes_free: 9 };
        let all = shown("/", "ext4", space).unwrap();
        assert_eq!((&all["used"], &all["usedPercent"], &all["inodesUsed"]), (&50.into(), &55.56.into(), &1.into()));
        assert!(shown("/", "none", DiskSpace { bytes_total: 0, ..space }).is_none());
    }
}
