//! Pictures that show the same photograph in another crop, size, contrast or compression.
//!
//! Candidates differ in at most eight of 64 bits that say where brightness rises from left to right (dHash); a pair is
//! reported when the pixels also correlate. Looking at FER2013's pairs, all with a correlation above 0.9 are of one
//! photograph; below 0.85 most are not.
//!
//! Not every pair is looked at: hashes that are near share a part but for a bit ([`Index`]), and of candidates a sketch
//! tells how much they can correlate at most ([`Sketch::most`](super::looks::Sketch::most)). Both leave out only pairs that
//! would not be reported.

use std::collections::BTreeMap;

use anyhow::Result;
use rayon::prelude::*;

use super::looks::{Look, dot, normalised};
use super::{NearDuplicates, NearPair, across};
use crate::FaceSet;

/// Bits in which the hashes of candidates may differ.
const MOST_BITS: u32 = 8;
const LEAST_CORRELATION: f32 = 0.9;
/// More than what rounding changes in a correlation.
const ROUNDING: f32 = 0.005;

/// Finds all pairs, equal pictures and blank ones left out.
///
/// # Errors
/// When a picture cannot be read.
pub(super) fn find(faces: &FaceSet, first: &[u32], looks: &[Look]) -> Result<NearDuplicates> {
    let rows: Vec<u32> =
        (0..faces.len() as u32).filter(|&r| first[r as usize] == r && !looks[r as usize].is_blank).collect();
    let index = Index::new(rows.iter().map(|&r| looks[r as usize].hash).collect());
    let of_one = |i: usize| -> Result<Vec<NearPair>> {
        let (row, sketch) = (rows[i], &looks[rows[i] as usize].sketch);
        let others = index.near(i).into_iter().map(|j| rows[j as usize]);
        let others = others.filter(|&j| sketch.most(&looks[j as usize].sketch) >= LEAST_CORRELATION - ROUNDING);
        let (mut mine, mut pairs) = (None, Vec::new());
        for other in others {
            let mine = match &mut mine {
                Some(mine) => mine,
                none => none.insert(normalised(faces, row)?),
            };
            let correlation = dot(mine, &normalised(faces, other)?);
            if correlation >= LEAST_CORRELATION {
                pairs.push(NearPair { rows: [row, other], correlation });
            }
        }
        Ok(pairs)
    };
    let found: Vec<Vec<NearPair>> = (0..rows.len()).into_par_iter().map(of_one).collect::<Result<_>>()?;
    let mut members = found.concat();
    members.sort_by(|a, b| b.correlation.total_cmp(&a.correlation).then(a.rows.cmp(&b.rows)));
    let mut counts = BTreeMap::new();
    for [a, b] in members.iter().map(|pair| pair.rows) {
        if let Some(pair) = across(faces, a, b) {
            *counts.entry(pair).or_default() += 1;
        }
    }
    Ok(NearDuplicates { pairs: members.len(), across: counts, members })
}

/// The bits of the five parts of a hash: of eight differing bits, one part at least has not more than one.
const PARTS: [u32; 5] = [13, 13, 13, 13, 12];

/// Finds near hashes: by each part, in tables of the hashes that have it (multi-index hashing; Norouzi, Punjani and Fleet,
/// arXiv:1307.2982).
struct Index {
    hashes: Vec<u64>,
    tables: Vec<Table>,
}

/// The hashes that have each value of a part, ascending by number.
struct Table {
    part: usize,
    /// Where those of each value begin in `numbers`, and the end.
    starts: Vec<u32>,
    numbers: Vec<u32>,
}

impl Index {
    fn new(hashes: Vec<u64>) -> Self {
        let tables = (0..PARTS.len()).map(|part| Table::new(&hashes, part)).collect();
        Self { hashes, tables }
    }

    /// Later hashes that differ from number `i` in at most [`MOST_BITS`] bits, each once.
    fn near(&self, i: usize) -> Vec<u32> {
        let mut found = Vec::new();
        for table in &self.tables {
            let own = value(self.hashes[i], table.part);
            let neighbours = std::iter::once(own).chain((0..PARTS[table.part]).map(|bit| own ^ 1 << bit));
            for &j in neighbours.flat_map(|value| table.after(value, i)) {
                let different = self.hashes[i] ^ self.hashes[j as usize];
                let is_new = (0..table.part).all(|earlier| value(different, earlier).count_ones() > 1);
                if different.count_ones() <= MOST_BITS && is_new {
                    found.push(j);
                }
            }
        }
        found
    }
}

impl Table {
    fn new(hashes: &[u64], part: usize) -> Self {
        let mut starts = vec![0u32; (1 << PARTS[part]) + 1];
        hashes.iter().for_each(|&hash| starts[value(hash, part) + 1] += 1);
        (1..starts.len()).for_each(|v| starts[v] += starts[v - 1]);
        let (mut next, mut numbers) = (starts.clone(), vec![0; hashes.len()]);
        for (number, &hash) in (0u32..).zip(hashes) {
            let place = &mut next[value(hash, part)];
            numbers[*place as usize] = number;
            *place += 1;
        }
        Self { part, starts, numbers }
    }

    /// The hashes behind number `i` that have a value.
    fn after(&self, value: usize, i: usize) -> &[u32] {
        let all = &self.numbers[self.starts[value] as usize..self.starts[value + 1] as usize];
        &all[all.partition_point(|&j| j as usize <= i)..]
    }
}

/// A part of a hash.
fn value(hash: u64, part: usize) -> usize {
    let below: u32 = PARTS[..part].iter().sum();
    (hash >> below & ((1 << PARTS[part]) - 1)) as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use ferrotype_base::random::Stream;

    #[test]
    fn the_index_finds_what_all_pairs_find() {
        let mut stream = Stream::new(2);
        assert_eq!(PARTS.iter().sum::<u32>(), 64);
        // Clusters: some hundred hashes, each with copies that differ in none to 20 bits.
        let mut hashes = Vec::new();
        for _ in 0..150 {
            let centre = stream.bits();
            for bits in 0..20 {
                hashes.push((0..bits).fold(centre, |hash, _| hash ^ 1 << stream.below(64)));
            }
        }
        let index = Index::new(hashes.clone());
        let mut pairs = 0;
        for i in 0..hashes.len() {
            let mut found = index.near(i);
            found.sort_unstable();
            let near = |&j: &u32| (hashes[i] ^ hashes[j as usize]).count_ones() <= MOST_BITS;
            let all: Vec<u32> = (i as u32 + 1..hashes.len() as u32).filter(near).collect();
            assert_eq!(found, all);
            pairs += all.len();
        }
        assert!(pairs > 3000, "{pairs}");
    }
}
