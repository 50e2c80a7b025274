//! RandAugment (Cubuk et al., arXiv:1909.13719) and TrivialAugment (Müller and Hutter, arXiv:2103.10158): a few operations of a list,
//! each with one strength, in place of a range for each. Lists and strengths are those of torchvision 0.2x
//! (`torchvision/transforms/autoaugment.py`); geometry is resampled bilinearly and filled as `augment.fill` says, where torchvision
//! takes the nearest pixel and black.

mod ops;

use ferrotype_base::random::Stream;

use super::geometric::{Affine, resample};
use crate::options::{Fill, Policy};
use ops::Op;

/// Strengths that an operation has.
const BINS: usize = 31;

/// What is drawn from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Name {
    Identity,
    ShearX,
    ShearY,
    TranslateX,
    TranslateY,
    Rotate,
    Brightness,
    Colour,
    Contrast,
    Sharpness,
    Posterize,
    Solarize,
    AutoContrast,
    Equalize,
}

/// In torchvision's order.
const NAMES: [Name; 14] = [
    Name::Identity,
    Name::ShearX,
    Name::ShearY,
    Name::TranslateX,
    Name::TranslateY,
    Name::Rotate,
    Name::Brightness,
    Name::Colour,
    Name::Contrast,
    Name::Sharpness,
    Name::Posterize,
    Name::Solarize,
    Name::AutoContrast,
    Name::Equalize,
];

/// Changes an image `[channels, size, size]` of values 0 to 255, which are whole numbers afterwards.
pub fn apply(policy: &Policy, image: &mut Vec<f32>, size: usize, fill: Fill, choice: &mut Stream) {
    image.iter_mut().for_each(|v| *v = v.round());
    let (times, fixed) = match policy {
        Policy::TrivialAugment => (1, None),
        Policy::RandAugment(o) => (o.operations, Some(o.magnitude)),
    };
    for _ in 0..times {
        let name = NAMES[choice.below(NAMES.len())];
        // Both draws are made whatever the operation is.
        let (drawn, negative) = (choice.below(BINS), choice.chance(0.5));
        let bin = fixed.unwrap_or(drawn);
        let (strength, is_signed) = if fixed.is_some() { narrow(name, bin, size) } else { wide(name, bin) };
        let strength = if is_signed && negative { -strength } else { strength };
        change(name, strength, image, size, fill);
    }
}

/// `linspace(low, high, 31)[bin]`.
fn linear(low: f64, high: f64, bin: usize) -> f64 {
    low + (high - low) * bin as f64 / (BINS - 1) as f64
}

/// Strength, and whether it goes either way, by `TrivialAugmentWide._augmentation_space`.
fn wide(name: Name, bin: usize) -> (f64, bool) {
    match name {
        Name::Identity | Name::AutoContrast | Name::Equalize => (0.0, false),
        Name::ShearX | Name::ShearY => (linear(0.0, 0.99, bin), true),
        Name::TranslateX | Name::TranslateY => (linear(0.0, 32.0, bin), true),
        Name::Rotate => (linear(0.0, 135.0, bin), true),
        Name::Brightness | Name::Colour | Name::Contrast | Name::Sharpness => (linear(0.0, 0.99, bin), true),
        Name::Posterize => (8.0 - (bin as f64 / ((BINS - 1) as f64 / 6.0)).round_ties_even(), false),
        Name::Solarize => (linear(255.0, 0.0, bin), false),
    }
}

/// The same by `RandAugment._augmentation_space`.
fn narrow(name: Name, bin: usize, size: usize) -> (f64, bool) {
    match name {
        Name::Identity | Name::AutoContrast | Name::Equalize => (0.0, false),
        Name::ShearX | Name::ShearY => (linear(0.0, 0.3, bin), true),
        Name::TranslateX | Name::TranslateY => (linear(0.0, 150.0 / 331.0 * size as f64, bin), true),
        Name::Rotate => (linear(0.0, 30.0, bin), true),
        Name::Brightness | Name::Colour | Name::Contrast | Name::Sharpness => (linear(0.0, 0.9, bin), true),
        Name::Posterize => (8.0 - (bin as f64 / ((BINS - 1) as f64 / 4.0)).round_ties_even(), false),
        Name::Solarize => (linear(255.0, 0.0, bin), false),
    }
}

fn change(name: Name, strength: f64, image: &mut Vec<f32>, size: usize, fill: Fill) {
    let moved = |xx: [[f64; 2]; 2], offset: [f64; 2], image: &[f32]| {
        let affine = Affine { matrix: xx, offset };
        let mut moved = resample(image, [size, size], &affine, size, fill);
        moved.iter_mut().for_each(|v| *v = v.round());
        moved
    };
    let middle = (size as f64 - 1.0) / 2.0;
    match name {
        Name::Identity => {}
        // torchvision shears about the top left corner.
        Name::ShearX => *image = moved([[1.0, -strength], [0.0, 1.0]], [0.0, 0.0], image),
        Name::ShearY => *image = moved([[1.0, 0.0], [-strength, 1.0]], [0.0, 0.0], image),
        Name::TranslateX => *image = moved([[1.0, 0.0], [0.0, 1.0]], [-strength.trunc(), 0.0], image),
        Name::TranslateY => *image = moved([[1.0, 0.0], [0.0, 1.0]], [0.0, -strength.trunc()], image),
        Name::Rotate => {
            let (sin, cos) = strength.to_radians().sin_cos();
            let offset = [middle - cos * middle + sin * middle, middle - sin * middle - cos * middle];
            *image = moved([[cos, -sin], [sin, cos]], offset, image);
        }
        Name::Brightness => Op::Brightness(1.0 + strength).apply(image, size),
        Name::Colour => Op::Colour(1.0 + strength).apply(image, size),
        Name::Contrast => Op::Contrast(1.0 + strength).apply(image, size),
        Name::Sharpness => Op::Sharpness(1.0 + strength).apply(image, size),
        Name::Posterize => Op::Posterize(strength as u32).apply(image, size),
        Name::Solarize => Op::Solarize(strength).apply(image, size),
        Name::AutoContrast => Op::AutoContrast.apply(image, size),
        Name::Equalize => Op::Equalize.apply(image, size),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::RandAugmentOptions;

    fn image(size: usize, channels: usize) -> Vec<f32> {
        let mut stream = Stream::new(7);
        (0..channels * size * size).map(|_| stream.below(256) as f32).collect()
    }

    #[test]
    fn strengths_are_torchvisions() {
        // torchvision.transforms.TrivialAugmentWide()._augmentation_space(31), RandAugment()._augmentation_space(31, (48, 48))
        assert!((wide(Name::Rotate, 30).0 - 135.0).abs() < 1e-12 && (wide(Name::ShearX, 15).0 - 0.495).abs() < 1e-12);
        let posterize: Vec<u32> = (0..BINS).step_by(5).map(|bin| wide(Name::Posterize, bin).0 as u32).collect();
        assert_eq!(posterize, [8, 7, 6, 5, 4, 3, 2]);
        assert!((narrow(Name::TranslateX, 30, 48).0 - 150.0 / 331.0 * 48.0).abs() < 1e-12);
        assert!((narrow(Name::Solarize, 9, 48).0 - 178.5).abs() < 1e-12);
        assert_eq!(narrow(Name::Posterize, 9, 48).0, 7.0);
    }

    #[test]
    fn a_choice_is_a_function_of_its_key_and_keeps_its_range() {
        let policies =
            [Policy::TrivialAugment, Policy::RandAugment(RandAugmentOptions { operations: 3, magnitude: 30 })];
        for (policy, channels) in policies.iter().zip([1, 3]) {
            let start = image(20, channels);
            let mut changed = 0;
            for key in 0..300 {
                let of = |key| {
                    let mut out = start.clone();
                    apply(policy, &mut out, 20, Fill::Zero, &mut Stream::new(key));
                    out
                };
                let out = of(key);
                assert_eq!(out, of(key));
                assert_eq!(out.len(), start.len());
                assert!(out.iter().all(|v| (0.0..=255.0).contains(v) && v.fract() == 0.0), "{policy:?} {key}");
                changed += usize::from(out != start);
            }
            assert!(changed > 200, "{changed} of 300");
        }
    }

    #[test]
    fn geometry_goes_where_it_should() {
        let mut dot = vec![0.0; 81];
        dot[4 * 9 + 2] = 200.0;
        let place = |name: Name, strength: f64| {
            let mut out = dot.clone();
            change(name, strength, &mut out, 9, Fill::Zero);
            let at = out.iter().position(|&v| v > 100.0).unwrap();
            (at % 9, at / 9)
        };
        assert_eq!(place(Name::TranslateX, 3.0), (5, 4));
        assert_eq!(place(Name::TranslateY, -2.0), (2, 2));
        // x + 0.5 y at the row 4.
        assert_eq!(place(Name::ShearX, 0.5), (4, 4));
        // A quarter turn counter-clockwise takes what is left of the middle to below it.
        assert_eq!(place(Name::Rotate, 90.0), (4, 6));
    }
}
