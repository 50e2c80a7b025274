//! `annotated.mp4`: the video with what is known of each face drawn over it.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};
use ferrotype_action_units::INTENSITIES;
use ferrotype_base::statistics::first_largest;
use ferrotype_report::overlay::{Bar, FaceOverlay, draw};
use ferrotype_vision::video::Encoder;

use super::kinds::{ranges, valence_arousal};
use super::{Facts, Records};
use crate::mesh::BLENDSHAPES;
use crate::options::{AnalysisOptions, Sampling};
use crate::record::{FaceRecord, FrameRecord};
use crate::video::{Progress, Shot, Source, Watch};

/// Frames per second where the header names no rate.
const RATE: f64 = 25.0;
/// Longest time in seconds that a frame stands still: a wrong time is not worth hours of video.
const LONGEST: f64 = 60.0;

/// Writes the file. Every frame of the video is in it, at a constant rate; those between the frames that were looked at show
/// what was said of the one before.
pub fn write(facts: &Facts, records: &Records, video: &Path, path: &Path, watch: &mut dyn Watch) -> Result<()> {
    let every = AnalysisOptions { sampling: Sampling::Every(1), ..facts.options.clone() };
    let mut drawing = Drawing {
        facts,
        source: Source::open(video, &every)?,
        waiting: VecDeque::new(),
        began: Instant::now(),
        shown: Vec::new(),
        film: Film { path, rate: facts.header.rate.unwrap_or(RATE), encoder: None, frames: 0, first: 0.0, last: 0.0 },
    };
    watch.note("drawing annotated.mp4");
    records.each(|record| {
        drawing.until(Some(record.frame), watch)?;
        drawing.show(&record);
        Ok(())
    })?;
    drawing.until(None, watch)?;
    drawing.film.finish()
}

struct Drawing<'a> {
    facts: &'a Facts,
    source: Source,
    /// Frames that were decoded and are not drawn yet.
    waiting: VecDeque<Shot>,
    shown: Vec<FaceOverlay>,
    began: Instant,
    film: Film<'a>,
}

impl Drawing<'_> {
    /// Draws all frames before this one, or all that are left.
    fn until(&mut self, end: Option<u64>, watch: &mut dyn Watch) -> Result<()> {
        loop {
            if self.waiting.is_empty() {
                self.waiting = self.source.shots(None)?.into();
            }
            match self.waiting.front() {
                Some(shot) if end.is_none_or(|end| shot.number < end) => {}
                _ => return Ok(()),
            }
            let Some(shot) = self.waiting.pop_front() else { return Ok(()) };
            self.draw(shot, watch)?;
            if watch.is_asked_to_stop() {
                bail!("stopped while annotated.mp4 was drawn; the same command goes on");
            }
        }
    }

    fn draw(&mut self, shot: Shot, watch: &mut dyn Watch) -> Result<()> {
        let number = shot.number;
        // A picture that could not be read is no frame.
        if let Ok(photo) = shot.photo {
            let size = [photo.width(), photo.height()];
            let mut pixels = photo.into_rgb();
            draw(&mut pixels, size, &self.shown)?;
            self.film.push(&Drawn { number, time: shot.time, pixels, size })?;
        }
        let seconds = self.began.elapsed().as_secs_f64();
        watch.progress(&Progress::drawn(number, self.facts.header.frames, seconds));
        Ok(())
    }

    fn show(&mut self, record: &FrameRecord) {
        self.shown = record.faces.iter().map(|face| overlay(self.facts, face)).collect();
    }
}

fn overlay(facts: &Facts, face: &FaceRecord) -> FaceOverlay {
    let mut title = format!("Person {}", face.track);
    // Of the many blendshapes those are shown for which there is room.
    let (mut bars, mut blendshapes, mut affect) = (Vec::new(), Vec::new(), None);
    for (((name, outputs), kinds), values) in facts.heads.iter().zip(&facts.kinds).zip(&face.heads) {
        if kinds.is_empty() && !values.is_empty() {
            let best = first_largest(values);
            title += &format!(" · {} {:.0} %", outputs[best], 100.0 * values[best]);
        }
        affect = affect.or_else(|| valence_arousal(outputs, values));
        let several = facts.heads.len() > 1;
        let is_blendshapes = name == BLENDSHAPES;
        for ((output, [low, high]), value) in outputs.iter().zip(ranges(outputs, kinds)).zip(values) {
            let name = if several { format!("{name}.{output}") } else { output.clone() };
            let bar = Bar { name, share: (value - low) / (high - low), text: format!("{value:.2}") };
            if is_blendshapes { blendshapes.push(bar) } else { bars.push(bar) }
        }
    }
    if let Some(units) = &face.units {
        bars.extend(INTENSITIES.iter().zip(&units.intensities).map(|(unit, value)| Bar {
            name: format!("AU{unit:02}"),
            share: f64::from(*value) / 5.0,
            text: format!("{value:.1}"),
        }));
    }
    bars.extend(blendshapes);
    let points = face.points.as_ref().map_or_else(Vec::new, |points| points.iter().map(|p| p.map(f64::from)).collect());
    FaceOverlay { bounds: face.bounds.map(f64::from), person: face.track, title, points, bars, affect }
}

/// A film of a constant rate from frames with times of their own.
struct Film<'a> {
    path: &'a Path,
    rate: f64,
    encoder: Option<(Encoder, [usize; 2])>,
    /// Frames that were written.
    frames: u64,
    /// The time that the film begins at.
    first: f64,
    /// The time of the last frame.
    last: f64,
}

/// A frame with what was drawn over it.
struct Drawn {
    number: u64,
    time: f64,
    /// RGB, `[height, width, 3]`.
    pixels: Vec<u8>,
    /// Columns and rows.
    size: [usize; 2],
}

impl Film<'_> {
    /// Writes a frame until its place in time; one whose place is taken is left out.
    fn push(&mut self, frame: &Drawn) -> Result<()> {
        // H.264 halves the colours' resolution: an odd column and row at the edge is left out.
        let size = frame.size.map(|side| side & !1);
        if self.encoder.is_none() {
            ensure!(size[0] > 0 && size[1] > 0, "a video of {} x {} pixels", frame.size[0], frame.size[1]);
            self.encoder = Some((Encoder::start_rgb(self.path, size, self.rate)?, size));
            (self.first, self.last) = (frame.time, frame.time);
        }
        let (encoder, first_size) = self.encoder.as_mut().context("the film has begun")?;
        ensure!(*first_size == size, "frame {} has another size than those before", frame.number);
        let leap = frame.time - self.last - LONGEST;
        if leap > 0.0 {
            self.first += leap;
        }
        self.last = frame.time;
        let place = ((frame.time - self.first) * self.rate).round().max(0.0) as u64;
        let even = frame.even(size);
        while self.frames <= place {
            encoder.push(&even)?;
            self.frames += 1;
        }
        Ok(())
    }

    fn finish(self) -> Result<()> {
        match self.encoder {
            Some((encoder, _)) => encoder.finish(),
            None => bail!("the video has no frames"),
        }
    }
}

impl Drawn {
    /// The pixels within these columns and rows.
    fn even(&self, [width, height]: [usize; 2]) -> Cow<'_, [u8]> {
        match [width, height] == self.size {
            true => Cow::Borrowed(&self.pixels),
            false => {
                let rows = self.pixels.chunks(self.size[0] * 3).take(height);
                Cow::Owned(rows.flat_map(|row| &row[..width * 3]).copied().collect())
            }
        }
    }
}
