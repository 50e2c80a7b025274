//! Decoding of files that are made here, and of real ones where FERROTYPE_DATA names a folder with `videos/`.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::*;
use ferrotype_data::real_data::data_folder;
use ferrotype_needs::needs;

/// 20 frames of 64 x 48 at 25 per second: frame n is grey 40 + 8 n, with a white corner, and noise at the lower edge so that
/// the file has some size.
fn write(path: &Path) {
    let mut encoder = Encoder::start(path, [64, 48], 25.0).unwrap();
    for n in 0..20u8 {
        let mut pixels = vec![40 + 8 * n; 64 * 48];
        (0..12).for_each(|y| pixels[y * 64..y * 64 + 16].fill(255));
        let mut noise = ferrotype_base::random::Stream::new(u64::from(n));
        pixels[36 * 64..].iter_mut().for_each(|p| *p = noise.below(256) as u8);
        encoder.push(&pixels).unwrap();
    }
    encoder.finish().unwrap();
}

fn decode(path: &Path) -> (Vec<Frame>, Log) {
    let mut decoder = Decoder::open(path).unwrap();
    let frames = decoder.by_ref().collect::<anyhow::Result<Vec<_>>>().unwrap();
    (frames, decoder.log().clone())
}

/// Runs ffmpeg on a file made here.
fn ffmpeg(words: &[&str]) {
    let status = Command::new("ffmpeg").args(["-loglevel", "error", "-y"]).args(words).status().unwrap();
    assert!(status.success(), "{words:?}");
}

fn middle(frame: &Frame) -> u8 {
    frame.pixels[(frame.height / 2 * frame.width + frame.width / 2) * 3]
}

#[needs(ffmpeg)]
#[test]
fn frames_come_with_their_times() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("-a clip.mp4");
    write(&path);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    let header = probe(&path).unwrap();
    assert_eq!((header.width, header.height, header.frames, header.rate), (64, 48, Some(20), Some(25.0)));
    assert_eq!((header.codec.as_str(), header.rotation), ("h264", 0));
    let (frames, log) = decode(&path);
    assert_eq!(log, Log { frames: 20, ..Log::default() });
    for (n, frame) in frames.iter().enumerate() {
        assert_eq!((frame.number, frame.width, frame.height), (n, 64, 48));
        assert!((frame.time - n as f64 * 0.04).abs() < 1e-6, "{}", frame.time);
        assert!(middle(frame).abs_diff(40 + 8 * n as u8) <= 3 && frame.pixels[0] > 240);
    }
    // The same file gives the same bytes, and frames may be left unread.
    assert_eq!(decode(&path).0, frames);
    let mut decoder = Decoder::open(&path).unwrap();
    assert_eq!(decoder.next().unwrap().unwrap(), frames[0]);
}

#[needs(ffmpeg)]
#[test]
fn times_vary_and_rotation_is_honoured() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let text = |path: &Path| path.to_str().unwrap().to_owned();
    write(&at("a.mp4"));
    // Every frame from the tenth on comes a second later.
    let (from, to) = (text(&at("a.mp4")), text(&at("late.mp4")));
    ffmpeg(&["-i", &from, "-vf", "setpts=PTS+gte(N\\,10)/TB", "-fps_mode", "vfr", "-c:v", "libx264", &to]);
    let times: Vec<f64> = decode(&at("late.mp4")).0.iter().map(|f| f.time).collect();
    assert_eq!(times.len(), 20);
    assert!((times[9] - 0.36).abs() < 1e-3 && (times[10] - 1.4).abs() < 1e-3, "{times:?}");
    // A turn in the metadata: the white corner of the upper left goes to another, and the sides change places.
    let turned = text(&at("turned.mp4"));
    // Versions before 6 read it from the metadata, later ones from an option of the input.
    ffmpeg(&["-i", &from, "-c", "copy", "-metadata:s:v", "rotate=90", &turned]);
    if probe(Path::new(&turned)).unwrap().rotation == 0 {
        ffmpeg(&["-display_rotation", "90", "-i", &from, "-c", "copy", &turned]);
    }
    let (frames, _) = decode(Path::new(&turned));
    assert_eq!((frames[0].width, frames[0].height), (48, 64));
    let corner = |x: usize, y: usize| frames[0].pixels[(y * 48 + x) * 3];
    // Counter-clockwise, the upper left corner becomes the lower left; clockwise, the upper right.
    let place = if probe(Path::new(&turned)).unwrap().rotation == 90 { [0, 63] } else { [47, 0] };
    assert!(corner(place[0], place[1]) > 240 && corner(0, 0) < 240, "{place:?}");
}

#[needs(ffmpeg)]
#[test]
fn bad_files_are_named_and_damage_is_counted() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let refused = |path: PathBuf| match Decoder::open(&path) {
        Ok(mut decoder) => format!("{:#}", decoder.find_map(Result::err).expect("an error")),
        Err(error) => format!("{error:#}"),
    };
    assert!(refused(at("none.mp4")).contains("cannot read"));
    std::fs::write(at("empty.mp4"), []).unwrap();
    assert!(refused(at("empty.mp4")).contains("is empty"));
    std::fs::write(at("text.mp4"), "not a video\n".repeat(100)).unwrap();
    assert!(refused(at("text.mp4")).contains("cannot be read as a video"));
    assert!(refused(folder.path().to_path_buf()).contains("folder"));
    ffmpeg(&["-f", "lavfi", "-i", "sine=duration=1", at("sound.wav").to_str().unwrap()]);
    assert!(refused(at("sound.wav")).contains("no video stream"));
    // A whole file of no length at all.
    ffmpeg(&["-f", "lavfi", "-i", "color=s=64x48", "-t", "0", at("short.mp4").to_str().unwrap()]);
    assert!(refused(at("short.mp4")).contains("no video stream"));
    write(&at("a.mp4"));
    // Without its index, at the end of the file, an MP4 cannot be read; with it in front, what is there is decoded.
    let whole = std::fs::read(at("a.mp4")).unwrap();
    std::fs::write(at("cut.mp4"), &whole[..whole.len() / 2]).unwrap();
    assert!(refused(at("cut.mp4")).contains("cannot be read as a video"));
    let front = at("front.mp4");
    let (from, to) = (at("a.mp4"), front.to_str().unwrap().to_owned());
    ffmpeg(&["-i", from.to_str().unwrap(), "-c", "copy", "-movflags", "faststart", &to]);
    let bytes = std::fs::read(&front).unwrap();
    std::fs::write(&front, &bytes[..bytes.len() - 700]).unwrap();
    let (frames, log) = decode(&front);
    assert!(frames.len() < 20 && !frames.is_empty() && log.errors > 0, "{} {log:?}", frames.len());
    // What is missing lies at the end.
    assert!(log.damaged.iter().all(|&[first, last]| first + 3 > frames.len() && last <= 20), "{log:?}");
    assert!(log.note().unwrap().contains("errors at frame"));
}

#[needs(data, ffmpeg)]
#[test]
fn real_videos_give_their_frames() {
    let data = data_folder();
    let known = [
        ("one_face_emotions.mp4", 472, 472, 19.6446),
        ("single_face.mp4", 72, 72, 2.36667),
        ("no_face_wrong_header.mp4", 98, 95, 3.91667),
        ("face_noface.mov", 169, 169, 6.36035),
        ("several_faces.mp4", 275, 275, 9.98649),
    ];
    for (name, claimed, decoded, last) in known {
        let path = data.join("videos").join(name);
        let began = std::time::Instant::now();
        let mut decoder = Decoder::open(&path).unwrap();
        assert_eq!(decoder.header().frames, Some(claimed), "{name}");
        let time = decoder.by_ref().map(|f| f.unwrap().time).last().unwrap();
        let log = decoder.log();
        println!(
            "{name}: {} frames, {:.0} per second, {log:?}",
            log.frames,
            log.frames as f64 / began.elapsed().as_secs_f64()
        );
        assert_eq!((log.frames, log.bad_times), (decoded, 0), "{name}");
        assert!((time - last).abs() < 1e-3, "{name} {time}");
    }
}
