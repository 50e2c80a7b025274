use super::*;

/// Tables by their paths.
struct Place(tempfile::TempDir);

impl Place {
    fn new(files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        Self(folder)
    }

    fn options(&self) -> AuTablesOptions {
        AuTablesOptions { root: self.0.path().into(), kind: TableKind::Auto, fps: 10.0, min_score: 0.0, labels: None }
    }

    fn refused(&self, change: impl Fn(&mut AuTablesOptions)) -> String {
        let mut options = self.options();
        change(&mut options);
        format!("{:#}", read(&options, 0.25).unwrap_err())
    }
}

const TABLE: &str = "frame,FaceScore,AU01,AU12\n0,1,0.1,0.2\n1,1,0.3,0.4\n2,,,\n";

#[test]
fn folders_say_truth_part_and_emotion() {
    let place = Place::new(&[
        ("training/csv/fake/pleasure/a (1).csv", TABLE),
        ("training/csv/true/pleasure/a (1).csv", TABLE),
        ("validation/csv/true/pleasure/b.csv", TABLE),
        ("training/summary.csv", "mean_AU01,truthfulness\n1,0\n"),
    ]);
    let set = read(&place.options(), 0.25).unwrap();
    let names: Vec<&str> = set.clips.iter().map(|c| c.name.as_str()).collect();
    assert_eq!(names[0], "training/csv/fake/pleasure/a (1)");
    let seen: Vec<_> = set.clips.iter().map(|c| (c.real, c.part)).collect();
    let wanted = [(Some(false), Part::Training), (Some(true), Part::Training), (Some(true), Part::Validation)].to_vec();
    assert_eq!(seen, wanted);
    assert_eq!((set.emotions.clone(), set.units.join(" ")), (vec!["pleasure".to_owned()], "AU01 AU12".to_owned()));
    assert_eq!(set.clips[0].units.as_ref().unwrap().values, [0.1, 0.2, 0.3, 0.4]);
    let notes = set.notes.join("\n");
    assert!(notes.contains("left out, as no table of frames: ") && notes.contains("training/summary.csv"), "{notes}");
    assert!(notes.contains("3 tables have a last row without values"), "{notes}");
}

#[test]
fn a_table_of_labels_goes_before_folders() {
    let place = Place::new(&[
        ("a.csv", TABLE),
        ("x/b.csv", TABLE),
        ("labels.csv", "name,truth,subject,emotion,part\na,real,7,happy,training\nb.csv,fake,,Contentment,val\n"),
    ]);
    let labels = place.0.path().join("labels.csv");
    let set = read(&AuTablesOptions { labels: Some(labels.clone()), ..place.options() }, 0.25).unwrap();
    assert_eq!(set.clips[0].subject.as_deref(), Some("7"));
    assert_eq!((set.clips[1].real, set.clips[1].part), (Some(false), Part::Validation));
    assert_eq!(set.emotions, ["happiness", "contempt"]);
    for (text, word) in [
        ("name,truth\na,maybe\n", "line 2: truth is `maybe`"),
        ("name,truth\na,real\na,fake\n", "line 3: a stands there twice"),
        ("name,truth\nc,real\n", "1 name has no table: c"),
        ("clip,truth\n", "needs the columns `name` and `truth`"),
        ("name,truth,part\na,real,later\n", "part is `later`"),
    ] {
        std::fs::write(&labels, text).unwrap();
        let message = place.refused(|o| o.labels = Some(labels.clone()));
        assert!(message.contains(word), "{message}");
    }
}

#[test]
fn a_label_belongs_to_one_table() {
    let place = Place::new(&[("happy/001.csv", TABLE), ("sad/001.csv", TABLE), ("labels.csv", "")]);
    let labels = place.0.path().join("labels.csv");
    std::fs::write(&labels, "name,truth\n001,fake\n").unwrap();
    let message = place.refused(|o| o.labels = Some(labels.clone()));
    assert!(message.contains("`001.csv` may be happy/001.csv, sad/001.csv"), "{message}");
    std::fs::write(&labels, "name,truth\nsad/001,fake\nhappy\\001.csv,real\n").unwrap();
    let set = read(&AuTablesOptions { labels: Some(labels), ..place.options() }, 0.25).unwrap();
    let seen: Vec<_> = set.clips.iter().map(|c| (c.name.as_str(), c.real)).collect();
    assert_eq!(seen, [("happy/001", Some(true)), ("sad/001", Some(false))]);
}

#[test]
fn what_cannot_be_used_is_named() {
    let missing = Place::new(&[]).refused(|o| o.root = "no/such".into());
    assert!(missing.contains("there is no folder no/such"), "{missing}");
    assert!(Place::new(&[]).refused(|_| ()).contains("no .csv files"));
    assert!(Place::new(&[("a.csv", "x\n1\n")]).refused(|_| ()).contains("none of the 1 .csv files"));
    assert!(Place::new(&[("a.csv", TABLE)]).refused(|_| ()).contains("put them into folders named"));
    let other = "frame,FaceScore,AU01\n0,1,0.1\n";
    let mixed = Place::new(&[("true/a.csv", TABLE), ("true/b.csv", other)]).refused(|_| ());
    assert!(mixed.contains("b.csv") && mixed.contains("one folder holds tables of one kind"), "{mixed}");
    let faceless = Place::new(&[("true/a.csv", TABLE), ("fake/b.csv", "frame,FaceScore,AU01,AU12\n0,,,\n")]);
    let set = read(&faceless.options(), 0.25).unwrap();
    assert!(set.clips.len() == 1 && set.notes[0].contains("no face in any frame: fake/b"), "{:?}", set.notes);
}

/// 201 training and 60 validation clips of the smile tables, unpacked.
#[ferrotype_needs::needs(smiles)]
#[test]
fn the_real_smile_tables_are_read_with_all_their_oddities() {
    let root = std::env::var_os("FERROTYPE_SMILES").map(PathBuf::from).expect("set FERROTYPE_SMILES");
    let options = AuTablesOptions { root, kind: TableKind::Auto, fps: 30.0, min_score: 0.0, labels: None };
    let set = read(&options, 0.25).unwrap();
    let count = |part: Part, real: bool| set.clips.iter().filter(|c| c.part == part && c.real == Some(real)).count();
    assert_eq!((count(Part::Training, false), count(Part::Training, true)), (102, 99));
    assert_eq!((count(Part::Validation, false), count(Part::Validation, true)), (30, 30));
    assert_eq!(set.units.len(), 20);
    let notes = set.notes.join("\n");
    assert!(notes.contains("261 tables have a last row without values"), "{notes}");
    assert!(notes.contains("4 frames have no face or a blank"), "{notes}");
    assert!(notes.contains("more than one face"), "{notes}");
}
