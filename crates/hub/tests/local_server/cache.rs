//! What is in the cache: licences, damage, files put in by hand, disks that refuse.

use std::cell::Cell;
use std::fs;
use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

use ferrotype_hub::{Accept, Commercial, ErrorKind, Hub, Options, Registry, Silent, State};
use ferrotype_needs::needs;

use super::place::{NAME, Place, bytes, entry, pull, pull_with};
use super::server::Server;

/// A place with a loaded model.
fn loaded() -> (Server, Place) {
    let server = Server::of(bytes());
    let place = Place::of(&server.url);
    pull(&place.hub()).0.unwrap();
    (server, place)
}

#[test]
fn damage_is_found_before_a_path_is_given_out() {
    let (server, place) = loaded();
    let hub = place.hub();
    hub.path_of(NAME).unwrap();
    for changed in [[&bytes()[1..], &[0]].concat(), bytes()[1..].to_vec(), vec![]] {
        // Right, and known to be so by this hub, when it is changed behind its back; file systems count time in steps.
        fs::write(place.file(), bytes()).unwrap();
        hub.path_of(NAME).unwrap();
        sleep(Duration::from_millis(30));
        fs::write(place.file(), &changed).unwrap();
        for hub in [&hub, &place.hub()] {
            for error in [hub.path_of(NAME), hub.resolve(NAME), hub.resolve("hub:small")].map(Result::unwrap_err) {
                assert_eq!(error.kind(), ErrorKind::Damaged);
                assert!(error.to_string().contains("ferrotype models pull small"), "{error}");
            }
            assert!(matches!(hub.verify(NAME).unwrap(), State::Damaged(_)));
        }
    }
    assert_eq!(server.requests().len(), 1);
    let (path, told) = pull(&hub);
    assert_eq!(fs::read(path.unwrap()).unwrap(), bytes());
    assert_eq!(told[0], "damaged");
    assert_eq!(hub.verify(NAME).unwrap(), State::Present);
}

#[test]
fn the_list_says_what_is_there() {
    let (_server, place) = loaded();
    place.leave(&[0; 5]);
    let hub = place.hub();
    let list = hub.list().unwrap();
    assert_eq!(list.len(), Registry::shipped().unwrap().entries().len() + 1);
    let of = |name: &str| list.iter().find(|l| l.entry.name == name).unwrap();
    assert_eq!((&of(NAME).state, &of(NAME).path), (&State::Present, &place.file()));
    assert_eq!(of("yunet").state, State::Absent);
    fs::remove_file(place.file()).unwrap();
    let state = |hub: &Hub| hub.list().unwrap().into_iter().find(|l| l.entry.name == NAME).unwrap().state;
    assert_eq!(state(&hub), State::Partial(5));
    fs::write(place.file(), "short").unwrap();
    assert_eq!(state(&hub), State::Damaged("it has 5 bytes instead of 100000".into()));
}

#[test]
fn what_is_removed_is_gone() {
    let (_server, place) = loaded();
    let hub = place.hub();
    place.leave(&[0; 5]);
    let old = place.home().join("models/small/0123456789abcdef");
    fs::create_dir(&old).unwrap();
    fs::write(old.join("small.onnx"), "older").unwrap();
    assert_eq!(hub.remove(NAME).unwrap(), 100_010);
    assert_eq!(hub.verify(NAME).unwrap(), State::Absent);
    assert!(!place.home().join("models/small").exists());
    assert_eq!(hub.remove("hub:small").unwrap(), 0);
    assert_eq!(hub.remove("smal").unwrap_err().kind(), ErrorKind::Unknown);
}

#[test]
fn a_restricted_licence_is_asked_for_once() {
    let server = Server::of(bytes());
    let place = Place::new(&[]);
    let mut restricted = entry(&[&format!("{}/a", server.url)]);
    (restricted.commercial, restricted.licence) = (Commercial::Forbidden, "research only".into());
    place.write(&restricted);
    let hub = place.hub();
    let error = hub.path_of(NAME).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Licence);
    for part in ["research only", "must not be used commercially", "ferrotype models pull small --accept-licence"] {
        assert!(error.to_string().contains(part), "{part}: {error}");
    }
    let asked = Cell::new(0);
    let answer = |yes: bool| {
        let asked = &asked;
        move |entry: &ferrotype_hub::Entry| {
            assert_eq!(entry.licence, "research only");
            asked.set(asked.get() + 1);
            yes
        }
    };
    let no = answer(false);
    assert_eq!(pull_with(&hub, &Accept::Ask(&no)).0.unwrap_err().kind(), ErrorKind::Licence);
    assert!(server.requests().is_empty());
    let yes = answer(true);
    pull_with(&hub, &Accept::Ask(&yes)).0.unwrap();
    hub.path_of(NAME).unwrap();
    pull_with(&place.hub(), &Accept::Ask(&no)).0.unwrap();
    assert_eq!(asked.get(), 2);
    let listed = hub.list().unwrap();
    let accepted = listed.iter().find(|l| l.entry.name == NAME).unwrap().accepted.clone().unwrap();
    assert_eq!((accepted.licence.as_str(), &accepted.sha256), ("research only", &restricted.sha256));
    assert!(accepted.date.ends_with('Z') && accepted.date.len() == 20, "{}", accepted.date);
    // Other terms are another question, even for what is in the cache.
    restricted.terms = "other".into();
    place.write(&restricted);
    assert_eq!(place.hub().path_of(NAME).unwrap_err().kind(), ErrorKind::Licence);
    pull_with(&place.hub(), &Accept::Yes).0.unwrap();
    place.hub().path_of(NAME).unwrap();
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn a_file_is_put_in_by_hand_if_it_is_the_one() {
    let place = Place::new(&[]);
    let hub = place.hub();
    let own = place.home().join("download (1).onnx");
    let add = |bytes: &[u8]| {
        fs::write(&own, bytes).unwrap();
        hub.add_file(NAME, &own, &Accept::Remembered)
    };
    let wrong = add(&[0; 100_000]).unwrap_err();
    assert!(wrong.kind() == ErrorKind::Hash && wrong.to_string().contains("download (1).onnx"), "{wrong}");
    let short = add(&bytes()[..10]).unwrap_err();
    assert!(short.kind() == ErrorKind::Size && short.to_string().contains("10 bytes instead of 100000"), "{short}");
    let pointer = add(b"version https://git-lfs.github.com/spec/v1\noid sha256:ab\nsize 100000\n").unwrap_err();
    assert!(pointer.to_string().contains("Git LFS pointer"), "{pointer}");
    place.assert_no_file();
    assert!(!place.part().exists());
    let path = add(&bytes()).unwrap();
    assert_eq!((fs::read(&path).unwrap(), fs::read(&own).unwrap()), (bytes(), bytes()));
    assert_eq!(hub.path_of(NAME).unwrap(), path);
    assert!(hub.add_file(NAME, Path::new("/no/such"), &Accept::Yes).unwrap_err().to_string().contains("/no/such"));
}

#[test]
fn the_file_of_another_model_is_recognised() {
    let place = Place::new(&[]);
    let mut other = entry(&[]);
    let own = place.home().join("x");
    fs::write(&own, "abc").unwrap();
    (other.name, other.size) = ("letters".into(), 3);
    other.sha256 = ferrotype_base::digest::sha256("abc");
    place.write(&other);
    let error = place.hub().add_file(NAME, &own, &Accept::Remembered).unwrap_err();
    assert!(error.to_string().contains("it is the file of `letters`: ferrotype models add letters"), "{error}");
}

#[test]
fn what_a_user_writes_is_a_path_or_a_name() {
    let (_server, place) = loaded();
    let hub = place.hub();
    let own = place.home().join("own.onnx");
    fs::write(&own, "x").unwrap();
    for path in [own.to_str().unwrap(), "no/such.onnx", "./small", "runs\\a"] {
        assert_eq!(hub.resolve(path).unwrap(), Path::new(path));
    }
    // The folder in which tests run has this folder.
    assert_eq!(hub.resolve("tests").unwrap(), Path::new("tests"));
    assert_eq!(hub.resolve("small").unwrap(), place.file());
    assert_eq!(hub.resolve("hub:small").unwrap(), place.file());
    for (text, meant) in [("smal", "small"), ("hub:yunett", "yunet"), ("yunet.onnx", "yunet")] {
        let error = hub.resolve(text).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unknown);
        assert!(error.to_string().contains(&format!("did you mean `{meant}`?")), "{error}");
    }
    assert!(hub.resolve("banana").unwrap_err().to_string().contains("no file here"));
}

#[test]
fn a_cache_that_cannot_be_written_says_so() {
    let server = Server::of(bytes());
    let place = Place::of(&server.url);
    // A file where the folder should be: refused to root as well.
    fs::write(place.home().join("models"), "").unwrap();
    let error = pull(&place.hub()).0.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Disk, "{error}");
    assert!(error.to_string().contains("FERROTYPE_HOME"), "{error}");
    assert!(server.requests().is_empty());
}

/// A small disk in memory in place of the cache, taken down at the end.
#[cfg(target_os = "linux")]
struct Disk(std::path::PathBuf);

#[cfg(target_os = "linux")]
impl Disk {
    fn run(&self, program: &str, words: &[&str]) -> bool {
        std::process::Command::new(program).args(words).arg(&self.0).output().is_ok_and(|o| o.status.success())
    }
}

#[cfg(target_os = "linux")]
impl Drop for Disk {
    fn drop(&mut self) {
        self.run("umount", &[]);
    }
}

#[cfg(target_os = "linux")]
#[needs(mount)]
#[test]
fn a_full_disk_and_one_that_is_read_only() {
    let server = Server::of(bytes());
    let place = Place::new(&[]);
    let disk = Disk(place.home().to_owned());
    assert!(disk.run("mount", &["-t", "tmpfs", "-o", "size=64k", "tmpfs"]));
    place.write(&entry(&[&format!("{}/a", server.url)]));
    let own = tempfile::NamedTempFile::new().unwrap();
    fs::write(&own, bytes()).unwrap();
    let full = pull(&place.hub()).0.unwrap_err();
    assert!(full.kind() == ErrorKind::Disk && full.to_string().contains("is full"), "{full}");
    place.assert_no_file();
    let full = place.hub().add_file(NAME, own.path(), &Accept::Remembered).unwrap_err();
    assert!(full.kind() == ErrorKind::Disk && full.to_string().contains("is full"), "{full}");
    assert!(!place.part().exists());
    assert!(disk.run("mount", &["-o", "remount,size=1m"]));
    let path = pull(&place.hub()).0.unwrap();
    assert!(disk.run("mount", &["-o", "remount,ro"]));
    // What is there is given out all the same.
    assert_eq!(place.hub().path_of(NAME).unwrap(), path);
    let refused = place.hub().remove(NAME).unwrap_err();
    assert!(refused.kind() == ErrorKind::Disk && refused.to_string().contains("read-only"), "{refused}");
}

/// What the program has in it needs no network, and mends itself.
#[test]
fn a_shipped_model_is_unpacked() {
    let folder = tempfile::tempdir().unwrap();
    let mut options = Options::at(folder.path());
    options.offline = true;
    let hub = Hub::with_options(options).unwrap();
    assert_eq!(hub.verify("ferronet").unwrap(), State::Shipped);
    let path = hub.path_of("ferronet").unwrap();
    assert_eq!(fs::metadata(&path).unwrap().len(), hub.registry().get("ferronet").unwrap().size);
    assert_eq!(hub.verify("ferronet").unwrap(), State::Present);
    fs::write(&path, "cut").unwrap();
    assert_eq!(hub.pull("ferronet", &Accept::Remembered, &mut Silent).unwrap(), path);
    assert_eq!(hub.verify("ferronet").unwrap(), State::Present);
    assert!(hub.remove("ferronet").unwrap() > 0);
    assert_eq!(hub.verify("ferronet").unwrap(), State::Shipped);
}
