//! Networks of clips follow the data.

use super::*;
use ferrotype_model::ModelOptions;

fn read_clips(clips: &str, model: &str, sets: &[&str]) -> Result<Experiment, String> {
    let text = format!(
        "name: x\ndata: {{path: a.h5, {clips}preprocess: {{size: 60}}}}\nmodel: {model}\ntrain: {{epochs: 1, lr: 1e-3}}\n"
    );
    let folder = folder(&[("x.yaml", &text)]);
    let sets: Vec<String> = sets.iter().map(|&set| set.to_owned()).collect();
    let loaded = load(&folder.path().join("x.yaml"), &sets);
    loaded.map(|l| l.experiment).map_err(|e| e.to_string().replace(&format!("{}/", folder.path().display()), ""))
}

#[test]
fn streams_follow_the_data_and_stand_in_the_resolved_file() {
    for model in ["microx", "microx_gap"] {
        let sets = ["data.clips.parts=[mouth]", "data.clips.frames=5"];
        let experiment = read_clips("clips: {}, ", model, &sets).unwrap();
        assert_eq!(experiment.model.streams(), Some((Some(&["mouth".to_owned()][..]), Some(5))));
        // Resolved, both are given and agree; the network has one stream.
        let resolved = to_yaml(&experiment);
        assert!(resolved.contains("parts: [mouth]\n    frames: 5"), "{resolved}");
        assert_eq!(from_yaml_str("resolved", &resolved).unwrap(), experiment);
        assert_eq!(experiment.data.input(), [5, 60, 60]);
        if let ModelOptions::MicroxGap(_) = experiment.model {
            let graph = experiment.model.build(experiment.data.input(), 7).unwrap();
            assert!(graph.nodes.iter().all(|n| !n.name.starts_with("nose") && !n.name.starts_with("fusion")));
        }
    }
}

#[test]
fn streams_that_differ_from_the_data_are_refused() {
    let model = "{microx_gap: {parts: [mouth, nose], frames: 9}}";
    let error = read_clips("clips: {parts: [nose, mouth]}, ", model, &[]).unwrap_err();
    for expected in [
        "3:29: model.microx_gap.parts: [mouth, nose] is not what data.clips.parts gives; expected [nose, mouth], or nothing",
        "3:52: model.microx_gap.frames: 9 is not what data.clips.frames gives; expected 10, or nothing, which means the same",
    ] {
        assert!(error.contains(expected), "{error}");
    }
    let error = read_clips("", "microx", &[]).unwrap_err();
    assert!(error.contains("model: `microx` takes clips") && error.contains("`data.clips`"), "{error}");
}
