use super::*;

fn write(path: &Path) -> PathBuf {
    fs::write(path, "kept").unwrap();
    path.to_path_buf()
}

#[test]
fn an_input_is_known_by_every_name_it_has() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::create_dir(at("tables")).unwrap();
    let table = write(&at("tables/a.csv"));
    let single = write(&at("b.csv"));
    let inputs = Inputs::new().path("the tables", &at("tables")).path("--data", &single);
    fs::hard_link(&table, at("linked.csv")).unwrap();
    let mut names = vec![table, single, at("tables/../b.csv"), at("linked.csv")];
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(at("b.csv"), at("symbolic.csv")).unwrap();
        names.push(at("symbolic.csv"));
    }
    for name in names {
        let error = inputs.spare(&[("--csv", Some(&name), CSV)]).unwrap_err().to_string();
        assert!(error.contains("--csv") && error.contains("would replace a file"), "{error}");
    }
    inputs.spare(&[("--csv", Some(&at("tables/new.csv")), CSV), ("--json", None, JSON)]).unwrap();
    inputs.spare(&[("--csv", Some(&write(&at("old.csv"))), CSV)]).unwrap();
}

#[test]
fn outputs_replace_neither_each_other_nor_files_of_other_kinds() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let both = [("--json", Some(at("x"))), ("--csv", Some(folder.path().join("./x")))];
    let both = both.each_ref().map(|(option, path)| (*option, path.as_deref(), CSV));
    assert!(Inputs::new().spare(&both).unwrap_err().to_string().contains("--csv and --json both name"));
    for (name, kinds) in [("my.yaml", ONNX), ("weights.h5", CSV), ("detector.onnx", JSON), ("table.csv", YAML)] {
        let path = write(&at(name));
        let error = Inputs::new().spare(&[("--out", Some(&path), kinds)]).unwrap_err().to_string();
        assert!(error.contains("--out") && error.contains("is there already"), "{error}");
    }
    Inputs::new().spare(&[("--out", Some(&at("new.yaml")), ONNX)]).unwrap();
    Inputs::new().spare(&[("--csv", Some(&write(&at("scores"))), CSV)]).unwrap();
}

#[test]
fn what_an_experiment_names_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let csv = write(&folder.path().join("fer2013.csv"));
    let options = serde_json::json!({ "data": { "source": { "fer2013": { "csv": csv } } }, "name": "x" });
    let inputs = Inputs::new().named_in("the run's experiment", &options);
    assert!(inputs.spare(&[("--csv", Some(&csv), CSV)]).is_err());
}
