//! Loading that works in the end.

use std::fs;
use std::io::Write;
use std::ops::ControlFlow;
use std::thread::sleep;
use std::time::Duration;

use ferrotype_hub::{Accept, ErrorKind, Event, State};

use super::place::{NAME, Place, bytes, pull};
use super::server::{Server, head, part, whole};

#[test]
fn a_file_is_loaded_once() {
    let server = Server::of(bytes());
    let place = Place::of(&server.url);
    let hub = place.hub();
    assert_eq!(hub.verify(NAME).unwrap(), State::Absent);
    let (path, told) = pull(&hub);
    let path = path.unwrap();
    assert_eq!(path, place.file());
    assert_eq!(fs::read(&path).unwrap(), bytes());
    assert!(!place.part().exists());
    assert_eq!(told, ["begin MIT", "source from 0", "bytes 100000 of 100000", "done"]);
    let request = &server.requests()[0];
    assert_eq!((request.target.as_str(), request.from()), ("/small.onnx", None));
    assert_eq!(request.header("accept-encoding"), Some("identity"));
    assert!(request.header("user-agent").unwrap().starts_with("ferrotype/"));
    // Afterwards nobody is asked, by this hub or another one.
    assert_eq!(pull(&hub), (Ok(path.clone()), vec![]));
    assert_eq!(place.hub().path_of(NAME).unwrap(), path);
    assert_eq!(hub.verify(NAME).unwrap(), State::Present);
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn a_slow_server_is_waited_for() {
    let server = Server::start(|_, _, stream| {
        let bytes = bytes();
        head(stream, 200, &[("Content-Length", bytes.len().to_string())]);
        for piece in bytes.chunks(10_000) {
            sleep(Duration::from_millis(150));
            let _ = stream.write_all(piece).and_then(|()| stream.flush());
        }
    });
    let place = Place::of(&server.url);
    let mut options = place.options();
    // In all it takes longer than any piece may.
    options.timeouts.silence = Duration::from_secs(1);
    let hub = ferrotype_hub::Hub::with_options(options).unwrap();
    assert_eq!(fs::read(pull(&hub).0.unwrap()).unwrap(), bytes());
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn what_broke_off_is_gone_on_with() {
    let server = Server::start(|before, request, stream| {
        let bytes = bytes();
        if before == 0 {
            head(stream, 200, &[("Content-Length", bytes.len().to_string())]);
            let _ = stream.write_all(&bytes[..30_000]);
        } else {
            part(stream, request, &bytes);
        }
    });
    let place = Place::of(&server.url);
    let (path, told) = pull(&place.hub());
    assert_eq!(fs::read(path.unwrap()).unwrap(), bytes());
    assert_eq!(server.requests()[1].from(), Some(30_000));
    assert!(told.contains(&"source from 30000".to_owned()), "{told:?}");
}

#[test]
fn a_line_that_breaks_again_and_again_brings_the_file_all_the_same() {
    // More breaks than tries, each after some progress.
    let server = Server::start(|_, request, stream| {
        let bytes = bytes();
        let from = request.from().unwrap_or(0);
        let end = (from + 15_000).min(bytes.len());
        let range = format!("bytes {from}-{}/{}", bytes.len() - 1, bytes.len());
        let status = if from == 0 { 200 } else { 206 };
        head(stream, status, &[("Content-Range", range), ("Content-Length", (bytes.len() - from).to_string())]);
        let _ = stream.write_all(&bytes[from..end]);
    });
    let place = Place::of(&server.url);
    let mut options = place.options();
    options.tries = 2;
    let hub = ferrotype_hub::Hub::with_options(options).unwrap();
    assert_eq!(fs::read(pull(&hub).0.unwrap()).unwrap(), bytes());
    assert_eq!(server.requests().len(), 7);
}

#[test]
fn a_server_that_knows_no_ranges_gives_all_of_it_again() {
    let server = Server::start(|_, _, stream| whole(stream, 200, &bytes()));
    let place = Place::of(&server.url);
    place.leave(&bytes()[..40_000]);
    assert_eq!(place.hub().verify(NAME).unwrap(), State::Partial(40_000));
    let (path, _) = pull(&place.hub());
    assert_eq!(fs::read(path.unwrap()).unwrap(), bytes());
    assert_eq!(server.requests()[0].from(), Some(40_000));
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn ranges_that_are_not_the_ones_asked_for_are_not_taken() {
    // Another first byte, another file, no range at all: each time it is begun anew.
    for (status, range) in [(206, "bytes 5-99999/100000"), (206, "bytes 40000-50000/50001"), (206, "x"), (416, "")] {
        let server = Server::start(move |before, request, stream| match before {
            0 => {
                head(stream, status, &[("Content-Range", range.into()), ("Content-Length", "60000".into())]);
                let _ = stream.write_all(&bytes()[..60_000]);
            }
            _ => part(stream, request, &bytes()),
        });
        let place = Place::of(&server.url);
        place.leave(&bytes()[..40_000]);
        let (path, told) = pull(&place.hub());
        assert_eq!(fs::read(path.unwrap()).unwrap(), bytes(), "{status} {range}");
        assert!(told.iter().any(|line| line.starts_with("retry") && line.contains("begun anew")), "{told:?}");
        assert_eq!(server.requests()[1].from(), None, "{status} {range}");
    }
}

#[test]
fn bytes_of_another_file_are_thrown_away_and_all_of_it_loaded() {
    let server = Server::of(bytes());
    let place = Place::of(&server.url);
    place.leave(&[7; 40_000]);
    assert_eq!(fs::read(pull(&place.hub()).0.unwrap()).unwrap(), bytes());
    assert_eq!(server.requests().iter().map(|r| r.from()).collect::<Vec<_>>(), [Some(40_000), None]);
    // Too many of them, or all of them there but never named.
    for left in [vec![7; 200_000], bytes()] {
        let place = Place::of(&server.url);
        place.leave(&left);
        assert_eq!(fs::read(pull(&place.hub()).0.unwrap()).unwrap(), bytes());
    }
}

#[test]
fn trouble_of_the_server_passes() {
    let server = Server::start(|before, request, stream| match before {
        0 => whole(stream, 500, b"sorry"),
        1 => whole(stream, 503, b""),
        2 => whole(stream, 429, b""),
        _ => part(stream, request, &bytes()),
    });
    let place = Place::of(&server.url);
    let (path, told) = pull(&place.hub());
    assert_eq!(fs::read(path.unwrap()).unwrap(), bytes());
    assert_eq!(server.requests().len(), 4);
    assert!(told.iter().any(|line| line.starts_with("retry") && line.contains("answers 500")), "{told:?}");
}

#[test]
fn the_second_address_is_asked_where_the_first_has_nothing() {
    let (first, second) = (Server::start(|_, _, stream| whole(stream, 404, b"")), Server::of(bytes()));
    let place = Place::new(&[&format!("{}/a", first.url), &format!("{}/b", second.url)]);
    let (path, told) = pull(&place.hub());
    assert_eq!(fs::read(path.unwrap()).unwrap(), bytes());
    assert_eq!((first.requests().len(), second.requests().len()), (1, 1));
    assert!(told.iter().any(|line| line.starts_with("next") && line.contains("404")), "{told:?}");
}

#[test]
fn who_listens_ends_it_and_goes_on_later() {
    let server = Server::of(bytes());
    let place = Place::of(&server.url);
    let hub = place.hub();
    let error = hub
        .pull(NAME, &Accept::Remembered, &mut |event: &Event<'_>| match event {
            Event::Bytes { done, .. } if *done > 10_000 => ControlFlow::Break(()),
            _ => ControlFlow::Continue(()),
        })
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Interrupted);
    place.assert_no_file();
    let Ok(State::Partial(left)) = hub.verify(NAME) else { panic!("nothing was kept") };
    assert!(left > 10_000);
    assert_eq!(fs::read(pull(&hub).0.unwrap()).unwrap(), bytes());
    assert_eq!(server.requests().last().unwrap().from(), Some(left as usize).filter(|&n| n < 100_000));
}
