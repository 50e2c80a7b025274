//! Metrics by the names that experiment files have for them.

use ferrotype_base::problems::{Problems, nearest};

use super::{ALIASES, about, all};

/// The names by which an experiment file may ask for a metric: those of [`all`], then the other names that are understood.
pub fn names() -> Vec<&'static str> {
    all().iter().map(|m| m.name()).chain(ALIASES.iter().map(|&(alias, _)| alias)).collect()
}

/// What to say of a name that no metric has.
pub fn unknown(found: &str) -> Option<String> {
    let names = names();
    if names.contains(&found) {
        return None;
    }
    let meant =
        nearest(found, names.iter().copied()).map(|name| format!("; did you mean `{name}`?")).unwrap_or_default();
    Some(format!("unknown metric {found:?}{meant} (known: {})", names.join(", ")))
}

/// A problem where a key does not name a metric.
pub fn check(p: &mut Problems, path: &str, found: &str) {
    if let Some(message) = unknown(found) {
        p.add(path, message);
    }
}

/// As [`check`], for an experiment whose model has these heads; without heads, for classes alone. Whether the head's targets
/// are of the kind that the metric is for shows when the data are read.
pub fn check_of_heads(p: &mut Problems, path: &str, found: &str, heads: &[&str]) {
    let (head, metric) = found.split_once('.').map_or((None, found), |(head, metric)| (Some(head), metric));
    if heads.is_empty() {
        match about(metric).filter(|_| unknown(found).is_some()) {
            Some(about) => p.add(
                path,
                format!(
                    "{found:?} is a metric of a head ({}), and this experiment has classes alone: add `heads` (docs/targets.md), \
                     or choose one of {}",
                    about.title,
                    names().join(", ")
                ),
            ),
            None => check(p, path, found),
        }
        return;
    }
    if let Some(head) = head.filter(|head| !heads.contains(head)) {
        p.add(path, format!("{found:?} names the head {head:?}; the heads are {}", heads.join(", ")));
    } else if about(metric).is_none() {
        let known = ["ccc", "pcc", "icc", "rmse", "mae", "f1"].into_iter().chain(names()).collect::<Vec<_>>();
        p.add(path, format!("unknown metric {metric:?} (known: {})", known.join(", ")));
    }
}

#[cfg(test)]
mod tests {
    use super::super::find;
    use super::*;

    #[test]
    fn metrics_of_heads_need_heads() {
        let said = |found: &str, heads: &[&str]| {
            let mut p = Problems::default();
            check_of_heads(&mut p, "evaluate.select_by", found, heads);
            p.into_vec().into_iter().map(|problem| problem.message).collect::<Vec<_>>().join("; ")
        };
        assert!(said("ccc", &[]).contains("metric of a head") && said("va.f1", &[]).contains("metric of a head"));
        assert!(said("acuracy", &[]).contains("did you mean"));
        for fine in ["accuracy", "loss", "uar"] {
            assert_eq!(said(fine, &[]), "");
        }
        for fine in ["ccc", "va.ccc", "loss", "va.rmse", "accuracy"] {
            assert_eq!(said(fine, &["au", "va"]), "");
        }
        assert!(said("vb.ccc", &["au", "va"]).contains("the heads are au, va"));
        assert!(said("va.sharpness", &["au", "va"]).contains("unknown metric"));
    }

    #[test]
    fn every_name_that_a_file_may_have_is_found() {
        for name in names() {
            assert!(find(name).is_ok() && unknown(name).is_none(), "{name}");
        }
        assert!(unknown("acuracy").unwrap().contains("did you mean `accuracy`"));
        assert_eq!(unknown("sharpness").is_some(), find("sharpness").is_err());
    }
}
