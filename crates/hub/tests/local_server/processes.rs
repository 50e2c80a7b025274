//! Several that load the same model at once, and one that is killed.

use std::fs;
use std::io::Write;
use std::process::{Child, Command};
use std::sync::Mutex;
use std::thread::{self, sleep};
use std::time::{Duration, Instant};

use ferrotype_hub::State;

use super::place::{NAME, Place, bytes, pull};
use super::server::{Server, head, part};

/// Where the child finds its cache.
const HOME: &str = "FERROTYPE_TEST_HOME";

/// What the child does: this program, run again for this one test.
#[test]
#[ignore = "begun by other tests"]
fn child() {
    let place = Place { folder: tempfile::tempdir().unwrap() };
    let mut options = place.options();
    options.home = std::env::var_os(HOME).expect("begun by other tests").into();
    let hub = ferrotype_hub::Hub::with_options(options).unwrap();
    pull(&hub).0.unwrap();
}

fn begin(place: &Place) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "processes::child", "--ignored", "--quiet"]).env(HOME, place.home()).spawn().unwrap()
}

fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < Duration::from_secs(30), "{what}");
        sleep(Duration::from_millis(10));
    }
}

/// Gives half of the file and then nothing, to the first that asks; all of it to others.
fn stuck() -> Server {
    Server::start(|before, request, stream| {
        let bytes = bytes();
        if before > 0 {
            return part(stream, request, &bytes);
        }
        head(stream, 200, &[("Content-Length", bytes.len().to_string())]);
        let _ = stream.write_all(&bytes[..50_000]);
        sleep(Duration::from_secs(60));
    })
}

#[test]
fn a_killed_process_leaves_nothing_half() {
    let server = stuck();
    let place = Place::of(&server.url);
    let mut child = begin(&place);
    until("the child loads nothing", || fs::metadata(place.part()).is_ok_and(|d| d.len() == 50_000));
    child.kill().unwrap();
    child.wait().unwrap();
    place.assert_no_file();
    let hub = place.hub();
    assert_eq!(hub.verify(NAME).unwrap(), State::Partial(50_000));
    // The lock went with the process, and what had come is not loaded again.
    let (path, told) = pull(&hub);
    assert_eq!(fs::read(path.unwrap()).unwrap(), bytes());
    assert!(!told.contains(&"waiting".to_owned()), "{told:?}");
    assert_eq!(server.requests()[1].from(), Some(50_000));
}

#[test]
fn who_comes_later_waits_and_loads_nothing() {
    let gate = std::sync::Arc::new(Mutex::new(()));
    let closed = gate.lock().unwrap();
    let server = {
        let gate = std::sync::Arc::clone(&gate);
        Server::start(move |_, request, stream| {
            drop(gate.lock());
            part(stream, request, &bytes());
        })
    };
    let place = Place::of(&server.url);
    let mut children = [begin(&place), begin(&place)];
    until("no child asks", || !server.requests().is_empty());
    thread::scope(|scope| {
        let waiting = scope.spawn(|| pull(&place.hub()));
        sleep(Duration::from_millis(300));
        drop(closed);
        let (path, told) = waiting.join().unwrap();
        assert_eq!(fs::read(path.unwrap()).unwrap(), bytes());
        assert_eq!(told, ["begin MIT", "waiting", "done"]);
    });
    assert!(children.iter_mut().all(|child| child.wait().unwrap().success()));
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn many_threads_of_one_hub_load_it_once() {
    let server = Server::of(bytes());
    let place = Place::of(&server.url);
    let hub = place.hub();
    thread::scope(|scope| {
        let all: Vec<_> = (0..8).map(|_| scope.spawn(|| hub.path_of(NAME))).collect();
        all.into_iter().for_each(|t| assert_eq!(t.join().unwrap().unwrap(), place.file()));
    });
    assert_eq!(server.requests().len(), 1);
    assert_eq!(fs::read(place.file()).unwrap(), bytes());
}
