//! What stands in the repository: the experiment files, and the table of keys in the documentation.

use super::*;

fn repository() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// All experiment files below a folder. Those whose name begins with `_` are only bases.
fn experiment_files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut files: Vec<PathBuf> = Vec::new();
    for path in entries.map(|entry| entry.unwrap().path()) {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        // Sweeps and analyses are files of another kind.
        if ["sweeps", "analyze"].contains(&name.as_str()) {
            continue;
        }
        if path.is_dir() {
            files.extend(experiment_files(&path));
        } else if name.ends_with(".yaml") && !name.starts_with('_') {
            files.push(path);
        }
    }
    files.sort();
    files
}

#[test]
fn every_shipped_file_loads_and_reads_back_equal() {
    let files = experiment_files(&repository().join("configs"));
    assert!(files.len() > 10, "only {files:?}");
    for file in files {
        let loaded = load_any(&file, &[]).unwrap_or_else(|error| panic!("error: {error}"));
        let text = loaded.experiment.to_yaml();
        let back = read_any("resolved", &text).unwrap_or_else(|error| panic!("error: {error}"));
        assert_eq!(back, loaded.experiment, "{}", file.display());
        if let (AnyExperiment::Expressions(a), AnyExperiment::Expressions(b)) = (&back, &loaded.experiment) {
            assert_eq!(digest(&**a), digest(&**b));
        }
    }
}

#[test]
fn every_shipped_analysis_loads() {
    let folder = repository().join("configs/analyze");
    let files: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    assert!(!files.is_empty());
    for file in files {
        let loaded = ferrotype_config::load_as::<ferrotype_analysis::AnalysisOptions>(&file, &[]);
        loaded.unwrap_or_else(|error| panic!("error: {error}"));
    }
}

#[test]
fn every_shipped_sweep_loads_and_its_study_reads_back_equal() {
    let files = experiment_files(&repository().join("configs/sweeps"));
    assert!(files.len() >= 3, "only {files:?}");
    for file in files {
        let loaded = load_sweep(&file).unwrap_or_else(|error| panic!("error: {error}"));
        let frozen = freeze(&loaded);
        let back = frozen_from_yaml("study.yaml", &frozen_to_yaml(&frozen)).unwrap_or_else(|e| panic!("error: {e}"));
        assert_eq!((&back.digest, back.differences(&frozen)), (&frozen.digest, Vec::new()), "{}", file.display());
        assert_eq!(trial_experiment(&back, &Default::default()).unwrap(), loaded.experiment);
        let text = fs::read_to_string(&file).unwrap();
        let command = format!("sweep --config {}", file.strip_prefix(repository()).unwrap().display());
        for needed in ["# Purpose:", "# Data:", "# Run:", "# Time:", &command] {
            assert!(text.contains(needed), "{} lacks `{needed}` in its opening comment", file.display());
        }
    }
}

#[test]
fn every_shipped_file_opens_with_its_purpose_data_command_and_figure() {
    for file in experiment_files(&repository().join("configs")) {
        let text = fs::read_to_string(&file).unwrap();
        let head: String = text.lines().take_while(|line| line.starts_with('#')).collect::<Vec<_>>().join("\n");
        let command = format!("train --config {}", file.strip_prefix(repository()).unwrap().display());
        for needed in ["# Purpose:", "# Data:", "# Run:", &command, "# Expect:"] {
            assert!(head.contains(needed), "{} lacks `{needed}` in its opening comment", file.display());
        }
    }
}

/// The table stands between two marks in `docs/configuration.md`. After a change of an option, write it anew with
/// `FERROTYPE_WRITE_DOCS=1 cargo test --release --lib the_key_table`.
#[test]
fn the_key_tables_in_the_documentation_are_up_to_date() {
    check_table("docs/configuration.md", &key_table());
    check_table("docs/anomalies.md", &key_table_of::<AnomalyExperiment>());
    check_table("docs/real_fake.md", &key_table_of::<RealFakeExperiment>());
    check_table("docs/baselines.md", &key_table_of::<BaselineExperiment>());
}

fn check_table(page: &str, wanted: &str) {
    let (begin, end) = ("<!-- keys: begin -->\n", "<!-- keys: end -->");
    let path = repository().join(page);
    let text = fs::read_to_string(&path).unwrap();
    let (before, rest) = text.split_once(begin).expect("the mark of the beginning");
    let (table, after) = rest.split_once(end).expect("the mark of the end");
    if std::env::var_os("FERROTYPE_WRITE_DOCS").is_some() {
        fs::write(&path, format!("{before}{begin}{wanted}{end}{after}")).unwrap();
        return;
    }
    assert!(table == wanted, "{page} is behind the options: write its table anew, see this test");
}

#[test]
fn the_schema_allows_what_the_loader_allows() {
    let schema = schema();
    assert!(schema["properties"]["base"].is_object() && schema.get("required").is_none());
    let branches = schema["$defs"]["OptimizerOptions"]["oneOf"].as_array().unwrap();
    assert!(branches.iter().any(|branch| branch["const"] == "adam"));
    assert!(branches.iter().any(|branch| branch["properties"]["adam"].is_object() && branch["required"][0] == "adam"));
    let schedules = schema["$defs"]["ScheduleOptions"]["oneOf"].as_array().unwrap();
    assert!(schedules.iter().any(|branch| branch["const"] == "cosine"));
    assert!(!schedules.iter().any(|branch| branch["const"] == "step"), "`step` has options without default");
    assert_eq!(schema["$defs"]["SyntheticOptions"]["properties"]["intensity"]["default"], 0.8);
}
