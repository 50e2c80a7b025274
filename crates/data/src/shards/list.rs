//! Lists of shards that stand one behind the other: a part of a face after the other.

use anyhow::{Result, bail, ensure};

use super::ShardList;

impl ShardList {
    /// One list behind the other. The sha256 of all is known of one list alone.
    pub(crate) fn joined(lists: Vec<Self>) -> Self {
        let is_one = lists.len() == 1;
        let mut lists = lists.into_iter();
        let mut all = lists.next().unwrap_or_default();
        if !is_one {
            all.sha256 = String::new();
        }
        for list in lists {
            all.shards.extend(list.shards);
            all.lengths.extend(list.lengths);
            all.checks.extend(list.checks);
            all.fingerprints.extend(list.fingerprints);
        }
        all
    }

    /// The lists of so many pictures each that stand in it one behind the other, without the sha256 of all.
    ///
    /// # Errors
    /// When a shard holds pictures of two of them, or the columns of pictures differ in length.
    pub(crate) fn divided(&self, each: usize) -> Result<Vec<Self>> {
        let mut lists = Vec::new();
        let (mut shards, mut rows, mut start) = (Vec::new(), 0, 0);
        for shard in &self.shards {
            rows += shard.rows as usize;
            shards.push(shard.clone());
            if rows < each {
                continue;
            }
            let place = start..start + rows;
            let (Some(lengths), Some(checks), Some(fingerprints)) =
                (self.lengths.get(place.clone()), self.checks.get(place.clone()), self.fingerprints.get(place.clone()))
            else {
                bail!("its shards hold more than its {} pictures", self.lengths.len());
            };
            ensure!(rows == each, "its shard {} holds pictures of two parts", shard.name);
            lists.push(Self {
                storage: self.storage,
                shards: std::mem::take(&mut shards),
                lengths: lengths.to_vec(),
                checks: checks.to_vec(),
                fingerprints: fingerprints.to_vec(),
                sha256: String::new(),
            });
            (rows, start) = (0, place.end);
        }
        ensure!(rows == 0, "its last shards hold {rows} pictures of a part, and {each} are expected");
        ensure!(start == self.lengths.len(), "its shards hold {start} pictures, and it has {}", self.lengths.len());
        Ok(lists)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shards::Shard;

    fn list(shards: &[u32]) -> ShardList {
        let n = shards.iter().sum::<u32>();
        ShardList {
            shards: shards.iter().map(|&rows| Shard { rows, ..Shard::default() }).collect(),
            lengths: (0..n).collect(),
            checks: (100..100 + n).collect(),
            fingerprints: (0..n).map(|i| [i as u8; 32]).collect(),
            ..ShardList::default()
        }
    }

    #[test]
    fn lists_are_divided_and_joined_again() {
        let all = list(&[3, 2, 5, 4, 1]);
        let parts = all.divided(5).unwrap();
        assert_eq!(parts.iter().map(|part| part.shards.len()).collect::<Vec<_>>(), [2, 1, 2]);
        assert_eq!(
            (parts[1].lengths.clone(), parts[2].checks[0], parts[0].fingerprints[4]),
            ((5..10).collect(), 110, [4; 32])
        );
        assert_eq!(ShardList::joined(parts), all);
        assert_eq!(ShardList::joined(Vec::new()), ShardList::default());
        let said = |shards: &[u32], each| list(shards).divided(each).unwrap_err().to_string();
        assert!(said(&[3, 3, 4], 5).contains("two parts"));
        assert!(said(&[5, 4], 5).contains("4 pictures of a part"));
        let long = ShardList { lengths: vec![0; 7], ..list(&[5]) };
        assert!(long.divided(5).unwrap_err().to_string().contains("hold 5 pictures, and it has 7"));
        let short = ShardList { checks: Vec::new(), ..list(&[5]) };
        assert!(short.divided(5).unwrap_err().to_string().contains("more than"));
        let sealed = ShardList { sha256: "a".into(), ..list(&[1]) };
        assert_eq!(ShardList::joined(vec![sealed.clone()]).sha256, "a");
        assert_eq!(ShardList::joined(vec![sealed.clone(), sealed]).sha256, "");
    }
}
