use std::fs;

use ferrotype_flow::Plane;
use ferrotype_needs::needs;

use super::*;
use crate::faces::{Photo, align_eyes};
use ferrotype_data::options::{MicroTask, MotionInput, SyntheticMicroOptions, SyntheticMotionOptions, UnknownApex};
use ferrotype_data::store;
use ferrotype_data::synthetic::micro::performances;

fn drawn() -> SyntheticMicroOptions {
    SyntheticMicroOptions { subjects: 2, clips: 1, size: 96, nuisance: 0.1, ..SyntheticMicroOptions::default() }
}

fn options(root: &Path) -> MicroOptions {
    MicroOptions {
        root: root.to_path_buf(),
        sheet: None,
        frames: None,
        task: MicroTask::Composite,
        detector: None,
        cropped: true,
        input: MotionInput::Stretched,
        side: 28,
        face: 64,
        unknown_apex: UnknownApex::Spot,
        mend_apex: false,
        skip_bad: false,
    }
}

fn made(options: &MicroOptions) -> Result<FaceSet> {
    prepare(&SourceOptions::Casme2(options.clone()), &options.root.join("out.h5"), "test")
}

fn with_threads<T: Send>(count: usize, f: impl FnOnce() -> T + Send) -> T {
    rayon::ThreadPoolBuilder::new().num_threads(count).build().unwrap().install(f)
}

#[test]
fn a_drawn_set_is_prepared_as_casme2_is() {
    let dir = tempfile::tempdir().unwrap();
    let written = synthesise::casme2(&drawn(), dir.path()).unwrap();
    let all = performances(&drawn());
    assert_eq!(written.clips, 6);
    assert_eq!(written.frames, all.iter().map(|p| (p.last - p.first + 1) as usize).sum::<usize>());
    let mut o = options(dir.path());
    let set = with_threads(1, || made(&o)).unwrap();
    assert_eq!(with_threads(3, || made(&o)).unwrap(), set, "the bits depend on the number of threads");
    assert_eq!(set.labels, all.iter().map(|p| p.class).collect::<Vec<_>>());
    assert_eq!(set.names[..2], ["casme2/sub01/EP01_01", "casme2/sub01/EP02_01"]);
    assert_eq!(set.subjects.as_ref().unwrap()[3], "sub02");
    assert_eq!(set.groups.as_ref().unwrap()[0], "casme2");
    assert_eq!((set.images.height, set.images.width, set.images.channels), (28, 28, 3));
    assert!(set.provenance.synthetic && set.provenance.record.is_some());
    assert_eq!(set.provenance.source, "casme2");
    assert!(set.images.get(0).chunks(3).any(|p| p[0] == 0) && set.images.get(0).chunks(3).any(|p| p[0] == 255));
    // Written and read back, the file still says what its channels hold.
    let file = dir.path().join("set.h5");
    store::write(&set, &file).unwrap();
    let back = store::read(&file).unwrap();
    assert_eq!(back.motion(), set.motion());
    let form = back.motion().unwrap();
    assert_eq!((form.name(), form.made.as_ref().unwrap().face), ("flow_stretched", 64));
    // Another input, by hand: half the difference of the crops of apex and onset.
    o.input = MotionInput::Difference;
    let set = made(&o).unwrap();
    let crop = |number: u32| {
        let path = dir.path().join(format!("Cropped/sub01/EP01_01/reg_img{number}.jpg"));
        let photo = Photo::open(&path, 1 << 20).unwrap();
        let form = StoredForm::of(&Images { pixels: Vec::new(), height: 64, width: 64, channels: 1 });
        Plane::from_bytes(64, 64, form.apply(&photo.picture()).picture().pixels).unwrap()
    };
    let wanted = flow_picture(MotionInput::Difference, 28).draw(&crop(all[0].onset), &crop(all[0].apex)).unwrap();
    assert_eq!((set.images.get(0), set.images.channels), (wanted.as_slice(), 1));
}

#[test]
fn an_unknown_apex_is_searched_or_in_the_middle() {
    let dir = tempfile::tempdir().unwrap();
    synthesise::casme2(&drawn(), dir.path()).unwrap();
    let sheet = dir.path().join(synthesise::SHEET);
    let text = fs::read_to_string(&sheet).unwrap();
    let known = performances(&drawn());
    let mut o = options(dir.path());
    let by_sheet = made(&o).unwrap();
    let slashed: String = text
        .lines()
        .enumerate()
        .map(|(i, line)| match i {
            0 => line.to_owned() + "\n",
            _ => {
                line.replace(
                    &format!(",{},{},", known[i - 1].apex, known[i - 1].offset),
                    &format!(",/,{},", known[i - 1].offset),
                ) + "\n"
            }
        })
        .collect();
    fs::write(&sheet, &slashed).unwrap();
    let searched = made(&o).unwrap();
    assert!(searched.provenance.notes.iter().any(|n| n.contains("of 6 clips the apex was searched")));
    let (_, chain) = open(&o).unwrap();
    let clips = plan(&SourceOptions::Casme2(o.clone())).unwrap().clips;
    let found = |chain: &Chain| -> Vec<u32> {
        let see = |c: &MicroClip| chain.see(&Frames::Files(&c.frames), c.onset, None).unwrap().unwrap().apex;
        clips.iter().map(see).collect()
    };
    // Weak movements beside a head that sways: near the apex, not on it.
    for (apex, p) in found(&chain).into_iter().zip(&known) {
        assert!(apex.abs_diff(p.apex) <= 14, "{apex} for {} in {} to {}", p.apex, p.onset, p.offset);
    }
    o.unknown_apex = UnknownApex::Middle;
    let (_, chain) = open(&o).unwrap();
    let middles: Vec<u32> = known.iter().map(|p| p.onset + (p.offset - p.onset) / 2).collect();
    assert_eq!(found(&chain), middles);
    assert_ne!(made(&o).unwrap().images, by_sheet.images);
}

#[test]
fn frames_that_cannot_be_used_are_named_and_left_out_on_demand() {
    let dir = tempfile::tempdir().unwrap();
    synthesise::casme2(&drawn(), dir.path()).unwrap();
    let known = performances(&drawn());
    let frame = |clip: &str, n: u32| dir.path().join(format!("Cropped/{clip}/reg_img{n}.jpg"));
    fs::write(frame("sub01/EP01_01", known[0].apex), b"no picture").unwrap();
    let other = Photo::new(vec![7; 30 * 40], 30, 40, 1).unwrap();
    other.save_png(&frame("sub02/EP03_01", known[5].apex)).unwrap();
    let mut o = options(dir.path());
    let said = format!("{:#}", made(&o).unwrap_err());
    for part in [
        "2 of the clips",
        "line 2",
        "cannot be used as a picture",
        "line 7",
        "has 170x170 pixels, and frame",
        "40x30",
        "--skip-bad",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    o.skip_bad = true;
    let set = made(&o).unwrap();
    assert_eq!(set.len(), 4);
    assert_eq!(set.provenance.notes.iter().filter(|n| n.starts_with("warning: left out")).count(), 2);
    (o.cropped, o.detector) = (false, Some(dir.path().join("no.onnx")));
    assert!(format!("{:#}", made(&o).unwrap_err()).contains("no.onnx"));
}

#[test]
fn drawn_smiles_pull_the_cheeks_apart_and_surprise_drops_the_jaw() {
    let options = SyntheticMotionOptions {
        drawn: SyntheticMicroOptions { subjects: 4, clips: 1, size: 128, nuisance: 0.0, intensity: 0.5, ..drawn() },
        input: MotionInput::Signed,
        ..SyntheticMotionOptions::default()
    };
    let source = SourceOptions::SyntheticMicro(options);
    let set = prepare(&source, Path::new("unused.h5"), "test").unwrap();
    assert_eq!(set, with_threads(1, || prepare(&source, Path::new("unused.h5"), "test")).unwrap());
    assert_eq!(set.len(), 12);
    // The mean over the clips of a class, in steps from rest, which is 128.
    let mean = |class: i16, rows: std::ops::Range<usize>, columns: std::ops::Range<usize>, channel: usize| {
        let lines = rows;
        let rows: Vec<usize> = (0..set.len()).filter(|&r| set.labels[r] == class).collect();
        let pixels = rows.iter().flat_map(|&r| {
            let picture = set.images.get(r);
            let columns = columns.clone();
            lines
                .clone()
                .flat_map(move |y| columns.clone().map(move |x| f64::from(picture[(y * 28 + x) * 3 + channel])))
        });
        let all: Vec<f64> = pixels.collect();
        all.iter().sum::<f64>() / all.len() as f64 - 128.0
    };
    let (left, right) = (mean(1, 12..17, 5..9, 0), mean(1, 12..17, 19..23, 0));
    assert!(left < -10.0 && right > 10.0, "{left} {right}");
    // A surprised jaw drops: v is down.
    let jaw = mean(2, 22..25, 11..17, 1);
    assert!(jaw > 3.0, "{jaw}");
}

#[needs(data)]
#[test]
fn faces_are_found_once_and_turned_by_their_eyes() {
    let yunet = Path::new(&std::env::var("FERROTYPE_DATA").unwrap()).join("onnx/yunet.onnx");
    let dir = tempfile::tempdir().unwrap();
    let drawn = SyntheticMicroOptions { size: 240, ..drawn() };
    synthesise::casme2(&drawn, dir.path()).unwrap();
    let mut o = options(dir.path());
    (o.cropped, o.detector, o.input) = (false, Some(yunet.clone()), MotionInput::OnsetApex);
    let set = made(&o).unwrap();
    assert_eq!(set.len(), 6, "{:?}", set.provenance.notes);
    let chain = set.motion().unwrap().made.unwrap();
    assert!(matches!(&chain.crop, MotionCrop::Eyes { detector, sha256 } if detector == "YuNet" && sha256.len() == 64));
    // By hand: the eyes of the onset for both frames.
    let p = &performances(&drawn)[0];
    let photo = |n: u32| {
        Photo::open(&dir.path().join(format!("CASME2_RAW_selected/sub01/EP01_01/img{n}.jpg")), 1 << 20).unwrap()
    };
    let detector = crate::faces::Detector::open(&yunet).unwrap();
    let eyes = detector.detect(&photo(p.onset).picture()).unwrap()[0].points.unwrap();
    let face = |n: u32| {
        let pixels = align_eyes(&photo(n).picture(), [eyes[0], eyes[1]], crate::faces::EYES, 64).unwrap();
        Plane::from_bytes(64, 64, &pixels).unwrap()
    };
    let wanted = flow_picture(MotionInput::OnsetApex, 28).draw(&face(p.onset), &face(p.apex)).unwrap();
    assert_eq!(set.images.get(0), wanted);
    // No face in the onset frame: left out with a note.
    let grey = Photo::new(vec![90; 240 * 240], 240, 240, 1).unwrap();
    grey.save_png(&dir.path().join(format!("CASME2_RAW_selected/sub01/EP01_01/img{}.jpg", p.onset))).unwrap();
    let set = made(&o).unwrap();
    assert_eq!(set.len(), 5);
    assert!(
        set.provenance.notes.iter().any(|n| n.contains("line 2: no face in its onset frame")),
        "{:?}",
        set.provenance.notes
    );
}
