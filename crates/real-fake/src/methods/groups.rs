//! Clips of one emotion: methods that fit each emotion by itself.

use anyhow::{Result, bail};

use crate::clip::ClipSet;

/// The clips that show one emotion, or all clips where the dataset does not tell emotions apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// Place of the emotion in [`ClipSet::emotions`].
    emotion: Option<usize>,
    /// Its name; `all` where there is none.
    pub name: String,
}

impl Group {
    /// The groups of a dataset with these emotions.
    pub fn all(emotions: &[String]) -> Vec<Self> {
        if emotions.is_empty() {
            return vec![Self { emotion: None, name: "all".into() }];
        }
        emotions.iter().enumerate().map(|(i, name)| Self { emotion: Some(i), name: name.clone() }).collect()
    }

    /// Whether a clip belongs to it.
    pub fn has(&self, set: &ClipSet, clip: usize) -> bool {
        self.emotion.is_none() || set.clips[clip].emotion == self.emotion
    }

    /// The places in `clips` of those that belong to it, and these.
    pub fn pick(&self, set: &ClipSet, clips: &[usize]) -> (Vec<usize>, Vec<usize>) {
        clips.iter().enumerate().filter(|&(_, &clip)| self.has(set, clip)).map(|(place, &clip)| (place, clip)).unzip()
    }

    /// What the names of its files begin with.
    pub fn stem(&self, method: &str) -> String {
        let plain = |c: char| if c.is_alphanumeric() { c.to_ascii_lowercase() } else { '_' };
        format!("{method}-{}", self.name.chars().map(plain).collect::<String>())
    }
}

/// Refuses clips that belong to no group.
pub fn check(method: &str, set: &ClipSet, clips: &[usize]) -> Result<()> {
    let groups = Group::all(&set.emotions);
    if let Some(&lost) = clips.iter().find(|&&i| groups.iter().all(|g| !g.has(set, i))) {
        bail!(
            "clip {} does not say which emotion is shown, and {method} is fitted for each of {} by itself",
            set.clips[lost].name,
            set.emotions.join(", ")
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::methods::sequence::tests::clips;

    #[test]
    fn every_clip_belongs_to_one_group() {
        let mut set = clips(8, 1.0, 2, 1);
        let groups = Group::all(&set.emotions);
        assert_eq!(groups.iter().map(|g| g.stem("m")).collect::<Vec<_>>(), ["m-happy", "m-sad"]);
        assert_eq!(groups[1].pick(&set, &[2, 0, 7]), (vec![0, 2], vec![2, 7]));
        check("m", &set, &[0, 1, 2]).unwrap();
        set.clips[2].emotion = None;
        assert!(check("m", &set, &[0, 1, 2]).unwrap_err().to_string().contains("clip002 does not say which emotion"));
        set.emotions.clear();
        assert_eq!(Group::all(&set.emotions)[0].pick(&set, &[2, 0]), (vec![0, 1], vec![2, 0]));
    }
}
