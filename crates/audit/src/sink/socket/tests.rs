//! Real sockets: lines arrive and form the signed tree, the peer goes and comes back, the peer never reads.

use std::io::{BufRead as _, BufReader, Read};
use std::net::{TcpListener, UdpSocket};
use std::os::unix::net::UnixListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::{Duration, Instant};

use strongroom_types::{Rng, SecretBytes, Timestamp};

use super::{SocketConfig, SocketDevice, Target, Transport};
use crate::epoch::Appointment;
use crate::line::parse_seq;
use crate::note::Checkpoint;
use crate::sink::{Device, Ticket};
use crate::tree::{Tree, leaf_hash};
use crate::{AuditError, Hash, Limits, log_public_key};

struct Counting(AtomicU8);

impl Rng for Counting {
    fn fill(&self, out: &mut [u8]) {
        out.fill(self.0.fetch_add(1, Ordering::Relaxed));
    }
}

fn now() -> Timestamp {
    Timestamp::from_s(1_764_014_482)
}

fn key() -> SecretBytes {
    SecretBytes::new(vec![42; 32])
}

fn open(transport: Transport, address: &str, buffer_bytes_max: usize) -> SocketDevice {
    let config = SocketConfig {
        target: Target::new(transport, address).unwrap(),
        write_timeout: Duration::from_millis(300),
        hash_key: SecretBytes::new(vec![7; 32]),
        log_key: key(),
        limits: Limits { buffer_bytes_max, epoch_records: 40, ..Limits::default() },
        store_head: Arc::new(|| 5),
        rng: Arc::new(Counting(AtomicU8::new(1))),
    };
    SocketDevice::open(config, now()).unwrap()
}

fn rest(n: usize, padding: usize) -> Vec<u8> {
    let padding = "x".repeat(padding);
    format!("\"time\":\"2026-01-01T00:00:00.000000000Z\",\"type\":\"request\",\"n\":{n},\"p\":\"{padding}\"}}").into_bytes()
}

async fn taken(device: &SocketDevice, rest: &[u8]) -> Result<(), AuditError> {
    let ticket: Ticket = device.append(rest)?;
    tokio::time::timeout(Duration::from_secs(20), ticket).await.expect("a ticket ends")
}

/// 100 records with ticks between, so that several epochs and checkpoints go out.
async fn run(device: &SocketDevice) {
    for n in 0..100 {
        taken(device, &rest(n, 100)).await.unwrap();
        if n % 10 == 0 {
            device.tick(now()).unwrap();
        }
    }
    device.close(now()).unwrap();
    assert!(matches!(device.append(&rest(0, 0)), Err(AuditError::Closed)));
}

/// Every number, every appointment, every checkpoint: from the lines and the public key alone. Returns records and checkpoints.
fn verify(lines: &[String]) -> (u64, usize) {
    let (mut tree, mut signer, mut checkpoints): (Tree, Hash, _) = (Tree::default(), log_public_key(&key()).unwrap(), 0);
    for line in lines {
        if let Some((seq, _)) = parse_seq(line.as_bytes()) {
            assert_eq!(seq, tree.size(), "numbers are dense");
            if let Some(signed) = Appointment::parse(line.as_bytes()) {
                assert!(signed.is_signed_by(&signer) && signed.appointment.root == tree.root(), "appointment {seq}");
                signer = signed.appointment.key;
            }
            tree.push(leaf_hash(line.as_bytes()));
            tree.take_full();
            continue;
        }
        let checkpoint: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!(checkpoint["type"], "checkpoint");
        let (checkpoint, signature) = Checkpoint::parse(checkpoint["note"].as_str().unwrap()).unwrap();
        assert!(checkpoint.is_signed_by(&signature, &signer));
        assert_eq!((checkpoint.head.size, checkpoint.head.root), (tree.size(), tree.root()));
        checkpoints = usize::saturating_add(checkpoints, 1);
    }
    (tree.size(), checkpoints)
}

fn lines_of(stream: impl Read) -> Vec<String> {
    BufReader::new(stream).lines().map(Result::unwrap).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_over_tcp_form_the_signed_tree() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let device = open(Transport::Tcp, &listener.local_addr().unwrap().to_string(), 1 << 20);
    let reader = std::thread::spawn(move || lines_of(listener.accept().unwrap().0));
    run(&device).await;
    let (size, checkpoints) = verify(&reader.join().unwrap());
    assert!(size > 102 && checkpoints > 10, "{size} lines with two changes of epoch, {checkpoints} checkpoints");
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_over_a_unix_socket_form_the_signed_tree() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s");
    let listener = UnixListener::bind(&path).unwrap();
    let device = open(Transport::Unix, path.to_str().unwrap(), 1 << 20);
    let reader = std::thread::spawn(move || lines_of(listener.accept().unwrap().0));
    run(&device).await;
    assert!(verify(&reader.join().unwrap()).0 > 102);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_datagram_is_one_line_and_too_large_ones_are_refused() {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let device = open(Transport::Udp, &socket.local_addr().unwrap().to_string(), 1 << 20);
    let reader = std::thread::spawn(move || {
        socket.set_read_timeout(Some(Duration::from_secs(2))).unwrap();
        let (mut lines, mut buffer) = (Vec::new(), vec![0; 70_000]);
        while let Ok(bytes) = socket.recv(&mut buffer) {
            lines.push(String::from_utf8(buffer[..bytes].to_vec()).unwrap());
        }
        lines
    });
    let refused = device.append(&rest(0, super::queue::DATAGRAM_BYTES_MAX));
    assert!(matches!(refused, Err(AuditError::Datagram { .. })), "no number is used up");
    taken(&device, &rest(0, 60_000)).await.unwrap();
    run(&device).await;
    let lines = reader.join().unwrap();
    assert!(lines.iter().all(|line| !line.contains('\n')));
    assert!(verify(&lines).0 > 103);
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_peer_is_gone_nothing_counts_and_afterwards_everything_arrives() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s");
    let device = open(Transport::Unix, path.to_str().unwrap(), 1 << 20);
    for n in 0..3 {
        assert!(matches!(taken(&device, &rest(n, 10)).await, Err(AuditError::Socket { .. })), "nobody listens");
    }
    let listener = UnixListener::bind(&path).unwrap();
    let first = std::thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        let mut lines = Vec::new();
        for line in BufReader::new(stream).lines().map(Result::unwrap) {
            lines.push(line);
            if lines.last().is_some_and(|line| line.contains("\"n\":99,")) {
                break;
            }
        }
        (lines, listener)
    });
    drop(device.append(&rest(99, 10)).unwrap());
    let (lines, listener) = first.join().unwrap();
    assert_eq!(
        lines.iter().filter(|line| line.contains("\"n\":")).count(),
        4,
        "what was refused arrives all the same: {lines:?}"
    );
    // The first connection is gone; what is queued from here on comes over the second one.
    let second = std::thread::spawn(move || lines_of(listener.accept().unwrap().0));
    wait_until_taken(&device, 20).await;
    device.close(now()).unwrap();
    let again = second.join().unwrap();
    verify(&[lines, again].concat());
}

/// Sends new lines until one counts.
async fn wait_until_taken(device: &SocketDevice, from: usize) {
    let start = Instant::now();
    let mut n = from;
    while taken(device, &rest(n, 10)).await.is_err() {
        assert!(start.elapsed() < Duration::from_secs(30), "the peer is back");
        tokio::time::sleep(Duration::from_millis(300)).await;
        n = n.saturating_add(1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_never_reads_costs_a_bounded_buffer_and_no_request_waits_for_ever() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s");
    let _listener = UnixListener::bind(&path).unwrap();
    let device = open(Transport::Unix, path.to_str().unwrap(), 1 << 20);
    let mut tickets = Vec::new();
    let refused = loop {
        match device.append(&rest(tickets.len(), 50_000)) {
            Ok(ticket) => tickets.push(ticket),
            Err(refused) => break refused,
        }
        assert!(tickets.len() < 10_000, "the buffer has a bound");
        tokio::time::sleep(Duration::from_millis(1)).await;
    };
    assert!(matches!(refused, AuditError::Full));
    let start = Instant::now();
    let mut lost = 0;
    for ticket in tickets {
        lost += usize::from(ticket.await.is_err());
    }
    assert!(lost >= 10, "{lost} records were refused");
    assert!(start.elapsed() < Duration::from_secs(10));
    assert!(device.close(now()).is_err(), "what was not sent is told");
}

#[test]
fn addresses_are_judged_before_anything_is_opened() {
    for (transport, address) in [
        (Transport::Tcp, "host"),
        (Transport::Tcp, ":9000"),
        (Transport::Udp, "host:0"),
        (Transport::Udp, "host:99999"),
        (Transport::Unix, "relative/s"),
        (Transport::Unix, ""),
    ] {
        assert!(Target::new(transport, address).is_err(), "{address}");
    }
    assert!(Target::new(Transport::Tcp, "[::1]:9000").is_ok());
}
