use ferrotype_base::{npy, zip};

use super::*;

fn head(name: &str, kind: TargetKind, columns: &[&str], start: usize) -> Head {
    Head { name: name.into(), kind, columns: columns.iter().map(ToString::to_string).collect(), start }
}

fn values(range: [f32; 2]) -> TargetKind {
    TargetKind::Continuous { units: String::new(), range }
}

#[test]
fn heads_are_scored_by_their_kinds_and_known_rows() {
    let heads = [
        head("au", TargetKind::Labels, &["AU01", "AU12"], 0),
        head("va", values([-1.0, 1.0]), &["valence"], 2),
        head("emotion", TargetKind::Classes, &["sad", "happy"], 3),
    ];
    // Row 2 has no valence, row 3 no class; nobody has AU12.
    let targets =
        [[1.0, 0.0, -0.5, 1.0, 0.0], [0.0, 0.0, 0.5, 0.0, 1.0], [1.0, 0.0, 0.0, 1.0, 0.0], [0.0, 0.0, 0.8, 0.0, 0.0]];
    let outputs = [
        [3.0, -1.0, -0.5, 1.0, 0.0],
        [-3.0, 1.0, 0.5, 0.0, 1.0],
        [-1.0, -1.0, 9.0, 0.0, 2.0],
        [-1.0, -2.0, 2.0, 0.0, 0.0],
    ];
    let mut known = [[true; 5]; 4];
    known[2][2] = false;
    known[3][3..].fill(false);
    let split =
        split_outputs(&heads, &[7, 8, 9, 10], targets.as_flattened(), known.as_flattened(), outputs.as_flattened())
            .unwrap();
    let scores = score_heads(&split).unwrap();
    let value = |name: &str| scores.get(name).unwrap().value;
    assert!((value("au.f1") - 2.0 / 3.0).abs() < 1e-12, "the mean over labels that occur");
    assert_eq!((value("au.accuracy"), scores.heads[0].columns[1].positives), (0.75, Some(0)));
    assert!(scores.heads[0].columns[1].undefined["f1"].contains("no row has this label"));
    // Clipped to the range: 2 becomes 1, so that the differences are 0, 0 and 0.2.
    assert!((value("mae") - 0.2 / 3.0).abs() < 1e-6);
    assert_eq!((value("emotion.accuracy"), scores.get("uar").unwrap().n), (2.0 / 3.0, 3));
    assert_eq!(split[1].truth_of(2), [None]);
    let text = serde_json::to_string(&scores).unwrap();
    assert_eq!(serde_json::from_str::<Scores>(&text).unwrap(), scores);
}

#[test]
fn what_is_not_defined_is_said() {
    let heads = [head("va", values([-1.0, 1.0]), &["valence"], 0)];
    let split = split_outputs(&heads, &[0, 1], &[0.5, 0.5], &[], &[0.1, 0.2]).unwrap();
    let scores = score_heads(&split).unwrap();
    assert!(scores.heads[0].undefined["pcc"].contains("all equal"));
    assert!(format!("{:#}", scores.get("va.pcc").unwrap_err()).contains("not defined"));
    assert_eq!(scores.get("ccc").unwrap().value, 0.0);
    let broken = split_outputs(&heads, &[0, 1], &[0.5, 0.5], &[], &[0.1, f32::NAN]).unwrap_err().to_string();
    assert!(broken.contains("row 1"), "{broken}");
    assert!(split_outputs(&heads, &[0, 1], &[0.5], &[], &[0.1, 0.2]).is_err());
}

/// Published PCC, CCC and RMSE of the 12 action units of DISFA, and MAE, ICC and F1 recomputed, to four decimals. Runs where
/// FERROTYPE_DATA names a folder with `disfa_metrics` in it.
#[test]
fn the_published_figures_of_disfa_come_out() {
    let folder = std::env::var_os("FERROTYPE_DATA").map(|f| std::path::PathBuf::from(f).join("disfa_metrics"));
    let Some(folder) = folder.filter(|f| f.is_dir()) else {
        println!("skipped: FERROTYPE_DATA names no folder with disfa_metrics");
        return;
    };
    let archive = std::fs::read(folder.join("disfa_cv.npz")).unwrap();
    let members = zip::members(&archive).unwrap();
    let numbers = |name: &str| {
        let member = members.iter().find(|m| m.name == name).unwrap();
        let numbers = npy::read(&member.content(1 << 28).unwrap()).unwrap();
        numbers.values.iter().map(|&v| v as f32).collect::<Vec<f32>>()
    };
    let (truth, predicted) = (numbers("label.npy"), numbers("prediction.npy"));
    let n = truth.len() / 12;
    let table = std::fs::read_to_string(folder.join("known_metrics.csv")).unwrap();
    let lines: Vec<Vec<&str>> = table.lines().skip(1).map(|line| line.split(',').collect()).collect();
    let columns: Vec<&str> = lines.iter().map(|cells| cells[0]).collect();
    let heads = [head("disfa", values([0.0, 5.0]), &columns, 0)];
    let rows: Vec<u32> = (0..n as u32).collect();
    let split = split_outputs(&heads, &rows, &truth, &[], &predicted).unwrap();
    let scores = score_heads(&split).unwrap();
    let rounded = |v: f64| format!("{v:.4}");
    for (cells, column) in lines.iter().zip(&scores.heads[0].columns) {
        let mut line = column.column.clone();
        for (metric, published) in ["pcc", "ccc", "rmse", "mae", "icc"].iter().zip(&cells[2..]) {
            let own = rounded(column.metrics[*metric]);
            line += &format!("  {metric} {own}/{published}");
            assert_eq!(own, *published, "{} {metric}", column.column);
        }
        println!("{line}");
    }
    for (threshold, place) in [(1.0, 7), (2.0, 8)] {
        for (column, cells) in lines.iter().enumerate() {
            let mut counts = LabelCounts::default();
            (0..n)
                .for_each(|i| counts.add(truth[i * 12 + column] >= threshold, predicted[i * 12 + column] >= threshold));
            let f1 = for_labels()[0].score(&counts).unwrap().value;
            assert_eq!(rounded(f1), cells[place], "{} F1 at {threshold}", cells[0]);
        }
    }
}
