//! Patterns of parameter names: `features.*`, `*.bn.*`, `head.logits.weight`.

use anyhow::{Result, bail};

/// Whether a name matches a pattern. `*` stands for any characters, dots included, or none; everything else for itself.
pub fn matches(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| name.strip_prefix(first)) else { return false };
    let Some(last) = parts.next_back() else { return rest.is_empty() };
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

/// Whether a name matches one of the patterns.
pub fn any(patterns: &[String], name: &str) -> bool {
    patterns.iter().any(|pattern| matches(pattern, name))
}

/// Refuses a pattern that matches none of the names; the error has close names. `key` is where the pattern stands.
///
/// # Errors
/// For the first such pattern.
pub fn check<'n>(key: &str, patterns: &[String], names: impl Iterator<Item = &'n str> + Clone) -> Result<()> {
    for pattern in patterns {
        if names.clone().any(|name| matches(pattern, name)) {
            continue;
        }
        let plain = pattern.trim_matches('*');
        let mut near: Vec<&str> = names.clone().collect();
        near.sort_by(|a, b| closeness(plain, b).total_cmp(&closeness(plain, a)).then(a.cmp(b)));
        near.truncate(4);
        bail!(
            "{key}: the pattern `{pattern}` matches no parameter of this network; close ones are {} (`*` stands for any \
             characters)",
            near.join(", ")
        );
    }
    Ok(())
}

/// How much a name's beginning, as long as the pattern, is like it.
fn closeness(plain: &str, name: &str) -> f64 {
    let beginning: String = name.chars().take(plain.chars().count().max(1)).collect();
    strsim::jaro_winkler(plain, &beginning)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_stand_for_anything() {
        let name = "features.block3.expand.bn.weight";
        for yes in ["*", "features.*", "*.bn.*", "features.block3.*.weight", name, "f*e*a*t"] {
            assert!(matches(yes, name), "{yes}");
        }
        for no in ["features", "feature.*", "*.bn", "features.block3.*.bias", "", "*y*", "features.*features.*"] {
            assert!(!matches(no, name), "{no}");
        }
        assert!(matches("a*a", "aa") && !matches("a*a", "a") && matches("ab*", "ab"));
    }

    #[test]
    fn a_pattern_without_match_names_close_ones() {
        let names = ["features.stem.conv.weight", "features.last.bn.bias", "head.logits.weight"];
        let refused = check("train.freeze", &["fetures.*".into()], names.into_iter()).unwrap_err().to_string();
        assert!(refused.contains("train.freeze") && refused.contains("features.stem.conv.weight"), "{refused}");
        assert!(check("train.freeze", &["head.*".into(), "*".into()], names.into_iter()).is_ok());
    }
}
