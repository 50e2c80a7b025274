//! What ffmpeg says while it decodes: a line per frame with its time and size, and its complaints.

/// Complaints that are kept word for word.
const KEPT: usize = 5;
/// So many stretches of damaged frames are named.
const STRETCHES: usize = 8;

/// What was learned of a decoding besides its frames. ffmpeg ends with success on files that it could decode only in
/// part, so its complaints are the only sign of damage.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Log {
    /// Lines that report an error.
    pub errors: usize,
    /// The first of them.
    pub first: Vec<String>,
    /// Numbers of the frames, counted from 0, that were next to be handed out when errors were reported: these frames, or
    /// some right before or behind them, are damaged or missing. First and last of each unbroken stretch.
    pub damaged: Vec<[usize; 2]>,
    /// Frames handed out.
    pub frames: usize,
    /// Frames without a presentation time, or with one before the last frame's.
    pub bad_times: usize,
}

impl Log {
    /// What a reader should know, if anything was wrong.
    pub fn note(&self) -> Option<String> {
        let mut parts = Vec::new();
        if self.errors > 0 {
            let first = self.first.first().map(String::as_str).unwrap_or_default();
            parts.push(format!(
                "the decoder reports {} errors at {} (counted from 0), first: {first}",
                self.errors,
                self.places()
            ));
        }
        if self.bad_times > 0 {
            parts.push(format!("{} frames have no time of their own, or one that goes backwards", self.bad_times));
        }
        (!parts.is_empty()).then(|| parts.join("; "))
    }

    /// The damaged frames in words.
    fn places(&self) -> String {
        let stretch = |&[first, last]: &[usize; 2]| match first == last {
            true => format!("frame {first}"),
            false => format!("frames {first} to {last}"),
        };
        let named: Vec<String> = self.damaged.iter().take(STRETCHES).map(stretch).collect();
        let more = self.damaged.len().saturating_sub(STRETCHES);
        named.join(", ") + &if more > 0 { format!(" and {more} more places") } else { String::new() }
    }

    pub(super) fn complain(&mut self, text: String) {
        self.errors += 1;
        match self.damaged.last_mut() {
            Some([_, last]) if *last + 1 >= self.frames => *last = self.frames,
            _ => self.damaged.push([self.frames; 2]),
        }
        if self.first.len() < KEPT {
            self.first.push(text);
        }
    }
}

/// A line of ffmpeg's standard error at `-loglevel repeat+level+info`.
#[derive(Clone, Debug, PartialEq)]
pub enum Line {
    /// The filter `showinfo` saw a frame: its time in seconds, if it has one, its columns and rows.
    Frame(Option<f64>, usize, usize),
    /// A complaint.
    Error(String),
    /// Anything else.
    Other,
}

/// Understands one line.
pub fn understand(line: &str) -> Line {
    if line.contains("Parsed_showinfo") {
        return frame(line).unwrap_or(Line::Other);
    }
    for level in ["[error] ", "[fatal] ", "[panic] "] {
        if let Some((source, text)) = line.split_once(level) {
            // The source is `[h264 @ 0x55d0c8] `: the address differs from run to run.
            let source = source.trim_start_matches('[').split([' ', ']']).next().unwrap_or_default();
            let text = text.trim();
            return Line::Error(if source.is_empty() { text.to_owned() } else { format!("{source}: {text}") });
        }
    }
    Line::Other
}

fn frame(line: &str) -> Option<Line> {
    // `n:   0 pts:      0 pts_time:0       ... fmt:yuv420p sar:0/1 s:640x360 i:P iskey:1 ...`
    line.split_once(" n:")?;
    let value = |key: &str| line.split_once(key)?.1.split_whitespace().next();
    let (width, height) = value(" s:")?.split_once('x')?;
    let time = value("pts_time:").and_then(|t| t.parse::<f64>().ok()).filter(|t| t.is_finite());
    Some(Line::Frame(time, width.parse().ok()?, height.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_name_their_frames() {
        let mut log = Log::default();
        for (frames, errors) in [(3, 2), (4, 1), (9, 1)] {
            log.frames = frames;
            (0..errors).for_each(|_| log.complain("h264: concealing".into()));
        }
        assert_eq!(log.damaged, [[3, 4], [9, 9]]);
        let note = log.note().unwrap();
        assert!(
            note.contains("4 errors at frames 3 to 4, frame 9 (counted from 0), first: h264: concealing"),
            "{note}"
        );
    }

    #[test]
    fn lines_are_understood() {
        let line = "[Parsed_showinfo_0 @ 0x55] [info] n:  12 pts:   6144 pts_time:0.48    duration:512 pos: 1 fmt:yuv420p \
                    sar:0/1 s:640x360 i:P iskey:0 type:B ";
        assert_eq!(understand(line), Line::Frame(Some(0.48), 640, 360));
        assert_eq!(understand(&line.replace("0.48 ", "NOPTS")), Line::Frame(None, 640, 360));
        assert_eq!(understand("[Parsed_showinfo_0 @ 0x55] [info] config in time_base: 1/12800"), Line::Other);
        assert_eq!(
            understand("[h264 @ 0x5581] [error] Invalid NAL unit size (123 > 45)."),
            Line::Error("h264: Invalid NAL unit size (123 > 45).".into())
        );
        assert_eq!(understand("[error] a.mp4: Invalid data"), Line::Error("a.mp4: Invalid data".into()));
        assert_eq!(understand("[info] Stream mapping:"), Line::Other);
    }
}
