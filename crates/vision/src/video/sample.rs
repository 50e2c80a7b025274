//! Which frames are kept, by time.

/// How early a frame may be, in distances of two ticks.
const EARLY: f64 = 0.1;

/// Keeps about so many frames per second: the first frame at or after each tick of a clock that starts with the first
/// frame. No frame is kept twice, so a video with fewer frames than ticks keeps them all, and its times stay its own.
///
/// A frame may come a little before its tick: by `EARLY` of the distance of two.
#[derive(Clone, Debug)]
pub struct Sampler {
    rate: Option<f64>,
    start: Option<f64>,
    /// Number of the next tick.
    tick: u64,
}

impl Sampler {
    /// Frames per second to keep; none keeps all.
    pub fn new(rate: Option<f64>) -> Self {
        Self { rate, start: None, tick: 0 }
    }

    /// Whether the frame at this time is kept. Times are given in order.
    pub fn takes(&mut self, time: f64) -> bool {
        let Some(rate) = self.rate else { return true };
        let start = *self.start.get_or_insert(time);
        // Times are rounded in files, some to milliseconds: a tick is not missed by a hair.
        let passed = (time - start) * rate + EARLY;
        if passed < self.tick as f64 {
            return false;
        }
        self.tick = passed.floor() as u64 + 1;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(times: &[f64], rate: Option<f64>) -> Vec<usize> {
        let mut sampler = Sampler::new(rate);
        (0..times.len()).filter(|&i| sampler.takes(times[i])).collect()
    }

    #[test]
    fn ticks_choose_frames_by_time() {
        let even: Vec<f64> = (0..100).map(|i| 3.0 + f64::from(i) * 0.04).collect();
        assert_eq!(kept(&even, None).len(), 100);
        assert_eq!(kept(&even, Some(25.0)).len(), 100);
        assert_eq!(kept(&even, Some(60.0)).len(), 100);
        assert_eq!(kept(&even, Some(12.5)), (0..100).step_by(2).collect::<Vec<_>>());
        assert_eq!(kept(&even, Some(10.0)).len(), 40);
        // NTSC's 29.97 frames per second at 30 keeps them all.
        let ntsc: Vec<f64> = (0..300).map(|i| (f64::from(i) * 1001.0 / 30.0).round() / 1000.0).collect();
        assert_eq!(kept(&ntsc, Some(30.0)).len(), 300);
        // A burst of frames, a pause, another burst: by index, the pause would not be seen.
        let uneven = [0.0, 0.01, 0.02, 0.03, 2.0, 2.01, 2.6];
        assert_eq!(kept(&uneven, Some(2.0)), [0, 4, 6]);
    }
}
