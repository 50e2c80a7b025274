//! Presets and checks: from what the experiment file says to the ranges in force.

use anyhow::{Result, bail};

use crate::options::{Augment, AugmentPreset, Fill, Policy};

/// Every range of [`Augment`] with a value; 0 is off.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Ranges {
    /// Probability of mirroring left and right.
    pub flip: f32,
    /// Largest rotation in degrees, either way.
    pub rotate: f32,
    /// Largest shift per axis, as a fraction of the size.
    pub shift: f32,
    /// Factors per axis: 1 + u s or its reciprocal, evenly, u uniform in [0, 1).
    pub scale: f32,
    /// Factors per axis, uniform in [1 - z, 1 + z).
    pub zoom: f32,
    /// Largest shear per axis (x += a y, y += b x), either way.
    pub shear: f32,
    /// Largest change of brightness, as a fraction of 255.
    pub brightness: f32,
    /// Contrast factors are uniform in [1 - c, 1 + c).
    pub contrast: f32,
    /// Probability of erasing a rectangle.
    pub erase: f32,
    /// mixup's alpha.
    pub mixup: f32,
    /// CutMix's alpha.
    pub cutmix: f32,
    /// What stands outside the picture.
    pub fill: Fill,
    /// Operations of a list.
    pub policy: Option<Policy>,
    /// Whether the square that the model sees is drawn.
    pub random_crop: bool,
}

impl Ranges {
    /// The preset's ranges with the keys beside it in their place, checked.
    pub fn new(options: &Augment) -> Result<Self> {
        let preset = options.preset.map(Self::of_preset).unwrap_or_default();
        let ranges = Self {
            flip: options.flip.unwrap_or(preset.flip),
            rotate: options.rotate.unwrap_or(preset.rotate),
            shift: options.shift.unwrap_or(preset.shift),
            scale: options.scale.unwrap_or(preset.scale),
            zoom: options.zoom.unwrap_or(preset.zoom),
            shear: options.shear.unwrap_or(preset.shear),
            brightness: options.brightness.unwrap_or(preset.brightness),
            contrast: options.contrast.unwrap_or(preset.contrast),
            erase: options.erase.unwrap_or(preset.erase),
            mixup: options.mixup.unwrap_or(preset.mixup),
            cutmix: options.cutmix.unwrap_or(preset.cutmix),
            fill: options.fill.unwrap_or(preset.fill),
            policy: options.policy,
            random_crop: options.random_crop,
        };
        ranges.check()?;
        Ok(ranges)
    }

    /// The published sets.
    fn of_preset(preset: AugmentPreset) -> Self {
        match preset {
            // train.py and img_util.distort_img of microsoft/FERPlus.
            AugmentPreset::Ferplus => Self {
                flip: 0.5,
                rotate: 20.0,
                shift: 0.08,
                scale: 0.05,
                shear: 0.05,
                fill: Fill::Reflect,
                ..Self::default()
            },
            // train_emotion_classifier.py of oarriaga/face_classification.
            AugmentPreset::MiniXception => Self { flip: 0.5, rotate: 10.0, shift: 0.1, zoom: 0.1, ..Self::default() },
            AugmentPreset::EmotionDetectionUseCase => Self { rotate: 40.0, ..Self::default() },
            AugmentPreset::Light => Self { flip: 0.5, shift: 0.1, ..Self::default() },
        }
    }

    /// Whether any range changes the geometry.
    pub fn moves(&self) -> bool {
        [self.flip, self.rotate, self.shift, self.scale, self.zoom, self.shear].iter().any(|&r| r > 0.0)
    }

    /// Whether a picture by itself ever changes.
    pub fn changes(&self) -> bool {
        self.policy.is_some()
            || self.random_crop
            || self.moves()
            || [self.brightness, self.contrast, self.erase].iter().any(|&r| r > 0.0)
    }

    fn check(&self) -> Result<()> {
        let limits = [
            ("flip", self.flip, 1.0, "a probability"),
            ("rotate", self.rotate, 180.0, "degrees"),
            ("shift", self.shift, 1.0, "a fraction of the size"),
            ("scale", self.scale, 9.0, "factors from 1/(1+s) to 1+s"),
            ("zoom", self.zoom, 0.99, "factors from 1-z to 1+z"),
            ("shear", self.shear, 2.0, "a fraction"),
            ("brightness", self.brightness, 1.0, "a fraction of 255"),
            ("contrast", self.contrast, 1.0, "factors from 1-c to 1+c"),
            ("erase", self.erase, 1.0, "a probability"),
            ("mixup", self.mixup, 100.0, "Beta's parameter"),
            ("cutmix", self.cutmix, 100.0, "Beta's parameter"),
        ];
        for (name, value, most, meaning) in limits {
            if !(0.0..=most).contains(&value) {
                bail!("augment.{name} is {value}: it must be from 0 (off) to {most} ({meaning})");
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_beside_a_preset_override_it() {
        let plain = Ranges::new(&Augment { preset: Some(AugmentPreset::Ferplus), ..Augment::default() }).unwrap();
        assert_eq!((plain.rotate, plain.shift, plain.fill), (20.0, 0.08, Fill::Reflect));
        let options = Augment {
            preset: Some(AugmentPreset::Ferplus),
            rotate: Some(0.0),
            fill: Some(Fill::Zero),
            ..Augment::default()
        };
        let ranges = Ranges::new(&options).unwrap();
        assert_eq!((ranges.rotate, ranges.shift, ranges.flip, ranges.fill), (0.0, 0.08, 0.5, Fill::Zero));
        assert!(!Ranges::new(&Augment::default()).unwrap().moves());
    }

    #[test]
    fn impossible_ranges_are_refused_by_name() {
        let refused = |o: Augment| Ranges::new(&o).unwrap_err().to_string();
        assert!(refused(Augment { flip: Some(1.5), ..Augment::default() }).contains("augment.flip is 1.5"));
        assert!(refused(Augment { zoom: Some(1.0), ..Augment::default() }).contains("augment.zoom"));
        assert!(refused(Augment { mixup: Some(-1.0), ..Augment::default() }).contains("augment.mixup"));
        assert!(refused(Augment { rotate: Some(f32::NAN), ..Augment::default() }).contains("augment.rotate"));
    }
}
