use std::io::Write;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::Running;
use super::client::{connect, get, png, post, request};

fn until(what: &str, is: impl Fn() -> bool) {
    let began = Instant::now();
    while !is() {
        assert!(began.elapsed() < Duration::from_secs(10), "{what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn depth(server: &Running) -> usize {
    let metrics = get(server.address, "/metrics").text();
    metrics.lines().find_map(|l| l.strip_prefix("ferrotype_queue_pictures ")?.parse().ok()).unwrap()
}

#[test]
fn beyond_the_queue_requests_are_told_to_come_again() {
    let server = Running::with(|options| options.limits.queue = 3);
    server.models.close();
    let address = server.address;
    let waiting: Vec<_> = (0..3)
        .map(|_| std::thread::spawn(move || post(address, "/v1/predict", "image/png", &png(64, 64)).status))
        .collect();
    until("three wait", || depth(&server) == 3);
    let answer = post(address, "/v1/predict", "image/png", &png(64, 64));
    assert_eq!((answer.status, answer.problem().as_str()), (429, "busy"));
    assert!(answer.header("retry-after").unwrap().parse::<u64>().unwrap() >= 1);
    // Nothing else is held up.
    assert_eq!(get(address, "/health").status, 200);
    server.models.open();
    assert!(waiting.into_iter().all(|thread| thread.join().unwrap() == 200));
    assert_eq!((post(address, "/v1/predict", "image/png", &png(64, 64)).status, depth(&server)), (200, 0));
    assert!(get(address, "/metrics").text().contains("ferrotype_refused_total 1\n"));
}

#[test]
fn faces_of_several_clients_are_one_batch() {
    let server = Running::with(|options| options.limits.lookers = 4);
    let address = server.address;
    // Whoever comes while a batch is worked on is in the next one.
    let all: Vec<_> = (0..60)
        .map(|i| {
            std::thread::spawn(move || post(address, "/v1/predict?model=mood", "image/png", &png(400 + i, 64)).status)
        })
        .collect();
    assert!(all.into_iter().all(|thread| thread.join().unwrap() == 200));
    let batches = server.models.batches.lock().unwrap();
    assert_eq!(batches.iter().sum::<usize>(), 120);
    assert!(batches.iter().all(|&n| n <= 64), "{batches:?}");
}

#[test]
fn what_a_client_has_left_is_not_worked_on() {
    let server = Running::with(|options| options.limits.lookers = 1);
    server.models.close();
    let bytes = request("POST", "/v1/predict", &[("Content-Type", "image/png")], &png(64, 64));
    let mut streams: Vec<_> = (0..5).map(|_| connect(server.address)).collect();
    streams.iter_mut().for_each(|stream| stream.write_all(&bytes).unwrap());
    until("five wait", || depth(&server) == 5);
    drop(streams);
    // The server has to notice before the gate is opened.
    std::thread::sleep(Duration::from_millis(300));
    server.models.open();
    until("none waits", || depth(&server) == 0);
    // One was being looked at already.
    assert!(server.models.looked.load(Ordering::SeqCst) <= 1);
}

#[test]
fn connections_beyond_the_limit_wait_for_their_turn() {
    let server = Running::with(|options| options.limits.connections = 4);
    let held: Vec<_> = (0..4).map(|_| connect(server.address)).collect();
    let address = server.address;
    let late = std::thread::spawn(move || get(address, "/health").status);
    std::thread::sleep(Duration::from_millis(200));
    assert!(!late.is_finished());
    drop(held);
    assert_eq!(late.join().unwrap(), 200);
}

#[test]
fn it_stops_in_order() {
    let mut server = Running::start();
    server.models.close();
    let address = server.address;
    let last = std::thread::spawn(move || post(address, "/v1/predict", "image/png", &png(64, 64)).status);
    until("one waits", || depth(&server) == 1);
    let models = server.models.clone();
    std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(300));
        models.open();
    });
    // `stop` opens the gate, too: what was begun is answered.
    server.stop();
    assert_eq!(last.join().unwrap(), 200);
    assert!(std::net::TcpStream::connect(address).is_err());
}
