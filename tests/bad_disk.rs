//! A full disk and a read-only one, made by mounting (Linux, as root).

#![cfg(target_os = "linux")]

mod common;

use std::path::Path;
use std::process::Command;

use common::{Place, files};
use ferrotype_needs::needs;

/// A small disk in memory, taken down at the end.
struct Disk<'a> {
    place: &'a Place,
}

impl<'a> Disk<'a> {
    fn mount(place: &'a Place, size: &str) -> Self {
        std::fs::create_dir(place.at("disk")).unwrap();
        let disk = Self { place };
        assert!(disk.run("mount", &["-t", "tmpfs", "-o", size, "tmpfs"]), "a small disk cannot be mounted");
        disk
    }

    fn make_read_only(&self) {
        assert!(self.run("mount", &["-o", "remount,ro"]));
    }

    fn run(&self, program: &str, words: &[&str]) -> bool {
        let output = Command::new(program).args(words).arg(self.place.at("disk")).output();
        output.is_ok_and(|o| o.status.success())
    }
}

impl Drop for Disk<'_> {
    fn drop(&mut self) {
        self.run("umount", &[]);
    }
}

fn no_leftovers(folder: &Path) {
    let left = files(folder);
    assert!(!left.iter().any(|f| f.contains(".tmp-") || f.contains(".probe")), "{left:?}");
}

#[needs(mount)]
#[test]
fn a_full_disk() {
    let place = Place::new();
    let whole = place.train("whole", "");
    let disk = Disk::mount(&place, "size=64k");
    // No room for a prepared file: it does not appear.
    let message = place.refused("data prepare synthetic --count 600 --size 24 --out disk/a.h5");
    assert!(message.contains("disk/a.h5") && message.contains("is full"), "{message}");
    assert_eq!(files(&place.at("disk")), [""; 0]);
    // No room for shards: said before the disk is full, and no prepared file appears.
    let message = place.refused("data prepare synthetic --count 600 --size 24 --shard-mb 1 --out disk/b.h5");
    assert!(message.contains("is full") || message.contains("GiB free"), "{message}");
    assert!(!place.at("disk/b.h5").exists());
    std::fs::remove_dir_all(place.at("disk/b.h5.shards")).unwrap();
    // No room for the first weights: nothing was trained that could be gone on with.
    let message = place.refused("train --config small.yaml --out disk/runs -q");
    assert!(message.contains("is full"), "{message}");
    no_leftovers(&place.at("disk"));
    drop(disk);

    // Room for the weights, not for all that follows: with more room, the run goes on.
    std::fs::remove_dir(place.at("disk")).unwrap();
    let disk = Disk::mount(&place, "size=500k");
    let message = place.refused("train --config small.yaml --out disk/runs -q");
    assert!(message.contains("is full"), "{message}");
    no_leftovers(&place.at("disk"));
    let run = place.only("disk/runs");
    assert!(run.join("checkpoints/last.safetensors").exists());
    assert!(disk.run("mount", &["-o", "remount,size=50m"]));
    place.ok(&format!("train --resume {} -q", run.display()));
    assert!(common::result(&run) == common::result(&whole));
}

#[needs(mount)]
#[test]
fn a_disk_without_room_for_clips() {
    let place = Place::new();
    let disk = Disk::mount(&place, "size=10m");
    // 14 clips of 0.9 MiB of pixels or so: after eight of them it is known that the rest has no room.
    let command = "data prepare synthetic_clips --subjects 2 --clips 1 --seconds 0.8 --rate 15 --size 64 --shard-mb 1 \
                   --out disk/clips.h5";
    let message = place.refused(command);
    assert!(message.contains("GiB free") && message.contains("fewer --parts"), "{message}");
    let kept = files(&place.at("disk")).iter().filter(|name| name.starts_with("clips.h5.clips")).count();
    assert!((8..14).contains(&kept), "{kept}");
    assert!(disk.run("mount", &["-o", "remount,size=50m"]));
    place.ok(command);
    assert!(!place.at("disk/clips.h5.clips").exists() && place.at("disk/clips.h5.shards").exists());
}

#[needs(mount)]
#[test]
fn a_read_only_disk() {
    let place = Place::new();
    let run = place.train("runs", "").display().to_string();
    let disk = Disk::mount(&place, "size=10m");
    disk.make_read_only();
    for words in [
        "train --config small.yaml --out disk/runs".to_owned(),
        "train --config small.yaml --out disk".to_owned(),
        "train --config small.yaml --set data.path=disk/small.h5".to_owned(),
        "data prepare synthetic --count 10 --out disk/a.h5".to_owned(),
        "data audit small.h5 --json disk/a.json".to_owned(),
        format!("export --run {run} --out disk/a.onnx"),
        format!("eval --run {run} --json disk/a.json"),
        format!("eval --run {run} --csv disk/a.csv"),
    ] {
        let message = place.refused(&words);
        assert!(message.contains("read-only") && message.contains("disk"), "{words}\n{message}");
    }
    assert_eq!(files(&place.at("disk")), [""; 0]);
    assert_eq!(common::entries(&place.at("runs")).len(), 1);
}
