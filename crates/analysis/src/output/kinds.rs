//! What the outputs of a head are.

use ferrotype_base::targets::{Head, TargetKind};

/// Valence and arousal, where outputs are called so (also `HEAD.valence`).
pub fn valence_arousal(outputs: &[String], values: &[f64]) -> Option<[f64; 2]> {
    let of = |wanted: &str| {
        let at =
            outputs.iter().position(|o| o.rsplit('.').next().is_some_and(|name| name.eq_ignore_ascii_case(wanted)));
        at.map(|at| values[at])
    };
    Some([of("valence")?, of("arousal")?])
}

/// The smallest and the largest value of each output: 0 and 1 of probabilities.
pub fn ranges(outputs: &[String], heads: &[Head]) -> Vec<[f64; 2]> {
    let of = |at: usize| match heads.iter().find(|head| head.range().contains(&at)).map(|head| &head.kind) {
        Some(TargetKind::Continuous { range, .. }) => range.map(f64::from),
        _ => [0.0, 1.0],
    };
    (0..outputs.len()).map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_have_the_range_of_their_head() {
        let columns = |names: &[&str]| names.iter().map(|n| (*n).to_owned()).collect::<Vec<_>>();
        let range = [-1.0, 1.0];
        let heads = [
            Head { name: "au".into(), kind: TargetKind::Labels, columns: columns(&["AU12"]), start: 0 },
            Head {
                name: "va".into(),
                kind: TargetKind::Continuous { units: String::new(), range },
                columns: columns(&["valence", "arousal"]),
                start: 1,
            },
        ];
        let outputs = columns(&["au.AU12", "va.valence", "va.arousal"]);
        assert_eq!(ranges(&outputs, &heads), [[0.0, 1.0], [-1.0, 1.0], [-1.0, 1.0]]);
        assert_eq!(ranges(&columns(&["sad", "happy"]), &[]), [[0.0, 1.0]; 2]);
        assert_eq!(valence_arousal(&outputs, &[0.2, 0.5, -0.5]), Some([0.5, -0.5]));
        assert_eq!(valence_arousal(&outputs[..2], &[0.2, 0.5]), None);
    }
}
