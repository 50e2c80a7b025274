//! Preprocessing: what happens to every image, in training, evaluation, prediction and export alike.
//!
//! The order is fixed: **resize** (outside the exported model), then **colour**, then [random changes, in training
//! only], then **scale**. `docs/preprocessing.md` gives each step as numpy code.

mod crop;
mod ferplus;
mod invert;
mod resize;
mod resize_opencv;
mod views;

use anyhow::{Result, bail};

use super::options::{Colour, MeanStd, Preprocess, Resize, Scale};

pub use crop::Crop;
pub use ferplus::{equalise, ferplus_chain, pixel_bin, subtract_plane};
pub use resize::{planes, resample, resize};
pub use views::Views;

/// Largest side that a picture or a model's input may have: beyond it, something else than a face crop was given.
pub const LARGEST_SIDE: usize = 16_384;

/// Weights of R, G and B in grey (ITU-R BT.601, as OpenCV and Pillow have them). The sum is not rounded.
pub const GREY: [f32; 3] = [0.299, 0.587, 0.114];

/// A picture to preprocess: `[height, width, channels]`, row-major, values 0..255.
#[derive(Clone, Copy, Debug)]
pub struct Picture<'a> {
    /// The values.
    pub pixels: &'a [u8],
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
    /// 1 (grey) or 3 (RGB).
    pub channels: usize,
}

impl<'a> Picture<'a> {
    /// A picture, if the number of values fits its shape.
    pub fn new(pixels: &'a [u8], height: usize, width: usize, channels: usize) -> Result<Self> {
        if height == 0 || width == 0 || height > LARGEST_SIDE || width > LARGEST_SIDE {
            bail!("a picture of {height} x {width} pixels: each side must be 1 to {LARGEST_SIDE}");
        }
        if channels != 1 && channels != 3 {
            bail!("a picture with {channels} channels: give grey (1) or RGB (3)");
        }
        if pixels.len() != height * width * channels {
            bail!(
                "a picture of {height} x {width} x {channels} has {} values, but {} were given",
                height * width * channels,
                pixels.len()
            );
        }
        Ok(Self { pixels, height, width, channels })
    }
}

/// [`Preprocess`], checked and ready to use.
#[derive(Clone, Debug)]
pub struct Pipeline {
    options: Preprocess,
    /// Pictures per example: 1, or those of a sequence.
    pictures: usize,
    /// What of a picture is seen where nothing is drawn.
    crop: Crop,
}

impl Pipeline {
    /// Checks the options.
    pub fn new(options: &Preprocess) -> Result<Self> {
        if options.size == 0 || options.size > LARGEST_SIDE {
            bail!("preprocess.size is {}: it must be 1 to {LARGEST_SIDE} pixels", options.size);
        }
        if let Some(frame) = options.crop_from.filter(|&frame| frame < options.size || frame > LARGEST_SIDE) {
            bail!("preprocess.crop_from is {frame}: it must be {} (size) to {LARGEST_SIDE} pixels", options.size);
        }
        match &options.scale {
            Scale::MeanStd(scale) => check_mean_std(scale, options.colour.channels())?,
            Scale::Ferplus if options.colour != Colour::Grey => {
                bail!(
                    "preprocess.scale is ferplus, whose histogram is of grey values, but preprocess.colour is not grey: set \
                     colour: grey, or another scale"
                );
            }
            _ => {}
        }
        Ok(Self { options: options.clone(), pictures: 1, crop: Crop::default() })
    }

    /// For examples of so many pictures: each is preprocessed by itself.
    pub fn with_pictures(mut self, pictures: usize) -> Self {
        self.pictures = pictures;
        self
    }

    /// With another square of the pictures than the middle one.
    pub fn with_crop(mut self, crop: Crop) -> Self {
        self.crop = crop;
        self
    }

    /// As far as the picture that these views are taken from: all of it, where they are squares of it.
    pub fn for_views(&self, views: Views) -> Self {
        let mut whole = self.clone();
        whole.options.size = views.side(&self.options);
        whole.options.crop_from = self.options.crop_from.filter(|&frame| frame > whole.options.size);
        whole
    }

    /// The options it was made from.
    pub fn options(&self) -> &Preprocess {
        &self.options
    }

    /// Pixels per side of the result.
    pub fn size(&self) -> usize {
        self.options.size
    }

    /// Pixels per side that pictures are brought to, before the model's square is cut out of them.
    pub fn frame(&self) -> usize {
        self.options.frame()
    }

    /// The rule that brings pictures to that size.
    pub fn rule(&self) -> Resize {
        self.options.resize
    }

    /// Channels of a picture: 1 or 3.
    pub fn channels(&self) -> usize {
        self.options.colour.channels()
    }

    /// `[planes, height, width]` of an example: the channels of its pictures, one picture after another.
    pub fn shape(&self) -> [usize; 3] {
        [self.pictures * self.channels(), self.size(), self.size()]
    }

    /// Brings a picture to the model's size and channels: `[channels, size, size]`, 0..255, not rounded.
    pub fn resize_colour(&self, picture: &Picture) -> Vec<f32> {
        self.cut(self.framed(picture), self.crop)
    }

    /// A picture in the model's channels, before its square is cut out: `[channels, frame, frame]`.
    pub(crate) fn framed(&self, picture: &Picture) -> Vec<f32> {
        let planes = resize(picture, self.frame(), self.options.resize);
        self.recolour(planes, picture.channels)
    }

    /// A square of the model's size of planes `[channels, frame, frame]`.
    pub(crate) fn cut(&self, planes: Vec<f32>, crop: Crop) -> Vec<f32> {
        crop.cut(planes, self.frame(), self.size())
    }

    /// The square that is seen where none is drawn.
    pub(crate) fn crop(&self) -> Crop {
        self.crop
    }

    /// Planes of a picture with `from` channels in the model's channels.
    pub(crate) fn recolour(&self, planes: Vec<f32>, from: usize) -> Vec<f32> {
        let mut planes = recolour(planes, from, self.channels());
        if self.options.colour == Colour::Bgr {
            let plane = planes.len() / 3;
            let (red, rest) = planes.split_at_mut(plane);
            let blue = rest.len() - red.len();
            red.swap_with_slice(&mut rest[blue..]);
        }
        planes
    }

    /// Scales the values of an example in place: 0..255 of one picture `[channels, size, size]` or of several, one after
    /// another.
    pub fn scale(&self, image: &mut [f32]) {
        let picture = (self.channels() * self.size() * self.size()).max(1);
        image.chunks_exact_mut(picture).for_each(|picture| self.scale_one(picture));
    }

    fn scale_one(&self, image: &mut [f32]) {
        match &self.options.scale {
            Scale::Raw => {}
            Scale::Unit => image.iter_mut().for_each(|x| *x /= 255.0),
            Scale::Signed => image.iter_mut().for_each(|x| *x = (*x / 255.0 - 0.5) * 2.0),
            Scale::MeanStd(scale) => self.standardise(image, scale),
            Scale::Ferplus => ferplus_chain(image, self.options.size),
        }
    }

    /// Both steps: `[channels, size, size]` as the network takes it.
    pub fn apply(&self, picture: &Picture) -> Vec<f32> {
        let mut image = self.resize_colour(picture);
        self.scale(&mut image);
        image
    }

    fn standardise(&self, image: &mut [f32], scale: &MeanStd) {
        for (channel, plane) in image.chunks_exact_mut(self.size() * self.size()).enumerate() {
            let (mean, std) = (invert::of(&scale.mean, channel), invert::of(&scale.std, channel));
            plane.iter_mut().for_each(|x| *x = (*x / 255.0 - mean) / std);
        }
    }
}

fn check_mean_std(scale: &MeanStd, channels: usize) -> Result<()> {
    for (name, values) in [("mean", &scale.mean), ("std", &scale.std)] {
        if values.len() != 1 && values.len() != channels {
            bail!(
                "preprocess.scale.mean_std.{name} has {} values: give one for all channels or one for each of {channels}",
                values.len()
            );
        }
        if values.iter().any(|v| !v.is_finite()) {
            bail!("preprocess.scale.mean_std.{name} has a value that is not a finite number");
        }
    }
    if let Some(std) = scale.std.iter().find(|&&v| v <= 0.0) {
        bail!("preprocess.scale.mean_std.std has the value {std}: a deviation must be above 0");
    }
    Ok(())
}

/// Planes `[from, n]` to `[to, n]`: grey of RGB, or grey replicated.
pub(crate) fn recolour(planes: Vec<f32>, from: usize, to: usize) -> Vec<f32> {
    match (from, to) {
        (3, 1) => {
            let n = planes.len() / 3;
            (0..n).map(|i| GREY[0] * planes[i] + GREY[1] * planes[n + i] + GREY[2] * planes[2 * n + i]).collect()
        }
        (1, 3) => planes.repeat(3),
        _ => planes,
    }
}

/// Planes `[channels, height, width]` in 0..255 as pixels `[height, width, channels]`, rounded.
pub fn pixels(planes: &[f32], channels: usize) -> Vec<u8> {
    let n = planes.len() / channels;
    (0..planes.len()).map(|i| planes[i % channels * n + i / channels].round().clamp(0.0, 255.0) as u8).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(scale: Scale, colour: Colour) -> Preprocess {
        Preprocess::new(2, Resize::Bilinear, colour, scale)
    }

    fn scaled(scale: Scale, colour: Colour, values: &[f32]) -> Vec<f32> {
        let mut image = values.to_vec();
        Pipeline::new(&options(scale, colour)).unwrap().scale(&mut image);
        image
    }

    #[test]
    fn scales_are_as_documented() {
        let x = [0.0, 51.0, 127.5, 255.0];
        assert_eq!(scaled(Scale::Raw, Colour::Grey, &x), x);
        assert_eq!(scaled(Scale::Unit, Colour::Grey, &x), [0.0, 0.2, 0.5, 1.0]);
        assert_eq!(scaled(Scale::Signed, Colour::Grey, &x), [-1.0, -0.6, 0.0, 1.0]);
        let scale = Scale::MeanStd(MeanStd { mean: vec![0.5], std: vec![0.25] });
        assert_eq!(scaled(scale, Colour::Grey, &x), [-2.0, -1.2, 0.0, 2.0]);
    }

    #[test]
    fn mean_and_deviation_may_differ_per_channel() {
        let scale = Scale::MeanStd(MeanStd { mean: vec![0.0, 0.5, 1.0], std: vec![1.0] });
        let image = scaled(scale, Colour::Rgb, &[255.0; 12]);
        assert_eq!(image, [1.0, 1.0, 1.0, 1.0, 0.5, 0.5, 0.5, 0.5, 0.0, 0.0, 0.0, 0.0]);
    }

    #[test]
    fn grey_and_rgb_turn_into_each_other() {
        let rgb = [200, 100, 50, 0, 0, 0, 255, 255, 255, 10, 20, 30];
        let picture = Picture::new(&rgb, 2, 2, 3).unwrap();
        let grey = Pipeline::new(&options(Scale::Raw, Colour::Grey)).unwrap().apply(&picture);
        for (a, b) in grey.iter().zip([124.2, 0.0, 255.0, 18.15]) {
            assert!((a - b).abs() < 1e-4, "{a} {b}");
        }
        let [in_rgb, in_bgr] = [Colour::Rgb, Colour::Bgr]
            .map(|colour| Pipeline::new(&options(Scale::Raw, colour)).unwrap().apply(&picture));
        assert_eq!((&in_bgr[..4], &in_bgr[4..8], &in_bgr[8..]), (&in_rgb[8..], &in_rgb[4..8], &in_rgb[..4]));
        let picture = Picture::new(&rgb[..4], 2, 2, 1).unwrap();
        let three = Pipeline::new(&options(Scale::Raw, Colour::Rgb)).unwrap().apply(&picture);
        assert_eq!(three, [200.0, 100.0, 50.0, 0.0].repeat(3));
    }

    #[test]
    fn impossible_values_are_refused_with_their_name() {
        let refused = |o: Preprocess| Pipeline::new(&o).unwrap_err().to_string();
        assert!(refused(Preprocess { size: 0, ..options(Scale::Raw, Colour::Grey) }).contains("preprocess.size"));
        assert!(refused(options(Scale::Ferplus, Colour::Rgb)).contains("colour: grey"));
        let mean_std = |mean: Vec<f32>, std: Vec<f32>| options(Scale::MeanStd(MeanStd { mean, std }), Colour::Rgb);
        assert!(refused(mean_std(vec![], vec![1.0])).contains("mean has 0 values"));
        assert!(refused(mean_std(vec![0.5], vec![1.0, 1.0])).contains("std has 2 values"));
        assert!(refused(mean_std(vec![0.5], vec![0.0])).contains("above 0"));
        assert!(refused(mean_std(vec![f32::NAN], vec![1.0])).contains("finite"));
        assert!(Picture::new(&[0; 5], 2, 2, 1).unwrap_err().to_string().contains("5 were given"));
        assert!(Picture::new(&[], 0, 2, 1).is_err() && Picture::new(&[0; 8], 2, 2, 2).is_err());
    }
}
