//! Every experiment file that is shipped trains, is exported and reported on.
//!
//! The real datasets cannot be shipped. So small tables of their form are written, and each file's own source reads
//! them: its label mode, split, preprocessing, augmentation, network and recipe stay as they are.

mod common;
#[path = "shipped/facial.rs"]
mod facial;

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use common::Place;

/// Rows per part of the tables.
const ROWS: [(&str, usize); 3] = [("Training", 42), ("PublicTest", 21), ("PrivateTest", 21)];

/// `fer2013.csv`: stripes whose direction and width follow the class, with some noise.
fn fer2013() -> String {
    let mut text = String::from("emotion,pixels,Usage\n");
    let mut noise = 1u32;
    for (usage, rows) in ROWS {
        for row in 0..rows {
            let emotion = row % 7;
            write!(text, "{emotion},").unwrap();
            for pixel in 0..48 * 48 {
                noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let along = if emotion < 4 { pixel % 48 } else { pixel / 48 };
                let stripe = 100 * ((along / (3 + emotion)) % 2);
                let space = if pixel == 0 { "" } else { " " };
                write!(text, "{space}{}", 60 + stripe + (noise >> 26) as usize).unwrap();
            }
            writeln!(text, ",{usage}").unwrap();
        }
    }
    text
}

/// `fer2013new.csv`: eight of ten votes for the row's emotion, so that every label mode keeps the row.
fn votes() -> String {
    let mut text =
        String::from("Usage,Image name,neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,unknown,NF\n");
    for (usage, rows) in ROWS {
        for row in 0..rows {
            let mut counts = [0; 10];
            counts[row % 7] += 8;
            counts[(row + 3) % 8] += 2;
            let counts = counts.map(|n| n.to_string()).join(",");
            writeln!(text, "{usage},fer{row:07}.png,{counts}").unwrap();
        }
    }
    text
}

/// The MEGC 2019 composite: clips, people and classes of each dataset as published, pictures of stripes on one sheet.
fn megc2019(place: &Place) {
    let mut table = String::from("dataset,subject,clip,label\n");
    let mut sheet = image::RgbImage::new(616, 588);
    let mut row = 0;
    for (dataset, people, classes) in
        [("smic", 16, [70, 51, 43]), ("casme2", 24, [88, 32, 25]), ("samm", 28, [92, 26, 15])]
    {
        let labels = (0..3).flat_map(|class| vec![class; classes[class]]);
        for (clip, label) in labels.enumerate() {
            writeln!(table, "{dataset},{dataset}{:02},c{clip:03},{label}", clip % people).unwrap();
            let (left, top) = (row % 22 * 28, row / 22 * 28);
            for (x, y) in (0..28u32).flat_map(|y| (0..28u32).map(move |x| (x, y))) {
                let value = (x * (label as u32 + 1) * 20 + y * 3 + row * 7) % 256;
                sheet.put_pixel(left + x, top + y, image::Rgb([value as u8, 255 - value as u8, 8]));
            }
            row += 1;
        }
    }
    place.write("megc2019/rows.csv", table);
    sheet.save(place.at("megc2019/flow_442.png")).unwrap();
}

/// A folder of seven classes, twelve people in each, in the names of its files.
fn ck48(place: &Place) {
    for (class, name) in
        ["anger", "contempt", "disgust", "fear", "happy", "sadness", "surprise"].into_iter().enumerate()
    {
        fs::create_dir_all(place.at("CK+48").join(name)).unwrap();
        for person in 0..12u32 {
            let stripe = |x: u32, y: u32| image::Luma([(x * (class as u32 + 1) * 10 + y * 3 + person * 9) as u8]);
            let picture = image::GrayImage::from_fn(48, 48, stripe);
            picture.save(place.at(format!("CK+48/{name}/S{person:03}_001_00000001.png"))).unwrap();
        }
    }
}

/// RAF-DB, JAFFE and KDEF, seven expressions of ten people.
fn posed(place: &Place) {
    let codes = ["AN", "DI", "FE", "HA", "NE", "SA", "SU"];
    let mut list = String::new();
    for (class, code) in codes.into_iter().enumerate() {
        for person in 0..10u32 {
            let stripe = |x: u32, y: u32| image::Luma([(x * (class as u32 + 1) * 6 + y * 2 + person * 9) as u8]);
            let picture = image::DynamicImage::from(image::GrayImage::from_fn(64, 64, stripe));
            let code_of_kdef = if code == "FE" { "AF" } else { code };
            let raf = format!("{}_{:05}", if person < 8 { "train" } else { "test" }, class as u32 * 10 + person);
            for name in [
                format!("jaffe/{}A.{code}1.{person}.tiff", char::from(b'K' + person as u8)),
                format!("KDEF/AF{0:02}/AF{0:02}{code_of_kdef}S.JPG", person + 1),
                format!("basic/Image/aligned/{raf}_aligned.jpg"),
            ] {
                let path = place.at(name);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                picture.to_rgb8().save(path).unwrap();
            }
            writeln!(list, "{raf}.jpg {}", class + 1).unwrap();
        }
    }
    place.write("basic/EmoLabel/list_patition_label.txt", list);
}

/// The files of a folder of experiments that stand for themselves; those that begin with `_` are bases.
fn experiments(folder: &Path, found: &mut Vec<PathBuf>) {
    let mut entries: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        // Sweeps start from these experiments, and analyses are of videos; tests/sweeps.rs and tests/analyze.rs run them.
        if ["sweeps", "analyze"].contains(&name.as_str()) {
            continue;
        }
        if path.is_dir() {
            experiments(&path, found);
        } else if name.ends_with(".yaml") && !name.starts_with('_') {
            found.push(path);
        }
    }
}

/// What replaces the data, by the source that the resolved file names.
fn data(resolved: &str) -> Vec<String> {
    let sets: &[&str] = if resolved.contains("ferplus:") {
        &["data.source.ferplus.csv=fer2013.csv", "data.source.ferplus.votes=[votes.csv]", "data.path=ferplus.h5"]
    } else if resolved.contains("fer2013:") {
        &["data.source.fer2013.csv=fer2013.csv", "data.path=fer2013.h5"]
    } else if resolved.contains("megc2019:") {
        &["data.source.megc2019.root=megc2019", "data.path=megc2019.h5", "export.onnx=true"]
    } else if resolved.contains("folder:") {
        &["data.source.folder.root=CK+48", "data.path=ck48.h5", "export.onnx=true"]
    } else if resolved.contains("synthetic_clips:") {
        &[
            "data.source.synthetic_clips.subjects=3",
            "data.source.synthetic_clips.clips=1",
            "data.source.synthetic_clips.seconds=1.0",
            "data.source.synthetic_clips.rate=16",
            "data.source.synthetic_clips.size=64",
            "data.path=clips.h5",
        ]
    } else if resolved.contains("synthetic_micro:") {
        &[
            "data.source.synthetic_micro.drawn.subjects=3",
            "data.source.synthetic_micro.drawn.clips=1",
            "data.source.synthetic_micro.drawn.size=64",
            "data.source.synthetic_micro.face=64",
            "data.path=micro.h5",
            "export.onnx=true",
        ]
    } else if resolved.contains("disfa:") {
        &[
            "data.source.disfa.root=DISFA",
            "data.source.disfa.every=1",
            "data.source.disfa.detector=null",
            "data.path=disfa.h5",
        ]
    } else if resolved.contains("bp4d:") {
        &[
            "data.source.bp4d.root=BP4D",
            "data.source.bp4d.every=1",
            "data.source.bp4d.detector=null",
            "data.path=bp4d.h5",
        ]
    } else if resolved.contains("ck_plus:") {
        &["data.source.ck_plus.root=CK+", "data.path=ck_plus.h5"]
    } else if resolved.contains("afew_va:") {
        &["data.source.afew_va.root=AFEW-VA", "data.path=afew_va.h5"]
    } else if resolved.contains("aff_wild2:") {
        &["data.source.aff_wild2.root=Aff-Wild2", "data.path=aff_wild2.h5"]
    } else if resolved.contains("seven_classes: true") {
        &["data.source.affectnet.root=AffectNet", "data.path=affectnet7.h5"]
    } else if resolved.contains("affectnet:") && resolved.contains("targets: true") {
        &["data.source.affectnet.root=AffectNet", "data.path=affectnet_va.h5"]
    } else if resolved.contains("affectnet:") {
        &["data.source.affectnet.root=AffectNet", "data.path=affectnet.h5"]
    } else if resolved.contains("rafdb:") {
        &["data.source.rafdb.root=basic", "data.path=rafdb.h5"]
    } else if resolved.contains("jaffe:") {
        &["data.source.jaffe.root=jaffe", "data.source.jaffe.detector=null", "data.path=jaffe.h5", "export.onnx=true"]
    } else if resolved.contains("kdef:") {
        &["data.source.kdef.root=KDEF", "data.source.kdef.detector=null", "data.path=kdef.h5", "export.onnx=true"]
    } else if resolved.contains("manifest:") {
        &["data.source.manifest.csv=machine/crops.csv", "data.path=machine.h5"]
    } else if resolved.contains("targets: true") {
        &["data.source.synthetic.count=120", "data.path=synthetic_targets.h5"]
    } else if resolved.contains("synthetic:") {
        &["data.source.synthetic.count=120", "data.path=synthetic.h5"]
    } else {
        panic!("this test has no small data for the source of\n{resolved}")
    };
    sets.iter().map(|&s| s.to_owned()).collect()
}

/// What makes it one batch of one epoch; schedules that name later epochs, and blocks of more rows, are cut to fit.
fn trial(resolved: &str) -> Vec<String> {
    let mut sets = vec!["train.epochs=1".to_owned(), "data.limit=8".to_owned(), "train.batch_size=8".to_owned()];
    if resolved.contains("multi_step:") {
        sets.push("train.schedule.multi_step.at=[0]".to_owned());
        sets.push("train.schedule.multi_step.factor=[0.5]".to_owned());
    }
    if resolved.contains("class_blocks:") {
        sets.push("data.split.class_blocks={k: 3, rows: [1, 1, 1, 1, 1, 1, 1]}".to_owned());
    }
    if resolved.contains("start_epoch:") {
        sets.push("train.adversarial.start_epoch=0".to_owned());
    }
    // As published, 1.1 GB of weights: the layers stay, at a width that a test can afford.
    if resolved.contains("microx:") {
        sets.push("model.microx.filters=4".to_owned());
        sets.push("model.microx.hidden=8".to_owned());
        sets.push("export.onnx=true".to_owned());
    }
    // Likewise: 321 MB.
    if resolved.contains("resemotenet:") {
        sets.push("model.resemotenet.width=8".to_owned());
    }
    if resolved.contains("microx_gap:") {
        sets.push("model.microx_gap.filters=4".to_owned());
    }
    if resolved.contains("warmup:") {
        sets.push("train.schedule.cosine.warmup=0".to_owned());
    }
    sets
}

/// The runs that shipped files build on, made small: weights to begin with, and a teacher.
struct Sources {
    init: PathBuf,
    teacher: PathBuf,
}

impl Sources {
    fn make(place: &Place) -> Self {
        let small = |name: &str, file: &str, sets: &[&str]| {
            let mut words = vec!["train", "--config", file, "--out", name, "-q"];
            sets.iter().for_each(|set| words.extend(["--set", set]));
            ["train.epochs=1", "data.limit=8", "train.schedule=constant", "export.onnx=false"]
                .iter()
                .for_each(|set| words.extend(["--set", set]));
            let ended = place.run_words(&words);
            assert_eq!(ended.code, Some(0), "{file}\n{}", ended.err);
            place.only(name)
        };
        let configs = Path::new(env!("CARGO_MANIFEST_DIR")).join("configs");
        let (mobile, teacher) =
            (configs.join("ferplus/mobilenet_v2_frozen.yaml"), configs.join("fer2013/mini_xception.yaml"));
        let fresh =
            ["train.init=null", "train.freeze=[]", "train.feature_cache=null", "model.mobilenet_v2.head=linear"];
        let data = data("ferplus:");
        let sets: Vec<&str> = fresh.into_iter().chain(data.iter().map(String::as_str)).collect();
        let init = small("init", mobile.to_str().unwrap(), &sets);
        let data = self::data("fer2013:");
        let sets: Vec<&str> = data.iter().map(String::as_str).collect();
        Self { init, teacher: small("teacher", teacher.to_str().unwrap(), &sets) }
    }

    /// What puts them in the place of those that the resolved file names.
    fn sets(&self, resolved: &str) -> Vec<String> {
        let mut sets = Vec::new();
        // Weights of ImageNet for a ResNet-18 are not here: it begins without.
        if resolved.contains("init: runs/imported/resnet18") {
            sets.push("train.init=null".into());
        } else if resolved.contains("init: runs/") {
            sets.push(format!("train.init={}", self.init.display()));
        }
        if resolved.contains("distillation:") {
            sets.push(format!("objective.distillation.teachers=[{}]", self.teacher.display()));
        }
        sets
    }
}

#[test]
fn every_experiment_trains_is_exported_and_reported() {
    let place = Place::new();
    place.write("fer2013.csv", fer2013());
    place.write("votes.csv", votes());
    megc2019(&place);
    ck48(&place);
    posed(&place);
    facial::write(&place);
    let sources = Sources::make(&place);
    let mut found = Vec::new();
    experiments(&Path::new(env!("CARGO_MANIFEST_DIR")).join("configs"), &mut found);
    assert!(found.len() >= 17, "{found:?}");
    // Those of one prepared file one after another: the first prepares it.
    let mut groups: BTreeMap<String, Vec<Shipped>> = BTreeMap::new();
    for (number, file) in found.iter().enumerate() {
        let file = file.to_str().unwrap();
        let resolved = place.ok(&format!("config show {file}"));
        // Other systems have other data and results: tests/anomalies.rs and tests/real_fake.rs train these.
        if ["system: anomalies", "system: real_fake"].iter().all(|system| !resolved.contains(system)) {
            let sets = data(&resolved);
            let path = sets.iter().find(|set| set.starts_with("data.path=")).unwrap().clone();
            groups.entry(path).or_default().push(Shipped { number, file, resolved, sets });
        }
    }
    let mut groups: Vec<Vec<Shipped>> = groups.into_values().collect();
    groups.sort_by_key(Vec::len);
    let left = Mutex::new(groups);
    let next = || left.lock().unwrap().pop();
    let work = || {
        while let Some(group) = next() {
            group.iter().for_each(|shipped| shipped.train(&place, &sources));
        }
    };
    // Small steps gain nothing from a second thread, but a second experiment does.
    std::thread::scope(|scope| {
        let workers = std::thread::available_parallelism().map_or(1, usize::from);
        let threads: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
        threads.into_iter().for_each(|thread| thread.join().unwrap());
    });
}

/// An experiment file.
struct Shipped<'a> {
    number: usize,
    file: &'a str,
    /// As `config show` shows it.
    resolved: String,
    /// What replaces its data.
    sets: Vec<String>,
}

impl Shipped<'_> {
    fn train(&self, place: &Place, sources: &Sources) {
        let Self { file, resolved, .. } = self;
        let out = format!("runs{}", self.number);
        let mut words = vec!["train", "--config", file, "--out", &out, "--json", "--set", "threads=1"];
        let baselines = resolved.contains("system: baselines");
        let sets = if baselines {
            vec![self.sets[0].clone(), "data.path=megc2019.h5".into(), "data.limit=60".into()]
        } else {
            [self.sets.clone(), trial(resolved), sources.sets(resolved)].concat()
        };
        sets.iter().for_each(|set| words.extend(["--set", set]));
        let ended = place.run_words(&words);
        assert_eq!(ended.code, Some(0), "{file}\n{}", ended.err);
        if baselines {
            // Nothing is trained in steps, and nothing exported.
            for name in ["method.json", "report.html", "predictions.csv"] {
                assert!(place.only(&out).join(name).is_file(), "{file}: no {name}");
            }
            return;
        }
        let steps = ended.out.lines().filter(|l| l.contains(r#""event":"step""#)).count();
        assert_eq!(steps, 1, "{file}\n{}", ended.out);
        check(place, &place.only(&out), file, resolved);
    }
}

fn check(place: &Place, run: &Path, file: &str, resolved: &str) {
    for name in ["model.onnx", "report.html", "predictions.csv", "checkpoints/best.safetensors"] {
        assert!(run.join(name).metadata().is_ok_and(|m| m.len() > 0), "{file}: no {name}");
    }
    let check = common::json(&run.join("onnx_check.json"));
    assert_eq!(check["passed"], true, "{file}: {check}");
    let metrics = common::json(&run.join("metrics.json"));
    if resolved.contains("\nheads:\n") {
        assert!(metrics["test"].as_object().is_some_and(|of_heads| !of_heads.is_empty()), "{file}: {metrics}");
    } else {
        let accuracy = metrics["test"]["metrics"]["accuracy"]["value"].as_f64();
        assert!(accuracy.is_some_and(|a| (0.0..=1.0).contains(&a)), "{file}: {accuracy:?}");
    }
    let report = fs::read_to_string(run.join("report.html")).unwrap();
    if resolved.contains("select_on: test") || resolved.contains("split: test_as_validation") {
        assert!(report.contains("selected on the test set"), "{file}");
    }
    place.ok(&format!("report --run {}", run.display()));
}
