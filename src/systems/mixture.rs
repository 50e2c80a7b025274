//! Whether the runs of a group belong together.

use ferrotype_report::Warning;
use ferrotype_run::group::GroupAxis;
use ferrotype_run::provenance::data_sha256;
use ferrotype_run::{Provenance, RunFolder};

/// So many members are named; of more their number is.
const NAMED: usize = 5;

/// What a reader must know before runs are summed up: that they were made of different data, by different builds, or on different
/// devices.
pub(crate) fn warnings(over: GroupAxis, runs: &[(u64, RunFolder)]) -> Vec<Warning> {
    let data = apart(runs, data_sha256);
    let builds = apart(runs, |run| Provenance::load(run).builds().map(str::to_owned).collect());
    let devices = apart(runs, |run| {
        let made = Provenance::load(run);
        Some(format!("{} ({})", made.device, made.processor)).filter(|_| !made.device.is_empty()).into_iter().collect()
    });
    let mut all = Vec::new();
    if data.len() > 1 {
        let text = format!(
            "The runs were made of different data, and what is summed up over them means nothing: {}. Train all of them on one \
             data file.",
            said(over, "sha256", &data)
        );
        all.push(Warning { serious: true, text });
    }
    for (what, apart) in [("by different builds of Ferrotype", builds), ("on different devices", devices)] {
        if apart.len() > 1 {
            let text = format!("The runs were made {what}: {}.", said(over, "", &apart));
            all.push(Warning { serious: false, text });
        }
    }
    all
}

/// The values of some property, each with the members that have it.
fn apart(runs: &[(u64, RunFolder)], of: impl Fn(&RunFolder) -> Vec<String>) -> Vec<(String, Vec<u64>)> {
    let mut all: Vec<(String, Vec<u64>)> = Vec::new();
    for (member, run) in runs {
        for value in of(run) {
            match all.iter_mut().find(|(known, _)| *known == value) {
                Some((_, members)) => members.push(*member),
                None => all.push((value, vec![*member])),
            }
        }
    }
    all
}

fn said(over: GroupAxis, what: &str, apart: &[(String, Vec<u64>)]) -> String {
    let one = |(value, members): &(String, Vec<u64>)| {
        let over = over.as_str();
        let who = match members.as_slice() {
            [only] => format!("{over} {only}"),
            few if few.len() <= NAMED => {
                format!("{over}s {}", few.iter().map(u64::to_string).collect::<Vec<_>>().join(", "))
            }
            many => format!("{} {over}s", many.len()),
        };
        format!("{who}: {what}{}{value}", if what.is_empty() { "" } else { " " })
    };
    apart.iter().map(one).collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use ferrotype_run::files::write_json;

    /// Members with the sha256 of their data, their commit and their device.
    fn members(place: &std::path::Path, of: &[[&str; 3]]) -> Vec<(u64, RunFolder)> {
        let member = |(value, [sha256, commit, device]): (u64, &[&str; 3])| {
            let run = RunFolder::create_at(&place.join(format!("seed-{value}"))).unwrap();
            write_json(run.facts(), &serde_json::json!({ "sha256": sha256 })).unwrap();
            let (commit, device) = (commit.to_string(), device.to_string());
            let mut made = Provenance::default();
            (made.commit, made.device, made.processor) = (commit, device, "EPYC".into());
            made.save(&run).unwrap();
            (value, run)
        };
        (0..).zip(of).map(member).collect()
    }

    #[test]
    fn runs_of_different_data_are_told_apart() {
        let place = tempfile::tempdir().unwrap();
        let same = members(place.path(), &[["1f", "abc", "flex"], ["1f", "abc", "flex"]]);
        assert!(warnings(GroupAxis::Seed, &same).is_empty());
        // The last one's folds were made of both.
        let mixed =
            members(place.path(), &[["1f", "abc", "flex"], ["2e", "abc", "cuda:0"], ["1f and 2e", "def", "flex"]]);
        let said = warnings(GroupAxis::Seed, &mixed);
        assert_eq!(said.iter().map(|w| w.serious).collect::<Vec<_>>(), [true, false, false]);
        assert!(said[0].text.contains("seeds 0, 2: sha256 1f; seeds 1, 2: sha256 2e"), "{}", said[0].text);
        assert!(said[1].text.contains("builds of Ferrotype: seeds 0, 1: abc; seed 2: def."), "{}", said[1].text);
        assert!(said[2].text.contains("seeds 0, 2: flex (EPYC); seed 1: cuda:0 (EPYC)."), "{}", said[2].text);
    }
}
