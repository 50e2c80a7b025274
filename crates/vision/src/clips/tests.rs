//! From video files to batches, on synthetic clips; and what is said of files that cannot be used.

use std::path::{Path, PathBuf};

use super::*;
use ferrotype_data::clips::store;
use ferrotype_data::options::{
    Baum1Options, Baum2Options, BaumClasses, ClipsOptions, Colour, Component, DataOptions, GapPolicy, PictureStorage,
    Preprocess, Resize, Scale, SegmentOptions, SyntheticClipsOptions,
};
use ferrotype_data::task::Task;
use ferrotype_needs::needs;

/// Two persons, one short clip of each class.
fn small() -> SyntheticClipsOptions {
    SyntheticClipsOptions {
        subjects: 2,
        clips: 1,
        seconds: 0.8,
        rate: 15.0,
        size: 64,
        ..SyntheticClipsOptions::default()
    }
}

fn by_tables(root: &Path) -> VideoOptions {
    VideoOptions { openface: Some(root.join("openface")), size: 16, padding: 2.0, ..VideoOptions::default() }
}

fn baum1s(root: &Path, annotations: Option<PathBuf>) -> SourceOptions {
    let options =
        Baum1Options { root: root.into(), annotations, classes: BaumClasses::default(), video: by_tables(root) };
    SourceOptions::Baum1s(options)
}

#[needs(ffmpeg)]
#[test]
fn a_drawn_baum_goes_from_files_to_batches() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("baum");
    let done = synthesise::baum(&small(), false, &root).unwrap();
    assert_eq!(done.clips, 14);
    assert!(root.join("BAUM1s_MP4 - All/s002/S002_007.mp4").is_file());
    let out = folder.path().join("clips.h5");
    let set = prepare(&baum1s(&root, None), &out, "test", &StorageOptions::default()).unwrap();
    assert_eq!((set.clips.len(), set.frames.len(), set.skipped.len()), (14, done.frames, 0), "{set:?}");
    assert!(set.provenance.synthetic);
    assert_eq!((set.classes.as_slice(), set.features[0].columns.len()), (&labels::SYSTEM003.map(String::from)[..], 17));
    let per_class = |label: i16| set.clips.iter().filter(|c| c.label == label).count();
    assert_eq!((0..7).map(per_class).collect::<Vec<_>>(), [2; 7]);
    assert!(!out.with_file_name("clips.h5.clips").exists());
    // Landmarks and times are those that were drawn.
    let clip = &set.clips[3];
    let take = drawn::takes(&small(), &drawn::EXPRESSIONS.into_iter().enumerate().collect::<Vec<_>>()).remove(3);
    assert_eq!(
        (clip.name.clone(), clip.label as usize, clip.count),
        (take.name(), take.class, take.performance.frames)
    );
    let (_, points) = take.frame(5, 64);
    let at = (clip.first + 5) * 136;
    assert!(set.frames.landmarks[at..at + 136].iter().zip(points.as_flattened()).all(|(a, b)| (a - b).abs() < 0.06));
    assert!((set.frames.times[clip.first + 5] - 5.0 / 15.0).abs() < 1e-3);
    // The same annotations as csv give the same clips.
    let csv =
        prepare(&baum1s(&root, Some(root.join("Annotations_BAUM1s.csv"))), &out, "test", &StorageOptions::default())
            .unwrap();
    assert_eq!(csv.clips, set.clips);
    batches(&out);
}

/// Segments of the file as a task hands them out.
fn batches(path: &Path) {
    let options: DataOptions = serde_json::from_value(serde_json::json!({
        "path": path,
        "clips": {"parts": ["left_eye", "right_eye", "aligned_face"], "frames": 4, "segments": "blocks"},
        "split": {"clip_holdout": {"validation": 0.25, "test": 0.25}},
        "preprocess": {"size": 16, "colour": "bgr", "scale": "raw"},
        "augment": {"flip": 0.5, "shift": 0.1},
    }))
    .unwrap();
    assert_eq!(options.input(), [3 * 4 * 3, 16, 16]);
    let task = Task::prepare(&options, 1, write_source).unwrap();
    assert_eq!((task.input(), task.facts.shared_clips.map(|c| c[0])), (options.input(), Some(0)));
    assert!(task.facts.shared_subjects.is_some_and(|n| n > 0));
    let batch = task.training_loader(4, 1).unwrap().epoch(0, 0).next().unwrap().unwrap();
    assert_eq!((batch.shape, batch.images.len(), batch.valid.clone()), ([36, 16, 16], 4 * 36 * 256, vec![4; 4]));
    // Evaluation: the stored bytes of the first segment, blue before red.
    let subset = &task.test;
    let batch = subset.evaluation_loader(2).unwrap().epoch(0, 0).next().unwrap().unwrap();
    let row = subset.labelled.rows[subset.indices[0]] as usize;
    let number = subset.faces.segments.as_ref().unwrap().get(row)[4 + 1] as usize;
    let stored = subset.faces.images.get(number);
    let planes = &batch.images[(4 + 1) * 3 * 256..(4 + 2) * 3 * 256];
    assert!((0..256).all(|i| (0..3).all(|c| planes[c * 256 + i] == f32::from(stored[i * 3 + 2 - c]))));
    let leaking = DataOptions { split: ferrotype_data::options::SplitRule::SegmentsAtRandom, ..options };
    let facts = Task::prepare(&leaking, 1, write_source).unwrap().facts;
    assert!(facts.shared_clips.unwrap()[0] > 0 && facts.notes[0].contains("LEAKING"), "{facts:?}");
}

#[needs(ffmpeg)]
#[test]
fn bad_clips_are_skipped_with_their_reasons_and_the_rest_is_used() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("baum");
    synthesise::baum(&SyntheticClipsOptions { subjects: 1, seconds: 0.6, ..small() }, false, &root).unwrap();
    let videos = root.join("BAUM1s_MP4 - All/s001");
    let file = |n: usize| videos.join(format!("S001_{n:03}.mp4"));
    let table = |n: usize| root.join(format!("openface/S001_{n:03}.csv"));
    let whole = std::fs::read(file(1)).unwrap();
    std::fs::write(file(1), &whole[..whole.len() / 2]).unwrap();
    std::fs::write(file(2), []).unwrap();
    std::fs::write(file(3), "no video").unwrap();
    std::fs::remove_file(file(4)).unwrap();
    let text = std::fs::read_to_string(table(5)).unwrap();
    std::fs::write(table(5), text.replace(" x_30,", " z,")).unwrap();
    let text = std::fs::read_to_string(table(6)).unwrap();
    std::fs::write(table(6), text.replace(", 0.98, 1,", ", 0.98, 0,")).unwrap();
    let out = folder.path().join("clips.h5");
    let set = prepare(&baum1s(&root, None), &out, "test", &StorageOptions::default()).unwrap();
    assert_eq!(set.clips.iter().map(|c| c.name.as_str()).collect::<Vec<_>>(), ["S001_007"]);
    let reason = |n: usize| {
        let name = format!("S001_{n:03}");
        set.skipped
            .iter()
            .find(|s| s.clip == name)
            .unwrap_or_else(|| panic!("{name}: {:?}", set.skipped))
            .reason
            .clone()
    };
    let words =
        ["cannot be read as a video", "is empty", "cannot be read as a video", "no such file", "x_30", "no face"];
    for (n, word) in (1..).zip(words) {
        assert!(reason(n).contains(word), "{n}: {}", reason(n));
    }
    // They are told of in the file, too.
    assert_eq!(store::summary(&out).unwrap().skipped, set.skipped);
    // With nothing left, the reasons are the error.
    std::fs::remove_file(file(7)).unwrap();
    let error = format!("{:#}", prepare(&baum1s(&root, None), &out, "test", &StorageOptions::default()).unwrap_err());
    assert!(error.contains("none of the clips can be used") && error.contains("and 4 more"), "{error}");
}

#[needs(ffmpeg)]
#[test]
fn an_interrupted_preparation_goes_on_and_gaps_follow_their_policy() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("baum");
    synthesise::baum(&SyntheticClipsOptions { subjects: 1, ..small() }, true, &root).unwrap();
    // The tracking fails in the first and in the fifth frame of the first clip.
    let table = root.join("openface/S001_001.csv");
    let text = std::fs::read_to_string(&table).unwrap();
    let failed =
        |(n, line): (usize, &str)| if n == 1 || n == 5 { line.replace(" 0.98, 1,", " 0.1, 0,") } else { line.into() };
    std::fs::write(&table, text.lines().enumerate().map(failed).collect::<Vec<String>>().join("\n")).unwrap();
    let out = folder.path().join("clips.h5");
    let source = |gaps: GapPolicy| {
        let video = VideoOptions { gaps, parts: vec![Component::Mouth, Component::FullFace], ..by_tables(&root) };
        let classes = BaumClasses::Basic6;
        SourceOptions::Baum1a(Baum1Options { root: root.clone(), annotations: None, classes, video })
    };
    let copied = prepare(&source(GapPolicy::CopyPrevious), &out, "test", &StorageOptions::default()).unwrap();
    let frames = copied.clips[0].count;
    assert_eq!((copied.classes.len(), copied.clips.len(), copied.clips[0].with_face as usize), (6, 6, frames - 1));
    assert_eq!(copied.frames.copied[..5], [false, false, false, true, false]);
    let parts = store::read(&out, None).unwrap().parts;
    let at = |part: usize, n: usize| &parts[part].pixels[n * 768..(n + 1) * 768];
    // The mouth is that of the frame before; the whole frame is its own.
    assert!(at(0, 3) == at(0, 2) && at(0, 4) != at(0, 3) && at(1, 3) != at(1, 2));
    let dropped = prepare(&source(GapPolicy::Drop), &out, "test", &StorageOptions::default()).unwrap();
    assert_eq!((dropped.clips[0].count, dropped.frames.numbers[..4].to_vec()), (frames - 1, vec![1, 2, 3, 5]));
    let failing = prepare(&source(GapPolicy::Fail), &out, "test", &StorageOptions::default()).unwrap();
    assert!(failing.clips.len() == 5 && failing.skipped[0].reason.contains("no face in frame 0"), "{failing:?}");

    // Half of the clips are finished when the rest of the files is gone: they are not looked at again.
    let SourceOptions::Baum1a(options) = source(GapPolicy::Drop) else { unreachable!() };
    let plan = baum::plan_baum1(&options, &baum::ACTED).unwrap();
    let tools = Tools::open(&options.video).unwrap();
    let journal = |video: &VideoOptions| Journal::open(&out, &described(video).unwrap()).unwrap();
    let work_through = |plan: &Plan| {
        of_videos(plan, &tools).work_through(&journal(&options.video), &StorageOptions::default()).unwrap()
    };
    let is_kept = |job: &Job, video: &VideoOptions| {
        let plan = Plan { jobs: vec![job.clone()], ..Plan::default() };
        let wanted = &of_videos(&plan, &tools).wanted[0];
        Journal::has(&journal(video).path(&wanted.name, &wanted.made_of))
    };
    work_through(&Plan { jobs: plan.jobs[..3].to_vec(), ..Plan::default() });
    let kept: Vec<bool> = plan.jobs.iter().map(|job| is_kept(job, &options.video)).collect();
    assert_eq!(kept, [true, true, true, false, false, false]);
    let before = std::fs::metadata(journal_file(&out, "S001_001")).unwrap().modified().unwrap();
    work_through(&plan);
    assert_eq!(std::fs::metadata(journal_file(&out, "S001_001")).unwrap().modified().unwrap(), before);
    let resumed = prepare(&source(GapPolicy::Drop), &out, "test", &StorageOptions::default()).unwrap();
    assert_eq!(resumed, dropped);
    // Other options make another clip of the same file.
    let other = VideoOptions { padding: 3.0, ..options.video.clone() };
    assert!(!is_kept(&plan.jobs[0], &other));
}

fn journal_file(out: &Path, clip: &str) -> PathBuf {
    let folder = out.with_file_name("clips.h5.clips");
    let mut found = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path());
    found.find(|p| p.file_name().unwrap().to_string_lossy().starts_with(clip)).unwrap()
}

#[test]
fn tables_of_labels_and_lists_are_understood() {
    let folder = tempfile::tempdir().unwrap();
    let videos = folder.path().join("videos/deep");
    std::fs::create_dir_all(&videos).unwrap();
    for name in ["S001_001.mp4", "S285_002.AVI", "extra.mp4"] {
        std::fs::write(videos.join(name), "x").unwrap();
    }
    let table = folder.path().join("labels.csv");
    let plan = |text: &str| {
        std::fs::write(&table, text).unwrap();
        let options = ClipsOptions {
            videos: folder.path().join("videos"),
            labels: table.clone(),
            video: VideoOptions::default(),
        };
        labels::plan(&options)
    };
    let found = plan("clip,label\nS001_001.mp4,joy\ns285_002,anger\nS009_009,joy\nS001_001.mp4,joy\nextra,\n").unwrap();
    assert_eq!(found.classes, ["anger", "joy"]);
    let jobs: Vec<_> = found.jobs.iter().map(|j| (j.name.as_str(), j.subject.as_str(), j.label)).collect();
    assert_eq!(jobs, [("S001_001", "S001", 1), ("S285_002", "S285", 0)]);
    let reasons: Vec<_> = found.skipped.iter().map(|s| s.reason.as_str()).collect();
    assert!(reasons[0].contains("no such file") && reasons[1].contains("twice") && reasons[2].contains("no label"));
    assert!(found.notes[0].contains("extra.mp4"));
    // System 003's form, with semicolons as some spreadsheets write them.
    let codes = plan("Clip Name;Emotion Code\nS001_001;5\nS285_002;7\n").unwrap();
    assert_eq!((codes.jobs[0].label, codes.classes[5].as_str()), (5, "happy"));
    assert!(codes.skipped[0].reason.contains("0 to 6"));
    assert!(plan("a,b\n1,2\n").unwrap_err().to_string().contains("`clip` and `label`"));
    assert!(plan("clip,label\n").unwrap_err().to_string().contains("no rows"));
    // BAUM-2's list.
    std::fs::write(&table, "clip,label\nS001_001,Disgust\nS285_002,happy\nextra,bored\n").unwrap();
    let options = Baum2Options {
        videos: folder.path().join("videos"),
        list: table.clone(),
        classes: BaumClasses::System003,
        video: VideoOptions::default(),
    };
    let found = baum::plan_baum2(&options).unwrap();
    assert_eq!(found.jobs.iter().map(|j| j.label).collect::<Vec<_>>(), [2, 5]);
    assert!(found.skipped[0].reason.contains("bored"));
}

#[test]
fn files_of_one_name_are_told_apart_by_their_folders() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    for name in ["v/happy/001.mp4", "v/sad/001.mp4", "v/sad/002.mp4", "of/001.csv", "of/002_raw.csv"] {
        write(name, "x");
    }
    let plan = |rows: &str| {
        write("labels.csv", rows);
        let (videos, labels) = (folder.path().join("v"), folder.path().join("labels.csv"));
        labels::plan(&ClipsOptions { videos, labels, video: VideoOptions::default() })
    };
    let mut found = plan("clip,label\nhappy/001,happy\nsad\\001.mp4,sad\n002,sad\n").unwrap();
    let jobs: Vec<_> = found.jobs.iter().map(|j| (j.name.as_str(), j.below.as_str(), j.label)).collect();
    assert_eq!(jobs, [("happy/001", "happy/001.mp4", 0), ("sad/001", "sad/001.mp4", 1), ("002", "sad/002.mp4", 1)]);
    // The one flat 001.csv is nobody's; in folders each has its own.
    let mut tables = || {
        files::find_tables(&mut found.jobs, &folder.path().join("of")).unwrap();
        let root = folder.path().join("of");
        let below = |path: &PathBuf| path.strip_prefix(&root).unwrap().display().to_string();
        found.jobs.iter().map(|j| j.table.as_ref().map(below).unwrap_or_default()).collect::<Vec<_>>()
    };
    assert_eq!(tables(), ["", "", "002_raw.csv"]);
    for name in ["of/happy/001.csv", "of/sad/001.csv"] {
        write(name, "x");
    }
    assert_eq!(tables(), ["happy/001.csv", "sad/001.csv", "002_raw.csv"]);
    let message = format!("{:#}", plan("clip,label\n001,happy\n").unwrap_err());
    assert!(message.contains("happy/001.mp4, sad/001.mp4"), "{message}");
}

#[test]
fn annotations_of_baum_are_read_by_their_columns() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    std::fs::create_dir_all(root.join("BAUM1a_MP4 - All/s003")).unwrap();
    for n in 1..5 {
        std::fs::write(root.join(format!("BAUM1a_MP4 - All/s003/S003_00{n}.mp4")), "x").unwrap();
    }
    let header = ["a", "Subject", "c", "Clip Name", "Emotion", "Emotion Code", "Gender"];
    let rows = [
        ["", "3", "", "S003_001", "Disgust", "3", "F"],
        ["", "3", "", "S003_002", "Interest", "6", "F"],
        ["", "3", "", "S003_003", "Fear", "1", "F"],
        ["", "3", "", "S003_004", "Anger", "12", "F"],
        ["", "3", "", "S003_005", "Anger", "1", "F"],
    ];
    let rows: String = std::iter::once(header).chain(rows).map(|row| row.join(";") + "\n").collect();
    let table = root.join("Annotations_BAUM1a.csv");
    std::fs::write(&table, rows).unwrap();
    let options =
        |classes| Baum1Options { root: root.into(), annotations: None, classes, video: VideoOptions::default() };
    let plan = baum::plan_baum1(&options(BaumClasses::System003), &baum::ACTED).unwrap();
    let jobs: Vec<_> = plan.jobs.iter().map(|j| (j.name.as_str(), j.subject.as_str(), j.label)).collect();
    // Disgust is contempt there; where word and code differ the code counts, and it is said.
    assert_eq!(jobs, [("S003_001", "S003", 2), ("S003_003", "S003", 1)]);
    assert!(plan.notes[0].contains("S003_003") && plan.notes[0].contains("the code counts"), "{:?}", plan.notes);
    let reasons: Vec<_> = plan.skipped.iter().map(|s| s.reason.as_str()).collect();
    assert!(reasons[0].contains("interest") && reasons[1].contains("1 to 9") && reasons[2].contains("no such file"));
    let all = baum::plan_baum1(&options(BaumClasses::All), &baum::ACTED).unwrap();
    assert_eq!((all.classes.len(), all.jobs.iter().map(|j| j.label).collect::<Vec<_>>()), (9, vec![2, 5, 0]));
    let missing = baum::plan_baum1(&options(BaumClasses::All), &baum::SPONTANEOUS).unwrap_err().to_string();
    assert!(missing.contains("BAUM1s_MP4 - All"), "{missing}");
    // BAUM-1 is published with a spreadsheet.
    std::fs::rename(table, root.join("Annotations_BAUM1a.xlsx")).unwrap();
    std::fs::write(root.join("Annotations_BAUM1a.xlsx"), b"PK\x03\x04").unwrap();
    let refused = format!("{:#}", baum::plan_baum1(&options(BaumClasses::All), &baum::ACTED).unwrap_err());
    assert!(refused.contains("Annotations_BAUM1a.xlsx") && refused.contains("as CSV"), "{refused}");
}

#[test]
fn drawn_clips_need_no_program() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("drawn.h5");
    let options = SyntheticClipsOptions { subjects: 3, seconds: 0.6, ..small() };
    let set =
        prepare(&SourceOptions::SyntheticClips(options.clone()), &out, "test", &StorageOptions::default()).unwrap();
    assert_eq!((set.clips.len(), set.provenance.synthetic, set.parts.len()), (21, true, 8));
    let again = prepare(
        &SourceOptions::SyntheticClips(options),
        &folder.path().join("again.h5"),
        "test",
        &StorageOptions::default(),
    )
    .unwrap();
    assert_eq!(set, again);
    let options = DataOptions {
        path: out,
        source: None,
        clips: Some(SegmentOptions { frames: 5, ..SegmentOptions::default() }),
        ..loso()
    };
    let task = Task::prepare(&options, 1, write_source).unwrap();
    assert_eq!(task.facts.shared_subjects, Some(0));
    assert_eq!(task.input(), [5 * 5 * 3, 60, 60]);
    // A file of other clips than the experiment asks for is not silently taken.
    let other = SyntheticClipsOptions { subjects: 4, seconds: 0.6, ..small() };
    let asked = DataOptions { source: Some(SourceOptions::SyntheticClips(other)), ..options };
    assert!(
        format!("{:#}", Task::prepare(&asked, 1, write_source).err().unwrap())
            .contains("was not made from what data.source says")
    );
}

#[test]
fn large_sets_lie_in_pieces_beside_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let [memory, out] = ["memory.h5", "pieces.h5"].map(|name| folder.path().join(name));
    // 14 clips of 12 frames or so: two MiB for each of the eight parts.
    let source = SourceOptions::SyntheticClips(small());
    let pieces = StorageOptions { shard_mb: Some(1), ..StorageOptions::default() };
    prepare(&source, &memory, "test", &StorageOptions::default()).unwrap();
    let set = prepare(&source, &out, "test", &pieces).unwrap();
    assert!(set.pieces.as_ref().unwrap().shards.list().shards.len() >= 16 && store::summary(&out).unwrap() == set);
    assert!(store::read(&out, None).unwrap() == store::read(&memory, None).unwrap());
    let names = std::fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.collect();
    names.sort();
    assert_eq!(names, ["memory.h5", "pieces.h5", "pieces.h5.shards"]);
    for storage in [
        StorageOptions { pictures: PictureStorage::Jpeg, ..pieces.clone() },
        StorageOptions { jpeg_quality: 90, ..StorageOptions::default() },
    ] {
        let said = write_source(&source, &out, &storage).unwrap_err().to_string();
        assert!(said.contains("kept as pixels"), "{said}");
    }
    assert!(check_storage(&source, &pieces).is_ok());
}

#[test]
fn who_waits_for_a_file_takes_the_one_that_was_made() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("drawn.h5");
    let source = SourceOptions::SyntheticClips(SyntheticClipsOptions { subjects: 1, seconds: 0.2, ..small() });
    let write = || write_source(&source, &out, &StorageOptions::default());
    let lock = OutLock::acquire(&out).unwrap();
    std::thread::scope(|scope| {
        let waiting = scope.spawn(write);
        std::thread::sleep(std::time::Duration::from_millis(200));
        std::fs::write(&out, "made by another").unwrap();
        drop(lock);
        waiting.join().unwrap().unwrap();
    });
    assert_eq!(std::fs::read(&out).unwrap(), b"made by another");
    // Whoever held the lock has given up: it is made.
    std::fs::remove_file(&out).unwrap();
    let lock = OutLock::acquire(&out).unwrap();
    std::thread::scope(|scope| {
        let waiting = scope.spawn(write);
        std::thread::sleep(std::time::Duration::from_millis(200));
        drop(lock);
        waiting.join().unwrap().unwrap();
    });
    assert!(store::summary(&out).is_ok());
}

fn loso() -> DataOptions {
    DataOptions {
        path: PathBuf::new(),
        source: None,
        storage: Default::default(),
        clips: None,
        labels: Default::default(),
        split: ferrotype_data::options::SplitRule::LeaveOneSubjectOut,
        fold: 1,
        validation_set: None,
        drop_leaks: false,
        limit: None,
        preprocess: Preprocess::new(60, Resize::default(), Colour::Rgb, Scale::Unit),
        augment: Default::default(),
        sampler: Default::default(),
        workers: 1,
    }
}

#[needs(ffmpeg)]
#[test]
fn what_cannot_work_is_said_before_the_work() {
    let folder = tempfile::tempdir().unwrap();
    let refused = |options: VideoOptions| match Tools::open(&options) {
        Ok(_) => panic!("accepted"),
        Err(error) => format!("{error:#}"),
    };
    assert!(refused(VideoOptions::default()).contains("--openface"));
    let nowhere = Some(folder.path().join("none"));
    assert!(refused(VideoOptions { openface: nowhere.clone(), ..VideoOptions::default() }).contains("not a folder"));
    let networks = VideoOptions { detector: nowhere.clone(), landmarks: nowhere, ..VideoOptions::default() };
    assert!(refused(networks).contains("cannot read the face detector"));
    for bad in [
        VideoOptions { parts: vec![], ..VideoOptions::default() },
        VideoOptions { parts: vec![Component::Nose; 2], ..VideoOptions::default() },
        VideoOptions { rate: Some(0.0), ..VideoOptions::default() },
        VideoOptions { size: 3, ..VideoOptions::default() },
    ] {
        refused(bad);
    }
    assert!(Tools::open(&VideoOptions { parts: vec![Component::FullFace], ..VideoOptions::default() }).is_ok());
}
