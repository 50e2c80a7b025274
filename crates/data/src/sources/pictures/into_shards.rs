//! Picture files into shards, with constant memory, and from where an earlier call was ended.

use std::fs;
use std::time::UNIX_EPOCH;

use anyhow::{Result, anyhow};
use ferrotype_base::digest::hex;
use rayon::prelude::*;
use sha2::{Digest, Sha256};

use super::{Decoded, Picture, Taken, Want, check_size, decode};
use crate::Images;
use crate::blocks;
use crate::options::{Colour, PictureStorage};
use crate::progress::Work;
use crate::shards::{Done, Entry, Finished, Place, Writer, pack};
use crate::stored_form::to_channels;

/// A picture as it will be stored, or why it will not be.
enum Made {
    Ready {
        bytes: Vec<u8>,
        entry: Entry,
        done: Done,
        shape: [usize; 3],
    },
    /// All before it were grey: nothing was packed.
    Coloured,
    Bad(String),
}

pub(super) fn read(pictures: &[Picture], want: &Want, place: Place, bytes: u64) -> Result<Taken> {
    let made_of = made_of(pictures, want, place)?;
    let mut colour = want.colour.unwrap_or_else(|| first_colour(pictures, want));
    loop {
        let mut writer = Writer::begin(place, &format!("{made_of} {}", colour.channels()), bytes)?;
        if fill(&mut writer, pictures, want, colour, bytes)? {
            let Finished { shards, shape: [height, width, channels], rows, bad } = writer.finish()?;
            let images = Images { pixels: Vec::new(), height, width, channels };
            return Ok(Taken { rows, bad, images, shards: Some(shards) });
        }
        // A set is grey only if all its pictures are.
        writer.discard()?;
        colour = Colour::Rgb;
    }
}

/// What the first picture suggests; the others are held against it.
fn first_colour(pictures: &[Picture], want: &Want) -> Colour {
    let first = pictures.first().and_then(|picture| decode(picture, want).ok());
    if first.is_some_and(|decoded| decoded.done.coloured) { Colour::Rgb } else { Colour::Grey }
}

/// Stores the pictures that are not stored yet; says whether the colour was the right one.
fn fill(writer: &mut Writer, pictures: &[Picture], want: &Want, colour: Colour, bytes: u64) -> Result<bool> {
    let block = blocks::size(pictures.len(), bytes);
    let is_grey = want.colour.is_none() && colour == Colour::Grey;
    let make = |item: usize| match decode(&pictures[item], want) {
        Ok(decoded) if is_grey && decoded.done.coloured => Made::Coloured,
        Ok(decoded) => packed(decoded, want, colour).unwrap_or_else(|problem| Made::Bad(format!("{problem:#}"))),
        Err(problem) => Made::Bad(format!("{problem:#}")),
    };
    let (begin, mut is_right) = (writer.done(), true);
    let work = Work::begin("pictures", begin, pictures.len());
    let take = |item: usize, made: Made| {
        work.add(1);
        match made {
            Made::Bad(problem) => writer.skip(item, problem),
            Made::Coloured => is_right = false,
            Made::Ready { bytes, entry, done, shape } => {
                let (first, [height, width, _]) = writer.first().unwrap_or((item, shape));
                check_size(pictures, (first, height, width), (item, shape[0], shape[1]))?;
                writer.push(item, shape, &bytes, entry, done)?;
            }
        }
        if item + 1 >= pictures.len().min(begin + block) {
            writer.check_space(pictures.len())?;
        }
        Ok(is_right)
    };
    blocks::each(begin..pictures.len(), block, make, take)?;
    Ok(is_right)
}

fn packed(decoded: Decoded, want: &Want, colour: Colour) -> Result<Made> {
    let Decoded { pixels, height, width, file, mut done } = decoded;
    let place = want.reading.place.ok_or_else(|| anyhow!("there is no place for shards"))?;
    let shape = [height, width, colour.channels()];
    done.encoded = place.options.pictures == PictureStorage::Jpeg && file.is_none();
    let (bytes, entry) = pack(to_channels(pixels.into(), 3, colour.channels()), shape, place.options, file)?;
    Ok(Made::Ready { bytes, entry, done, shape })
}

/// A text that changes with everything that the stored pictures are made from, but for their colour.
fn made_of(pictures: &[Picture], want: &Want, place: Place) -> Result<String> {
    let stamp = |picture: &Picture| {
        let file = fs::metadata(&picture.path).ok();
        let time = file.as_ref().and_then(|f| f.modified().ok()?.duration_since(UNIX_EPOCH).ok()).unwrap_or_default();
        format!("{}\t{}\t{time:?}\t{:?}\n", picture.path.display(), file.map_or(0, |f| f.len()), picture.face)
    };
    let mut digest = Sha256::new();
    for block in pictures.chunks(1 << 14) {
        block.par_iter().map(stamp).collect::<Vec<_>>().iter().for_each(|line| digest.update(line));
    }
    Ok(format!(
        "{} {:?} {:?} {} {} {} {}",
        hex(&digest.finalize()),
        want.size,
        want.colour,
        want.max_pixels,
        want.margin,
        place.finder,
        serde_json::to_string(place.options)?
    ))
}
